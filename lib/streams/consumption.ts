// The consumption stream: energy of meter readings by customer_id in windows of 1 hour, exact, in kWh.

import type { StreamRules, StreamSettings, WordsOf } from "./declaration.ts";

export const consumption = {
  name: "consumption",
  topicVariable: "KAFKA_TOPIC_METER_READINGS",
  topic: "smartgrid-meter-readings",
  partitions: "many",
  windowMinutes: 60,
} as const satisfies StreamSettings;

export const consumptionRules = {
  stream: consumption,
  fields: [
    { field: "event_id", kind: "text", longest: 300, as: "eventId" },
    { field: "meter_id", kind: "text", longest: 100, as: "meterId" },
    { field: "customer_id", kind: "text", longest: 100, as: "customerId" },
    // 10^12 in any unit: more than mankind uses in a day, and exact in a double with 3 decimals.
    { field: "reading", kind: "number", min: 0, max: 1e12, as: "reading" },
    { field: "unit", kind: "unit", powers: { kWh: 0, Wh: -3, MWh: 3 }, as: "unit" },
    { field: "timestamp", kind: "instant" },
    { field: "timestamp_by", kind: "stamp", as: "isStampedByIngest" },
  ],
  http: { path: "/api/v1/ingest/meter", device: "meter_id", also: [], free: [] },
  // Each meter numbers its own readings.
  identity: ["meter_id", "event_id"],
  content: ["customerId", "reading"],
  key: {
    table: "customer",
    number: "customer",
    numbers: "customers_of",
    columns: [{ column: "customer_id", of: "customerId" }],
  },
  count: "reading_count",
  columns: [{ column: "total_consumption", merge: "add", of: "reading", in: "unit" }],
  shown: [
    "total_consumption",
    { column: "avg_consumption", average: "total_consumption" },
    "reading_count",
    "created_at",
  ],
} as const satisfies StreamRules;

export const consumptionWords = {
  title: "A meter reading: energy of one interval",
  fields: {
    event_id:
      "Identity, together with meter_id: the same one at two offsets is counted once. Text, never a number; with other content it is a conflict, and the first counts.",
    meter_id: "The meter; key of the record.",
    customer_id: "The customer; one may have several meters.",
    reading: "Energy of one interval in `unit`, not what the register stands at; 0 or at least 1e-30.",
    unit: "Unit of `reading`: kWh (where absent or null), Wh or MWh.",
    timestamp: "START of the interval in which the energy was measured (not its end).",
  },
  rows: "Energy by customer and hour of event time",
  each: "one row for each window and customer, over all of the customer's meters",
  key: "customer",
  columns: {
    customer_id: "the customer, as the readings name it",
    reading_count: "how many readings the row holds; 0 where an amendment has removed all of them",
    total_consumption: "exact sum of the readings, kWh",
    avg_consumption: "kWh per reading; null without readings",
  },
} as const satisfies WordsOf<typeof consumptionRules>;
