// What makes functions do their work: requests, schedules, deliveries of the trigger.

export const topics = {
  sensor: "smartgrid-sensor-data",
  consumption: "smartgrid-meter-readings",
  weather: "smartgrid-weather-data",
};

export const request = (method: string, path: string, body?: unknown) => ({
  ...{ version: "2.0", rawPath: path, rawQueryString: "", isBase64Encoded: false },
  headers: { "content-type": "application/json", host: "localhost" },
  requestContext: { http: { method, path }, domainName: "localhost", stage: "$default" },
  body: JSON.stringify(body),
});

const now = () => new Date().toISOString();

const sensorReading = () => ({
  ...{ sensor_id: "s1", sensor_type: "voltage", value: 230.5, unit: "V", timestamp: now() },
  location: { lat: 41.33, lon: 19.82 },
});

/** For each function that is not asked by the trigger or CloudFormation. */
export const work: Readonly<Record<string, () => unknown>> = {
  "ingest-sensor": () => request("POST", "/api/v1/ingest/sensor", sensorReading()),
  "ingest-meter": () =>
    request("POST", "/api/v1/ingest/meter", {
      ...{ meter_id: "m1", customer_id: "c1", reading: 1.5, unit: "kWh", timestamp: now() },
    }),
  "generate-weather": () => request("POST", "/api/v1/weather/generate", {}),
  "produce-weather": () => ({ time: now() }),
  health: () => request("GET", "/ready"),
  "sweep-windows": () => ({}),
};

/** One record, as the trigger delivers it. */
export function deliveryOf(
  clusterArn: string,
  topic: string,
  { partition, offset, value }: { partition: number; offset: number; value: Buffer | null },
): unknown {
  const record = {
    ...{
      topic,
      partition,
      offset,
      timestamp: Date.now(),
      timestampType: "CREATE_TIME",
      key: "",
      headers: [],
    },
    value: value?.toString("base64"),
  };
  return {
    ...{ eventSource: "aws:kafka", eventSourceArn: clusterArn, bootstrapServers: "b" },
    records: { [`${topic}-${partition}`]: [record] },
  };
}

/** A sensor's reading of now. @param offset in partition 0; also the event's id */
export function deliveryOfReading(clusterArn: string, offset: number): unknown {
  const value = Buffer.from(JSON.stringify({ event_id: `e${offset}`, ...sensorReading() }));
  return deliveryOf(clusterArn, topics.sensor, { partition: 0, offset, value });
}
