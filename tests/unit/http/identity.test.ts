// What HTTP gives an identity: what the product makes is unique, whatever the clock says, and what a caller sends is
// text, taken as it is or refused with the field named.
import { describe, expect, test } from "vitest";
import { generateWeatherApp } from "../../../lib/http/generate-weather.ts";
import { ingestApp } from "../../../lib/http/ingest.ts";
import type { OutgoingRecord } from "../../../lib/kafka/produce.ts";
import { consumptionRules } from "../../../lib/streams/consumption.ts";
import { sensorRules } from "../../../lib/streams/sensor.ts";
import type { Event, Stream } from "../../../lib/streams/stream.ts";
import { consumptionStream, sensorStream, weatherStream } from "../../../lib/streams/streams.ts";
import { foldRecords, noFacts } from "../../../lib/windows/fold.ts";

const NOW_MS = Date.UTC(2026, 0, 15, 10);

/** The apps with a clock that stands still, and what they have sent. */
function standingClock(now = () => NOW_MS) {
  const sent: OutgoingRecord[] = [];
  const producer = {
    async send(_: string, records: readonly OutgoingRecord[]) {
      return records.map((record, i) => ({ partition: 0, offset: sent.push(record) - 1, indexes: [i] }));
    },
    close: async () => undefined,
  };
  const dependencies = { producer, topic: "t", now, futureSkewUs: 0 };
  return {
    sent,
    sensor: ingestApp(sensorRules, sensorStream, dependencies),
    meter: ingestApp(consumptionRules, consumptionStream, dependencies),
    weather: generateWeatherApp({ ...dependencies, seed: 1 }),
  };
}

const paths = {
  sensor: "/api/v1/ingest/sensor",
  meter: "/api/v1/ingest/meter",
  weather: "/api/v1/weather/generate",
};
const meter = { meter_id: "m", customer_id: "c", reading: 1 };
const sensor = { sensor_id: "s", sensor_type: "voltage", value: 1, location: { lat: 41, lon: 20 } };

function post(apps: ReturnType<typeof standingClock>, kind: keyof typeof paths, body: unknown) {
  return apps[kind].request(paths[kind], {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

function counted<E extends Event>(stream: Stream<E>, sent: readonly OutgoingRecord[]): number {
  const records = sent.map(({ value }, offset) => ({ offset, recordTimeMs: 0, value: Buffer.from(value) }));
  return foldRecords(stream, records, noFacts).counted;
}

test.each([
  ["sensor", sensor, ["status", "event_id", "kafka_topic", "partition", "offset"]],
  ["meter", meter, ["status", "event_id", "kafka_topic", "partition", "offset"]],
  ["weather", {}, ["status", "message", "weather_data", "kafka_topic", "partition", "offset"]],
] as const)("a 201 of %s has the contract's fields and no others", async (kind, body, fields) => {
  const answer = await post(standingClock(), kind, body);
  expect(Object.keys(JSON.parse(await answer.text()))).toEqual(fields);
});

describe("what the product makes is unique within a millisecond", () => {
  test("500 readings of one meter, posted one by one or as an array: all count", async () => {
    const apps = standingClock();
    const answers = await Promise.all(Array.from({ length: 500 }, () => post(apps, "meter", meter)));
    expect(answers.map(({ status }) => status)).toEqual(Array(500).fill(201));
    expect((await post(apps, "meter", Array(500).fill(meter))).status).toBe(201);
    expect(counted(consumptionStream, apps.sent)).toBe(1000);
  });

  test("two arrays of one meter do not take each other's ids", async () => {
    const apps = standingClock();
    await post(apps, "meter", [meter, meter]);
    await post(apps, "meter", [meter, meter]);
    expect(counted(consumptionStream, apps.sent)).toBe(4);
  });

  test("sensors", async () => {
    const apps = standingClock();
    const ids = new Set<string>();
    for (let i = 0; i < 20; i++) {
      const { event_id }: { event_id: string } = JSON.parse(
        await (await post(apps, "sensor", sensor)).text(),
      );
      expect(event_id).toMatch(/^s_1768471200\.000000_[0-9a-f-]{36}$/);
      ids.add(event_id);
    }
    expect(ids.size).toBe(20);
  });

  test("generated weather", async () => {
    const apps = standingClock();
    await Promise.all(Array.from({ length: 20 }, () => post(apps, "weather", {})));
    expect(counted(weatherStream, apps.sent)).toBe(20);
  });
});

test("sent again without a timestamp a second later, under one event_id, it is a retry", async () => {
  let nowMs = NOW_MS;
  const apps = standingClock(() => nowMs);
  await post(apps, "meter", { ...meter, event_id: "r" });
  nowMs += 1_000;
  await post(apps, "meter", { ...meter, event_id: "r" });
  await post(apps, "meter", { ...meter, event_id: "r", reading: 2 });
  const records = apps.sent.map(({ value }, offset) => ({
    ...{ offset, recordTimeMs: 0, value: Buffer.from(value) },
  }));
  const { counted: events, duplicates, conflicts } = foldRecords(consumptionStream, records, noFacts);
  expect([events, duplicates, conflicts.map(({ offset }) => offset)]).toEqual([1, 1, [2]]);
});

describe("an id is text, and never rewritten", () => {
  const wrong: readonly (readonly [name: string, json: string])[] = [
    ["a number that JSON cannot tell from its neighbour", "1234567890123456789"],
    ["a small number", "7"],
    ["a number with an exponent", "7.22E+13"],
    ["a boolean", "true"],
    ["false", "false"],
    ["an object", '{"id":"a"}'],
    ["an array", '["a"]'],
  ];
  const fields = [
    ["meter", "event_id"],
    ["meter", "meter_id"],
    ["meter", "customer_id"],
    ["sensor", "event_id"],
    ["sensor", "sensor_id"],
    ["sensor", "sensor_type"],
  ] as const;
  const bodyWith = (kind: "meter" | "sensor", field: string, json: string) => {
    const rest = Object.entries({ meter, sensor }[kind]).filter(([name]) => name !== field);
    return `${JSON.stringify(Object.fromEntries(rest)).slice(0, -1)},"${field}":${json}}`;
  };

  test.each(
    fields.flatMap(([kind, field]) => wrong.map(([name, json]) => [kind, field, name, json] as const)),
  )("%s %s: %s", async (kind, field, _, json) => {
    const apps = standingClock();
    const answer = await post(apps, kind, bodyWith(kind, field, json));
    expect([answer.status, await answer.json()]).toEqual([
      400,
      { error: `Invalid field: ${field} is of the wrong type` },
    ]);
    expect(apps.sent).toEqual([]);
  });

  test("in an array, with its place", async () => {
    const apps = standingClock();
    const answer = await post(apps, "meter", [meter, { ...meter, event_id: 7 }]);
    expect(await answer.json()).toEqual({ error: "events[1]: Invalid field: event_id is of the wrong type" });
    expect(apps.sent).toEqual([]);
  });

  test.each(["1234567890123456789", "007", " a ", "7.22E+13", "é"])("text %s stays as it is", async (id) => {
    const apps = standingClock();
    const answer = await post(apps, "meter", { ...meter, event_id: id });
    expect(await answer.json()).toMatchObject({ event_id: id });
    expect(JSON.parse(apps.sent[0]?.value ?? "")).toMatchObject({ event_id: id });
  });

  test("a device's id that is too long is named itself, not the id made of it", async () => {
    const apps = standingClock();
    const answer = await post(apps, "meter", { ...meter, meter_id: "x".repeat(299) });
    expect(await answer.json()).toEqual({ error: "Invalid field: meter_id is too long" });
  });
});
