// docs/queries.md: every query runs for the role that reads, and the important ones say what is right.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { postgresJudge } from "../../lib/postgres/judge.ts";
import type { Event, Stream } from "../../lib/streams/stream.ts";
import { consumptionStream, sensorStream, weatherStream } from "../../lib/streams/streams.ts";
import { commitRecords, type LatenessRules } from "../../lib/windows/commit.ts";
import { createDatabase, type TestDatabase } from "./database.ts";

const HOUR_MS = 3_600_000;
const YEAR_US = 366 * 86_400e6;
// The examples' dates may lie in the future or the past of this machine's clock.
const rules: LatenessRules = { futureSkewUs: 10 * YEAR_US, amendmentHorizonUs: 10 * YEAR_US };

const text = readFileSync(join(import.meta.dirname, "../../docs/queries.md"), "utf8");
/** Heading → query; the text that psql's \copy takes is a query, too. */
const queries = [
  ...text.matchAll(/^##+ ([^\n]+)\n(?:(?!^##)[^\n]*\n)*?```(?:sql|psql)\n([\s\S]+?)\n```$/gm),
].map(([, heading = "", block = ""]) => ({
  heading,
  query: /^\\copy \((.+)\) TO '[^']+' WITH \(FORMAT csv, HEADER\)$/.exec(block)?.[1] ?? block,
}));

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
  await fill();
});
afterAll(() => database.close());

let sent = 0;
async function send(
  stream: Stream<Event>,
  topic: string,
  values: readonly (object | string)[],
): Promise<void> {
  const records = values.map((value) => ({
    offset: sent++,
    recordTimeMs: Date.now(),
    value: Buffer.from(typeof value === "string" ? value : JSON.stringify(value)),
  }));
  await commitRecords(
    postgresJudge(database.pool),
    stream,
    { source: "test", topic, partition: 0 },
    records,
    rules,
  );
}

function reading(customer: string, timeMs: number, kwh: number, meter = "m") {
  const timestamp = new Date(timeMs).toISOString();
  return {
    event_id: `${customer}${meter}${timestamp}`,
    meter_id: meter,
    customer_id: customer,
    reading: kwh,
    timestamp,
  };
}

/** A reading of 1 kWh for each hour of a span, given in UTC. */
function hours(from: string, to: string): object[] {
  const [start, end] = [Date.parse(from), Date.parse(to)];
  return Array.from({ length: (end - start) / HOUR_MS }, (_, i) => reading("c-1", start + i * HOUR_MS, 1));
}

async function fill(): Promise<void> {
  const meters = "smartgrid-meter-readings";
  // Local days in Tirana around both changes of the clocks: 28 to 30 March, 24 to 26 October. 29 March, 06:00 UTC lacks.
  await send(
    consumptionStream,
    meters,
    hours("2026-03-27T23:00Z", "2026-03-30T22:00Z").filter((_, i) => i !== 31),
  );
  await send(consumptionStream, meters, hours("2026-10-23T22:00Z", "2026-10-26T23:00Z"));
  // The first and the last quarter of an hour of 29 March in Tirana, from a second meter.
  await send(consumptionStream, meters, [
    reading("c-1", Date.parse("2026-03-28T23:00Z"), 100, "m2"),
    reading("c-1", Date.parse("2026-03-29T21:45Z"), 1000, "m2"),
  ]);
  const now = Date.now();
  await send(consumptionStream, meters, [
    reading("c-speaking", now, 1),
    reading("c-silent", now - 72 * HOUR_MS, 1),
    ...["{", '{"event_id":"x"}', '{"event_id":"y"}'],
    reading("c-1", Date.parse("1990-01-01T00:00Z"), 1),
    ...[0, 1, 2].map((hour) => reading("c-2", Date.parse("2026-03-15T00:00Z") + hour * HOUR_MS, 1, "m1")),
    ...[0, 2].map((hour) => reading("c-2", Date.parse("2026-03-15T00:00Z") + hour * HOUR_MS, 1, "m2")),
  ]);
  await send(
    sensorStream,
    "smartgrid-sensor-data",
    [
      ["2026-03-29T10:01:00Z", 1],
      ["2026-03-29T10:02:00Z", 2],
      ["2026-03-29T10:58:00Z", 9],
      [new Date(now - 3 * HOUR_MS).toISOString(), 7],
    ].map(([timestamp, value], i) => ({
      ...{ event_id: `e${i}`, sensor_id: "sensor_001", sensor_type: "voltage", value, timestamp },
    })),
  );
  await send(weatherStream, "smartgrid-weather-data", [
    {
      ...{
        timestamp: "2026-03-29T10:30:00Z",
        temperature: 21.25,
        humidity: 40,
        pressure: 1013,
        wind_speed: 3,
      },
      ...{ weather_condition: "Sunny", location: { lat: 41.3, lon: 19.8 } },
    },
  ]);
  // The same reading with another value.
  await send(consumptionStream, meters, [reading("c-speaking", now, 3)]);
  await database.pool.query(
    "UPDATE stream_state SET watermark = '2026-04-01T00:00:00Z' WHERE stream = 'consumption'",
  );
  // Late, for a final window: 0.5 kWh more.
  await send(consumptionStream, meters, [reading("c-1", Date.parse("2026-03-30T10:00Z"), 0.5, "m3")]);
}

async function rowsOf(heading: string): Promise<Record<string, unknown>[]> {
  const query = queries.find((one) => one.heading === heading)?.query;
  if (query === undefined) throw new Error(`docs/queries.md has no query under "${heading}"`);
  const client = await database.pool.connect();
  try {
    await client.query("BEGIN READ ONLY; SET LOCAL ROLE smartgrid_read");
    return (await client.query<Record<string, unknown>>(query)).rows;
  } finally {
    await client.query("ROLLBACK");
    client.release();
  }
}

test("each block of the document is one that is found and run here", () => {
  expect(queries).toHaveLength([...text.matchAll(/^```\w/gm)].length);
  expect(new Set(queries.map(({ heading }) => heading)).size).toBe(queries.length);
});

describe("under the role that reads", () => {
  const empty = ["Trouble, as the pipeline itself sees it", "Logs that were cut or exchanged"];
  test.each(queries)("$heading", async ({ heading }) => {
    const rows = await rowsOf(heading);
    if (!empty.includes(heading)) expect(rows).not.toEqual([]);
  });
});

test("local days have 23 and 25 hours where clocks change, and hold what was read between their midnights", async () => {
  const days = (await rowsOf("Per local day")).filter((row) => row.customer_id === "c-1");
  const seen = days.map((row) => {
    const day = row.local_day;
    const local = day instanceof Date ? `${day.getMonth() + 1}-${day.getDate()}` : "";
    return [local, Number(row.energy_kwh), Number(row.hours_read), row.hours_of_day, row.is_final];
  });
  expect(seen).toEqual([
    ["3-28", 24, 24, 24, true],
    ["3-29", 1122, 22, 23, true],
    ["3-30", 24.5, 24, 24, true],
    ["10-24", 24, 24, 24, false],
    ["10-25", 25, 25, 25, false],
    ["10-26", 24, 24, 24, false],
  ]);
});

test("months are the local ones", async () => {
  const months = (await rowsOf("Per customer and month")).filter((row) => row.customer_id === "c-1");
  expect(months.map((row) => [row.local_month, Number(row.energy_kwh)])).toEqual([
    ["2026-03", 1170.5],
    ["2026-10", 73],
  ]);
});

test("the profile's hours are local: at 02:00, which 29 March lacks, two days are averaged", async () => {
  const profile = await rowsOf("Load profile: the average day");
  expect(profile).toHaveLength(24);
  const [midnight, , two] = profile.map((row) => Number(row.energy_kwh));
  expect(midnight).toBeCloseTo(103 / 3, 10);
  expect(two).toBe(1);
});

test("a sensor's day is its windows, and those alone", async () => {
  expect((await rowsOf("One sensor's day")).map((row) => [row.window_start, row.count])).toEqual([
    [new Date("2026-03-29T10:00Z"), "2"],
    [new Date("2026-03-29T10:55Z"), "1"],
  ]);
});

test("hours of sensors come from sums, not from averages", async () => {
  const [row] = await rowsOf("Per hour, from windows of five minutes");
  expect({ ...row, hour_start: null }).toMatchObject({ values: "3", min_value: "1", max_value: "9" });
  expect(Number(row?.avg_value)).toBe(4);
  expect(Number(row?.stddev_value)).toBeCloseTo(Math.sqrt(19), 10);
});

test("what is missing, silent, late, refused and changed is found", async () => {
  expect(await rowsOf("Missing hours of a customer")).toEqual([
    { hour_start: new Date("2026-03-29T06:00Z") },
  ]);
  expect((await rowsOf("Silent customers")).map((row) => row.customer_id)).toContain("c-silent");
  expect((await rowsOf("Silent customers")).map((row) => row.customer_id)).not.toContain("c-speaking");
  expect(await rowsOf("Amendments of final rows")).toEqual([
    expect.objectContaining({
      old_total_consumption: "1.000000",
      new_total_consumption: "1.500000",
      difference_kwh: "0.500000",
    }),
  ]);
  expect(await rowsOf("Incomplete or low")).toEqual([
    {
      ...{ window_start: new Date("2026-03-15T01:00Z"), customer_id: "c-2" },
      ...{ total_consumption: "1.000000", reading_count: "1", usual_count: 2 },
    },
  ]);
  const late = (await rowsOf("How late events come")).filter(({ stream }) => stream === "consumption");
  expect(late.at(-1)).toMatchObject({ below_s: String(2 ** 31), percent: "100.000" }); // the reading of 1990
  expect(await rowsOf("Windows out of bounds")).toHaveLength(2);
  const glance = await rowsOf("Quarantine at a glance");
  expect(glance.map((row) => [row.reason, row.records])).toEqual([
    ["missing_field", "2"],
    ["malformed_json", "1"],
  ]);
  const lateness = await rowsOf("How much was late, too late, doubled or refused");
  expect(lateness.find(({ topic }) => topic === "smartgrid-meter-readings")).toMatchObject({
    ...{ late: "1", quarantined: "3", too_late: "1", duplicates: "0", conflicts: "1" },
  });
});
