// The sensor stream: measured values by (sensor_type, sensor_id) in windows of 5 minutes.

import type { StreamRules, StreamSettings, WordsOf } from "./declaration.ts";

export const sensor = {
  name: "sensor",
  topicVariable: "KAFKA_TOPIC_SENSOR_DATA",
  topic: "smartgrid-sensor-data",
  partitions: "many",
  windowMinutes: 5,
} as const satisfies StreamSettings;

export const sensorRules = {
  stream: sensor,
  fields: [
    { field: "event_id", kind: "text", longest: 300 },
    { field: "sensor_id", kind: "text", longest: 100, as: "sensorId" },
    { field: "sensor_type", kind: "text", longest: 50, as: "sensorType" },
    // Beyond 2^53 - 1 a JSON number no longer says which whole number was meant.
    { field: "value", kind: "number", min: -9_007_199_254_740_991, max: 9_007_199_254_740_991, as: "value" },
    { field: "timestamp", kind: "instant" },
    { field: "location", kind: "place", optional: true },
  ],
  http: {
    path: "/api/v1/ingest/sensor",
    device: "sensor_id",
    also: ["location"],
    free: ["metadata"],
  },
  // The contract's {sensor_id}_{seconds} may repeat for measurements that differ.
  identity: null,
  content: ["value"],
  doubts: "sensor",
  key: {
    table: "sensor_series",
    number: "series",
    numbers: "series_of",
    columns: [
      { column: "sensor_type", of: "sensorType" },
      { column: "sensor_id", of: "sensorId" },
    ],
  },
  count: "count",
  columns: [
    { column: "min_value", merge: "least", of: "value" },
    { column: "max_value", merge: "greatest", of: "value" },
    { column: "sum_value", merge: "add", of: "value" },
    { column: "sum_squares", merge: "addSquares", of: "value" },
  ],
  shown: [
    { column: "avg_value", average: "sum_value" },
    "min_value",
    "max_value",
    "count",
    { column: "stddev_value", deviation: ["sum_value", "sum_squares"] },
    "created_at",
    "sum_value",
    "sum_squares",
  ],
} as const satisfies StreamRules;

export const sensorWords = {
  title: "A measured value of one sensor",
  fields: {
    event_id: "Identity of the event; not used to count a retry once.",
    sensor_id: "The sensor; key of the record.",
    sensor_type:
      "What is measured and its unit: voltage (V), current (A), power (W), frequency (Hz), or another.",
    value:
      "The measured value in the unit of its sensor_type: V, A, W, Hz (not kV, mHz or the like); 0 or at least 1e-30 in size.",
    timestamp: "When the value was measured.",
    location: "Degrees, WGS 84.",
  },
  rows: "Measured values by sensor and 5 minutes of event time",
  each: "one row for each window, type and sensor",
  key: "sensor and type",
  columns: {
    sensor_type: "what is measured: voltage, current, power, frequency or another",
    sensor_id: "the sensor, as its events name it",
    count: "how many events the row holds; 0 where an amendment has removed all of them",
    min_value:
      "smallest value, in the unit of its type: voltage V, current A, power W, frequency Hz; null without events",
    max_value:
      "largest value, in the unit of its type: voltage V, current A, power W, frequency Hz; null without events",
    sum_value:
      "exact sum of the values, in the unit of its type: voltage V, current A, power W, frequency Hz: add these up, not the averages",
    sum_squares: "exact sum of the squared values, in the square of that unit",
    avg_value:
      "average of the values, in the unit of its type: voltage V, current A, power W, frequency Hz; null without events",
    stddev_value:
      "sample standard deviation of the values, in the unit of its type: voltage V, current A, power W, frequency Hz; null below two events",
  },
} as const satisfies WordsOf<typeof sensorRules>;
