// Temperatures that are doubted by their station's history: real weather never is, and °F always is, from its first value on.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { postgresJudge } from "../../../lib/postgres/judge.ts";
import { forgetDoubtful, forgetStationHours } from "../../../lib/postgres/retention.ts";
import { inTransaction } from "../../../lib/postgres/transaction.ts";
import { weatherStream } from "../../../lib/streams/streams.ts";
import { commitRecords } from "../../../lib/windows/commit.ts";
import { createDatabase, emptyTables, type TestDatabase } from "../database.ts";

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 0, 10);
const tirana = { lat: 41.33, lon: 19.82 };
const rules = { futureSkewUs: 600e6, amendmentHorizonUs: 30 * 86_400e6 };

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.close());
let nextOffset = 0;
beforeEach(async () => {
  nextOffset = 0;
  await emptyTables(database.pool);
});

/** A temperature at so many hours from the start. */
interface Location {
  readonly lat: number;
  readonly lon: number;
}
type Measured = readonly [hours: number, temperature: number, location?: Location | undefined];

async function send(measured: readonly Measured[], changes: object = {}, partition = 0) {
  const records = measured.map(([hours, temperature, location = tirana]) => ({
    ...{ offset: nextOffset++, recordTimeMs: 0 },
    value: Buffer.from(
      JSON.stringify({
        ...{ timestamp: new Date(START_MS + hours * HOUR_MS).toISOString(), temperature, location },
        ...{ humidity: 80, pressure: 1013, wind_speed: 3, weather_condition: "Cloudy", ...changes },
      }),
    ),
  }));
  const address = { source: "s", topic: "weather", partition };
  return commitRecords(postgresJudge(database.pool), weatherStream, address, records, rules);
}

async function doubted(): Promise<string[]> {
  const { rows } = await database.pool.query<{ text: string }>(
    `SELECT "offset" || ' ' || field || ' ' || value || ' ' || reason AS text FROM doubtful ORDER BY "offset", field`,
  );
  return rows.map(({ text }) => text);
}

const cold: readonly Measured[] = [
  [0, 3],
  [1, 2],
  [2, 2],
];

test.each<[string, readonly Measured[], boolean]>([
  ["32 °F for 0 °C", [[3, 32]], true],
  ["20 °F for −7 °C", [[3, 20]], true],
  ["32 °F within the same hour", [[2.1, 32]], true],
  ["32 °F after 12 hours of silence", [[14, 32]], true],
  ["20 °C after 6 hours of silence, a morning", [[8, 20]], false],
  ["32 after a day of silence", [[26.1, 32]], false],
  ["32 of another station", [[3, 32, { lat: 42, lon: 20 }]], false],
  ["32 °F at the same place to within 500 m", [[3, 32, { lat: 41.3333, lon: 19.8177 }]], true],
  ["12, a warm front", [[3, 12]], false],
  ["−30 of a broken sensor", [[3, -30]], false],
])("after 3, 2, 2 °C: %s is doubted: %s", async (_, values, expected) => {
  await send(cold);
  const outcome = await send(values);
  expect(outcome).toMatchObject({ counted: 1, doubtful: expected ? 1 : 0, roundTrips: 1 });
});

test("one reading is no history: it may be the sensor's first zero", async () => {
  expect(
    await send([
      [0, 0],
      [1, 28],
      [2, 29],
    ]),
  ).toMatchObject({ doubtful: 0 });
});

test("within one batch as between two, every value until it is °C again, told once and counted once", async () => {
  const batch: readonly Measured[] = [...cold, [3, 32], [4, 31.4], [5, 29], [6, 2.5], [7, 33]];
  expect(await send(batch, { humidity: 0.9 })).toMatchObject({ doubtful: 8 });
  const reasons = (await doubted()).filter((text) => text.includes("temperature"));
  expect(reasons).toEqual(
    ["3 temperature 32", "4 temperature 31.4", "5 temperature 29", "7 temperature 33"].map(
      (text) => `${text} jumps_to_fahrenheit`,
    ),
  );
  const { rows } = await database.pool.query("SELECT doubtful, counted FROM ledger");
  expect(rows).toEqual([{ doubtful: "8", counted: "8" }]);
  expect(await send([[8, 30]])).toMatchObject({ doubtful: 1 });
});

test("what the latitude shows already is told once, and enters the history as °C", async () => {
  await send(cold);
  await send([
    [3, 50],
    [4, 40],
  ]);
  expect(await doubted()).toEqual(["3 temperature 50 fits_fahrenheit", "4 temperature 40 fits_fahrenheit"]);
  expect(await send([[5, 31]])).toMatchObject({ doubtful: 1 });
});

test("a batch that comes again changes no history", async () => {
  await send(cold);
  nextOffset = 0;
  expect(await send(cold)).toMatchObject({ counted: 0, replayed: 3 });
  const { rows } = await database.pool.query("SELECT sum(readings) AS readings FROM weather_station_hour");
  expect(rows).toEqual([{ readings: "3" }]);
});

test("a batch writes a station's hour once, however many readings it has of it", async () => {
  await database.pool.query(
    `CREATE SEQUENCE writes; CREATE FUNCTION note_write() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN PERFORM nextval('writes'); RETURN NULL; END $$;
     CREATE TRIGGER note_write AFTER INSERT OR UPDATE ON weather_station_hour FOR EACH ROW EXECUTE FUNCTION note_write()`,
  );
  try {
    const hours = [0, 1];
    await send(
      hours.flatMap((hour) => Array.from({ length: 1_250 }, (_, i) => [hour + i / 1_250, i / 125] as const)),
    );
    const { rows } = await database.pool.query("SELECT last_value FROM writes");
    expect(rows).toEqual([{ last_value: "2" }]);
    const stored = await database.pool.query(
      "SELECT readings, lowest::float8 AS lowest, highest::float8 AS highest FROM weather_station_hour",
    );
    expect(stored.rows).toEqual(hours.map(() => ({ readings: "1250", lowest: 0, highest: 9.992 })));
  } finally {
    await database.pool.query("DROP SEQUENCE writes; DROP FUNCTION note_write CASCADE");
  }
});

test("a batch that waits for a station does not hold the hour that all partitions write", async () => {
  await send(cold);
  const query = async (sql: string) => (await database.pool.query(sql)).rows.length;
  const holder = await database.pool.connect();
  const sent: Promise<unknown>[] = [];
  try {
    await holder.query("BEGIN; SELECT FROM weather_station_hour FOR UPDATE");
    sent.push(send([[2.5, 2]]));
    await expect.poll(() => query("SELECT FROM pg_locks WHERE NOT granted")).toBe(1);
    sent.push(send([[2.6, 4, { lat: 42, lon: 20 }]], {}, 1));
    await expect.poll(() => query("SELECT FROM ledger WHERE partition = 1"), { timeout: 10_000 }).toBe(1);
  } finally {
    await holder.query("ROLLBACK");
    holder.release();
    await Promise.all(sent);
  }
});

test("the history is found along its key, and forgotten after two days", async () => {
  await send(cold);
  // A table of a few rows would be read as a whole.
  const { rows } = await inTransaction(
    database.pool,
    async (client) => {
      await client.query("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off");
      return client.query<{ "QUERY PLAN": string }>(
        `EXPLAIN SELECT max(highest) FROM weather_station_hour WHERE latitude = 41.33 AND longitude = 19.82
           AND hour > now() - interval '24 hours' AND hour <= now()`,
      );
    },
    "ROLLBACK",
  );
  expect(rows.map((row) => row["QUERY PLAN"]).join()).toContain("Index Cond: ((latitude = 41.33)");
  await database.pool.query(
    "UPDATE weather_station_hour SET entered_at = now() - interval '49 hours' WHERE hour < $1",
    [new Date(START_MS + 2 * HOUR_MS)],
  );
  const hours = () => database.pool.query("SELECT hour FROM weather_station_hour");
  await forgetDoubtful(database.pool, 90);
  expect((await hours()).rows).toHaveLength(3);
  await forgetStationHours(database.pool);
  const left = await hours();
  expect(left.rows).toEqual([{ hour: new Date(START_MS + 2 * HOUR_MS) }]);
});

const realFile = fileURLToPath(
  new URL("../../../../shared/data/zones-with-forecast-weather.csv.gz", import.meta.url),
);

/** A year of two real stations, °C, hour by hour; the source has °F. */
function realYear(): Measured[] {
  const lines = gunzipSync(readFileSync(realFile)).toString("utf8").trim().split("\n").slice(1, 8_761);
  return lines.flatMap((line, hour): Measured[] => {
    const cells = line.split(",");
    return [5, 9].map((column) => [
      hour,
      Math.round(((Number(cells[column]) - 32) / 1.8) * 100) / 100,
      { lat: 40, lon: column },
    ]);
  });
}

test.skipIf(!existsSync(realFile))(
  "a year of two real stations: none doubted; from any hour on in °F: the first, and most",
  async () => {
    const year = realYear().map(([hour, celsius, location]): Measured => [hour - 8_760, celsius, location]);
    let doubtful = 0;
    for (let from = 0; from < year.length; from += 2_000)
      doubtful += (await send(year.slice(from, from + 2_000))).doubtful;
    expect(doubtful).toBe(0);

    for (let month = 0; month < 12; month++) {
      await emptyTables(database.pool);
      const turns = month * 1_460 + 96;
      const mixed = year.slice(turns - 96, turns + 96).map(([hour, celsius, location], i): Measured => {
        return i < 96
          ? [hour, celsius, location]
          : [hour, Math.round((celsius * 1.8 + 32) * 10) / 10, location];
      });
      const { doubtful: inDoubt, quarantined } = await send(mixed);
      expect(inDoubt + quarantined, `in month ${month}`).toBeGreaterThanOrEqual(80);
      // Above 70 it is quarantined.
      const { rows } = await database.pool.query<{ offset: number }>(
        'SELECT "offset"::float8 AS "offset" FROM (SELECT "offset" FROM doubtful UNION SELECT "offset" FROM quarantine) AS t ORDER BY 1',
      );
      const first = nextOffset - mixed.length;
      expect(rows.slice(0, 2).map(({ offset }) => offset - first)).toEqual([96, 97]);
    }
  },
);
