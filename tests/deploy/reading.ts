// A sensor's reading of now, as the trigger delivers it.

/** @param offset in partition 0; also the event's id */
export function deliveryOfReading(offset: number): unknown {
  const reading = {
    ...{ event_id: `e${offset}`, sensor_id: "s1", sensor_type: "voltage", value: 230.5, unit: "V" },
    ...{ timestamp: new Date().toISOString(), location: { lat: 41.33, lon: 19.82 } },
  };
  const record = {
    ...{ topic: "smartgrid-sensor-data", partition: 0, offset, timestamp: Date.now() },
    ...{ timestampType: "CREATE_TIME", key: "", headers: [] },
    value: Buffer.from(JSON.stringify(reading)).toString("base64"),
  };
  return {
    ...{ eventSource: "aws:kafka", bootstrapServers: "b" },
    eventSourceArn: "arn:aws:kafka:eu-central-1:123456789012:cluster/c/u-1",
    records: { "smartgrid-sensor-data-0": [record] },
  };
}
