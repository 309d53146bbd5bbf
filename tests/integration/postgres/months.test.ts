// Windows lie in tables of months: made when an event needs one, and dropped whole when their retention has passed.
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { readBooks } from "../../../lib/audit/books.ts";
import { judgeTotals } from "../../../lib/audit/classify.ts";
import type { LogRecord } from "../../../lib/core/log-record.ts";
import { keepHouse } from "../../../lib/postgres/housekeeping.ts";
import { postgresJudge } from "../../../lib/postgres/judge.ts";
import { streams } from "../../../lib/streams/streams.ts";
import { commitRecords, type LatenessRules } from "../../../lib/windows/commit.ts";
import { createDatabase, emptyTables, type TestDatabase } from "../database.ts";

const DAY_US = 86_400e6;
const rules: LatenessRules = { futureSkewUs: 600e6, amendmentHorizonUs: 7 * DAY_US };

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await emptyTables(database.pool);
  for (const part of await parts("consumption")) await database.pool.query(`DROP TABLE ${part}`);
});

async function parts(stream: string): Promise<string[]> {
  const { rows } = await database.pool.query<{ name: string }>(
    "SELECT relid::text AS name FROM pg_partition_tree($1) WHERE isleaf AND relid <> $1::regclass ORDER BY 1",
    [`${stream}_window`],
  );
  return rows.map(({ name }) => name);
}

function readings(times: readonly string[], partition = 0): LogRecord[] {
  return times.map((timestamp, offset) => {
    const ids = { event_id: `${partition} ${offset}`, meter_id: "m", customer_id: "c" };
    const value = Buffer.from(JSON.stringify({ ...ids, reading: 1.5, timestamp }));
    return { offset, recordTimeMs: 0, value };
  });
}

const commit = (records: readonly LogRecord[], partition = 0) =>
  commitRecords(
    postgresJudge(database.pool),
    streams.consumption,
    { source: "test", topic: "t", partition },
    records,
    rules,
  );

const moveWatermark = (to: string) =>
  database.pool.query("SELECT move_watermark('consumption', $1, NULL)", [to]);

async function totals() {
  const books = await readBooks(database.pool);
  const state = books.streams.find(({ stream }) => stream === "consumption");
  if (state === undefined) throw new Error("no consumption in the books");
  const counted = books.entries.reduce((sum, entry) => sum + entry.counted, 0);
  return { ...state, counted, difference: judgeTotals({ ...state, counted }) };
}

test("an event makes the table of its month, also the first of a leap day's, a year's and a zone's month", async () => {
  const outcome = await commit(
    readings([
      "2024-02-29T23:30:00Z",
      "2025-12-31T23:59:59Z",
      "2026-01-01T00:00:00Z",
      "2026-02-01T00:30:00+01:00",
    ]),
  );
  expect(outcome).toMatchObject({ counted: 4, roundTrips: 1 });
  expect(await parts("consumption")).toEqual([
    "consumption_window_202402",
    "consumption_window_202512",
    "consumption_window_202601",
  ]);
});

test("partitions that need the same month at once make it once, and all are counted", async () => {
  const outcomes = await Promise.all(
    [0, 1, 2, 3].map((partition) =>
      commit(readings(["2026-03-05T10:00:00Z", "2026-04-05T10:00:00Z"], partition), partition),
    ),
  );
  expect(outcomes.map(({ counted, roundTrips }) => [counted, roundTrips])).toEqual(
    outcomes.map(() => [2, 1]),
  );
  const { rows } = await database.pool.query(
    "SELECT reading_count::int AS n FROM consumption_aggregates_realtime",
  );
  expect(rows).toEqual([{ n: 4 }, { n: 4 }]);
});

test("a month is made while others commit into another one and read the table", async () => {
  await commit(readings(["2026-05-05T10:00:00Z"]));
  const other = await database.pool.connect();
  await other.query("BEGIN");
  await other.query("UPDATE consumption_window SET total_consumption = 2");
  await other.query("SELECT count(*) FROM consumption_window");
  expect(await commit(readings(["2026-06-05T10:00:00Z"], 1), 1)).toMatchObject({ counted: 1 });
  await other.query("ROLLBACK");
  other.release();
});

test("a change of a final row is kept in the history, or refused, also where a month's own table is named", async () => {
  await commit(readings(["2026-05-05T10:00:00Z"]));
  await moveWatermark("2026-05-06Z");
  const change = "UPDATE consumption_window_202605 SET total_consumption = 2";
  await expect(database.pool.query(change)).rejects.toThrow("a change of a final row is an amendment");
  await database.pool.query(`${change}, amendments = amendments + 1`);
  const { rows } = await database.pool.query(
    "SELECT revision, total_consumption::float8 AS kwh FROM consumption_aggregates_history",
  );
  expect(rows).toEqual([{ revision: 1, kwh: 1.5 }]);
});

test("whole months go when their retention has passed and no event of them could be counted; the books say what they held", async () => {
  const said = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  try {
    await commit(
      readings([
        "2020-01-05T10:00:00Z",
        "2020-01-05T10:30:00Z",
        "2020-02-05T10:00:00Z",
        "2020-03-31T10:00:00Z",
      ]),
    );
    // February ends less than the horizon before the watermark: an event of it would still be counted.
    await moveWatermark("2020-03-05Z");
    const retention = { recordDays: 90, windowDays: 30, amendmentHorizonUs: rules.amendmentHorizonUs };
    await keepHouse(database.pool, { ...retention, windowDays: null });
    expect(await parts("consumption")).toContain("consumption_window_202001");

    await keepHouse(database.pool, retention);
    const old = (await parts("consumption")).filter((name) => name < "consumption_window_2021");
    expect(old).toEqual(["consumption_window_202002", "consumption_window_202003"]);
    expect(await totals()).toMatchObject({ counted: 4, inRows: 2, inDroppedMonths: 2, difference: null });
    const lines = said.mock.calls.map(([line]) => JSON.parse(String(line)));
    expect(lines).toMatchObject([
      {
        message: "a month of windows is past its retention: it is dropped",
        month: "2020-01-01T00:00:00.000Z",
      },
      { message: "a month of windows was dropped", stream: "consumption", rows: 1, events: 2 },
    ]);

    const late = await commit(readings(["2020-01-06T10:00:00Z"], 1), 1);
    expect(late).toMatchObject({ counted: 0, tooLate: 1 });

    await moveWatermark("2021-01-01Z");
    await keepHouse(database.pool, { ...retention, windowDays: 36_500 });
    expect(await parts("consumption")).toContain("consumption_window_202002"); // not yet past its retention
  } finally {
    said.mockRestore();
  }
});

test("the tables of this month and the next one are there before an event needs them", async () => {
  await keepHouse(database.pool, { recordDays: 90, windowDays: null, amendmentHorizonUs: 0 });
  const { rows } = await database.pool.query<{ name: string }>(
    "SELECT month_table('consumption', m) AS name FROM unnest(ARRAY[now(), now() + interval '31 days']) AS m ORDER BY 1",
  );
  expect(await parts("consumption")).toEqual(rows.map(({ name }) => name));
});
