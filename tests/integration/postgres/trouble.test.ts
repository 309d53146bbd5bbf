// Nothing stuck in silence: what does not go on is named with its place, since when and why; told once when it begins
// and once when it ends. Time is the rows' time stamps, moved back.
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { healthApp } from "../../../lib/http/health.ts";
import { prometheusText } from "../../../lib/http/metrics.ts";
import { postgresJudge } from "../../../lib/postgres/judge.ts";
import { readKept } from "../../../lib/postgres/kept.ts";
import { logTrouble } from "../../../lib/postgres/log-trouble.ts";
import { postgresSweepStore } from "../../../lib/postgres/sweep-store.ts";
import { isSweptSinceStart, noteTrouble, readGauges, readTrouble } from "../../../lib/postgres/trouble.ts";
import { consumptionStream } from "../../../lib/streams/streams.ts";
import { commitRecords } from "../../../lib/windows/commit.ts";
import { sweepStream } from "../../../lib/windows/sweep.ts";
import { logOf } from "../../topic-log.ts";
import { createDatabase, emptyTables, type TestDatabase } from "../database.ts";

const STUCK_AFTER_SECONDS = 300;
const topic = "readings";
const rules = { delayUs: 600e6, idleUs: 300e6, amendmentHorizonUs: 7 * 86_400e6, futureSkewUs: 600e6 };
const troubleRules = { stuckAfterSeconds: STUCK_AFTER_SECONDS, idleSeconds: 900 };
const now = Date.now();

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await emptyTables(database.pool);
  // Swept a moment ago, unless a test says otherwise.
  await database.pool.query("UPDATE stream_state SET swept_at = now()");
});

async function apply(partition: number, offset: number, agoMs = 60_000): Promise<void> {
  const event = {
    event_id: `${partition}-${offset}`,
    meter_id: "m",
    customer_id: "c",
    reading: 1,
    timestamp: new Date(now - agoMs).toISOString(),
  };
  const record = { offset, recordTimeMs: now + offset, value: Buffer.from(JSON.stringify(event)) };
  await commitRecords(
    postgresJudge(database.pool),
    consumptionStream,
    { source: "s", topic, partition },
    [record],
    rules,
  );
}

/** @param ends of partitions 0, 1, … */
async function sweep(...ends: number[]): Promise<void> {
  const offsets = ends.map((end, partition) => ({ partition, first: 0, end }));
  await sweepStream(
    postgresSweepStore(database.pool),
    { stream: "consumption", source: "s", topic },
    logOf(async () => offsets),
    rules,
  );
}

/** As if everything so far had happened so much earlier, while sweeps went on. */
async function letPass(seconds: number, table = "all"): Promise<void> {
  const back = (column: string) => `${column} = ${column} - ${seconds} * interval '1 second'`;
  if (table === "all" || table === "ledger")
    await database.pool.query(`UPDATE ledger SET ${back("updated_at")}, ${back("advanced_at")}`);
  if (table === "all")
    await database.pool.query(
      `UPDATE partition_progress SET ${back("lagging_since")}, ${back("observed_since")}`,
    );
  if (table === "all") await database.pool.query(`UPDATE stream_state SET ${back("moved_at")}`);
  if (table === "sweeps") {
    await database.pool.query(`UPDATE stream_state SET ${back("swept_at")}`);
    await database.pool.query(`UPDATE partition_progress SET ${back("observed_at")}`);
  }
}

const trouble = () => readTrouble(database.pool, troubleRules);
const places = async () => (await trouble()).map(({ kind, place }) => `${kind} ${place}`);
const agoSeconds = (since: string | undefined) => Math.round((Date.now() - Date.parse(since ?? "")) / 1000);

describe("trouble", () => {
  test("is none where all goes on", async () => {
    await apply(0, 0);
    await sweep(1);
    expect(await trouble()).toEqual([]);
  });

  test("is a partition with lag of which nothing has been applied for so long", async () => {
    await apply(0, 0);
    await apply(1, 0);
    await sweep(5, 1);
    await letPass(STUCK_AFTER_SECONDS - 10);
    await sweep(6, 1);
    expect(await places()).toEqual([]);
    await letPass(11);
    await sweep(7, 1);
    const [stuck] = (await trouble()).filter(({ kind }) => kind === "partition_stuck");
    expect(stuck).toMatchObject({
      place: "readings-0",
      why: expect.stringMatching(/^6 records wait on the broker and none has been applied/),
    });
    expect(agoSeconds(stuck?.since)).toBeCloseTo(STUCK_AFTER_SECONDS + 1, -1);
    // One record applied is enough.
    await apply(0, 1);
    expect(await places()).not.toContain("partition_stuck readings-0");
  });

  test("is a log that has lost records, until somebody has taken note of it, for a day at most", async () => {
    await apply(0, 0);
    await apply(0, 1);
    await sweep(2);
    await sweep(1);
    expect(await trouble()).toEqual([
      expect.objectContaining({
        ...{ kind: "log_broken", place: "readings-0" },
        why: expect.stringContaining("lost offsets 1 to 1 of this log; 1 of them had been counted"),
      }),
    ]);
    await database.pool.query("UPDATE log_break SET found_at = now() - interval '25 hours'");
    expect(await trouble()).toEqual([]);
    await database.pool.query("UPDATE log_break SET found_at = now(), acknowledged_at = now()");
    expect(await trouble()).toEqual([]);
  });

  test("is each broken log that the audit is not clean for", async () => {
    const broken = (kind: string, partition: number, counted: number) =>
      database.pool.query(
        `INSERT INTO log_break (source, topic, partition, incarnation, kind, counted_offsets, before, after)
         VALUES ('test', 'readings', $2, 1, $1, $3, 'before', 'after')`,
        [kind, partition, counted],
      );
    await broken("created_again", 0, 0);
    await broken("created_again", 1, 296);
    await broken("renamed", 2, 0);
    await broken("renamed", 3, 5);
    await broken("another_cluster", 4, 0);
    expect(await places()).toEqual([
      "log_broken readings-1",
      "log_broken readings-3",
      "log_broken readings-4",
    ]);
    expect((await trouble())[0]?.why).toMatch(/^the topic was deleted and created again; 296 offsets of it/);
  });

  test("is a partition of which nothing was ever applied", async () => {
    await apply(0, 0);
    await sweep(1, 4);
    await letPass(STUCK_AFTER_SECONDS + 1);
    await sweep(1, 4);
    expect(await places()).toContain("partition_stuck readings-1");
  });

  test("is not a partition that was silent for long and has just got its first new record", async () => {
    await apply(0, 0);
    await sweep(1);
    await letPass(10_000);
    await sweep(1);
    await sweep(2);
    expect(await places()).toEqual([]);
  });

  test("is a stream that is not swept, and what is not looked at is not judged", async () => {
    await apply(0, 0);
    await sweep(5);
    await letPass(10_000);
    await letPass(STUCK_AFTER_SECONDS + 1, "sweeps");
    expect(await places()).toEqual([
      "sweeper_silent consumption",
      "sweeper_silent sensor",
      "sweeper_silent weather",
    ]);
    await sweep(5);
    expect(await places()).not.toContain("sweeper_silent consumption");
  });

  test("is a stream that has never been swept since the database was migrated", async () => {
    await database.pool.query("UPDATE stream_state SET swept_at = NULL WHERE stream = 'weather'");
    expect(await places()).toEqual([]);
    await database.pool.query("UPDATE schema_migration SET applied_at = applied_at - interval '1 hour'");
    expect(await places()).toEqual(["sweeper_silent weather"]);
  });

  const heldBy = async () => (await trouble()).find(({ kind }) => kind === "watermark_held");

  test("is a watermark that is held by a partition that lags", async () => {
    await apply(0, 0, 7_200_000);
    await apply(1, 0);
    await sweep(3, 1);
    await letPass(STUCK_AFTER_SECONDS + 1);
    expect(await heldBy()).toMatchObject({
      place: "readings-0",
      why: expect.stringMatching(
        /^the watermark stands at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ because of this partition: 2 of its records have not been applied$/,
      ),
    });
  });

  test("is a watermark that is held by a partition whose events are old", async () => {
    await apply(0, 0, 7_200_000);
    await apply(1, 0);
    await database.pool.query(
      "UPDATE stream_state SET watermark = now() - interval '1 hour', moved_at = now() - interval '301 seconds' WHERE stream = 'consumption'",
    );
    await sweep(1, 1);
    expect(await heldBy()).toMatchObject({
      place: "readings-0",
      why: expect.stringMatching(/because of this partition: its events are of \d{4}-.*Z$/),
    });
  });

  test("is not yet a watermark that waits for a silent partition to become idle", async () => {
    await apply(0, 0);
    await sweep(1, 0);
    await letPass(STUCK_AFTER_SECONDS + 1);
    expect(await places()).toEqual([]);
    await letPass(troubleRules.idleSeconds);
    expect(await places()).toEqual(["watermark_held readings-1"]);
  });
});

describe("it is told", () => {
  test("once when it begins and once when it ends, however many sweeps see it", async () => {
    const told = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    const said = () => told.mock.calls.map(([line]) => JSON.parse(String(line)).message);
    await apply(0, 0);
    await sweep(5);
    await letPass(STUCK_AFTER_SECONDS + 1);
    await apply(1, 0);
    for (let i = 0; i < 3; i++) await logTrouble(database.pool, troubleRules);
    const begun = await Promise.all([1, 2, 3].map(() => noteTrouble(database.pool, troubleRules)));
    expect(begun.flatMap((one) => [...one.begun, ...one.ended])).toEqual([]);
    const names = told.mock.calls.map(([line]) => JSON.parse(String(line)));
    expect(names).toContainEqual({
      level: "warn",
      message: "trouble",
      time: expect.any(String),
      kind: "partition_stuck",
      place: "readings-0",
      since: expect.stringMatching(/Z$/),
      why: expect.stringContaining("4 records wait"),
    });
    const count = said().length;
    for (const offset of [1, 2, 3, 4]) await apply(0, offset, 1_000);
    await apply(1, 1, 1_000);
    await sweep(5, 2);
    for (let i = 0; i < 3; i++) await logTrouble(database.pool, troubleRules);
    expect(said()).toEqual([...Array(count).fill("trouble"), ...Array(count).fill("trouble ended")]);
    told.mockRestore();
  });

  test("by whoever comes first of many sweepers", async () => {
    await apply(0, 0);
    await sweep(5);
    await letPass(STUCK_AFTER_SECONDS + 1);
    const noted = await Promise.all([1, 2, 3, 4].map(() => noteTrouble(database.pool, troubleRules)));
    const begun = noted.flatMap((one) => one.begun).map(({ kind }) => kind);
    expect(begun.sort()).toEqual(["partition_stuck", "watermark_held"]);
  });

  test("in GET /ready and GET /metrics", async () => {
    const app = healthApp({
      service: "test",
      now: Date.now,
      checks: { postgres: () => database.pool.query("SELECT 1") },
      trouble,
      isSwept: () => isSweptSinceStart(database.pool),
      kept: () => readKept(database.pool, null),
      gauges: () => readGauges(database.pool, troubleRules),
    });
    await apply(0, 0);
    await sweep(1);
    const ready = await app.request("/ready");
    expect([ready.status, await ready.json()]).toMatchObject([200, { status: "ready", trouble: [] }]);
    const setSwept = (value: string) =>
      database.pool.query(`UPDATE stream_state SET swept_at = ${value} WHERE stream = 'weather'`);
    await setSwept("pg_postmaster_start_time() - interval '1 second'");
    expect(await isSweptSinceStart(database.pool)).toBe(false);
    await setSwept("NULL");
    expect(await isSweptSinceStart(database.pool)).toBe(false);
    await setSwept("now()");
    await sweep(5);
    await letPass(STUCK_AFTER_SECONDS + 1);
    const stuck = await app.request("/ready");
    expect([stuck.status, await stuck.json()]).toMatchObject([
      200,
      {
        status: "stuck",
        postgres: "ok",
        trouble: [
          expect.stringMatching(/^partition_stuck readings-0 since \d{4}.*Z: 4 records wait on the broker/),
          expect.stringMatching(/^watermark_held readings-0 since /),
        ],
      },
    ]);
    const metrics = await app.request("/metrics");
    expect(metrics.headers.get("content-type")).toContain("text/plain; version=0.0.4");
    const lines = (await metrics.text()).split("\n");
    expect(lines).toContain(
      'smartgrid_partition_lag_records{stream="consumption",topic="readings",partition="0"} 4',
    );
    expect(lines).toContain('smartgrid_trouble{kind="partition_stuck"} 1');
    expect(lines).toContain('smartgrid_trouble{kind="sweeper_silent"} 0');
    expect(lines).toContainEqual(
      expect.stringMatching(/^smartgrid_watermark_age_seconds\{stream="consumption"\} \d+/),
    );
    expect(
      lines.filter((line) => !/^(# (HELP|TYPE) \w+ .+|\w+\{(\w+="[^"]*",?)+\} -?[\d.e+-]+|)$/.test(line)),
    ).toEqual([]);
  });
});

test("what was lost under an earlier source or topic is no trouble of the one that is swept now", async () => {
  await apply(0, 0);
  await sweep(1);
  await database.pool.query("UPDATE partition_progress SET lost = '{[0,1)}', lost_since = now()");
  const kinds = async () => (await readTrouble(database.pool, troubleRules)).map(({ kind }) => kind);
  expect(await kinds()).toContain("records_lost");
  await letPass(60, "sweeps");
  await sweepStream(
    postgresSweepStore(database.pool),
    { stream: "consumption", source: "renamed", topic },
    logOf(async () => [{ partition: 0, first: 0, end: 1 }]),
    rules,
  );
  expect(await kinds()).not.toContain("records_lost");
  expect((await readGauges(database.pool, troubleRules)).partitions).toMatchObject([
    { partition: 0, lost: 0 },
  ]);
});

test("what is kept for people is counted by stream: unresolved, too late since then, nothing of what was resolved", async () => {
  const keep = (offset: number, resolution: string | null) =>
    database.pool.query(
      `INSERT INTO quarantine (source, topic, partition, incarnation, "offset", reason, resolution, resolved_at, resolved_by)
       VALUES ('s', $1, 0, 0, $2, 'not_json', $3::text, CASE WHEN $3::text IS NOT NULL THEN now() END, CASE WHEN $3::text IS NOT NULL THEN 'me' END)`,
      [topic, offset, resolution],
    );
  const of = async (stream: string, since: Date | null = null) =>
    (await readKept(database.pool, since)).find((counts) => counts.stream === stream);
  await keep(7, null);
  // No sweep has seen the topic: its records are counted under its name, not passed over.
  expect(await of(topic)).toMatchObject({ quarantined: 1, tooLate: 0 });
  await apply(0, 0);
  await sweep(1);
  await keep(8, null);
  await keep(9, "discarded");
  await apply(0, 1, 30 * 86_400_000);
  await database.pool.query(
    `INSERT INTO too_late (source, topic, partition, incarnation, "offset", event_time, value, recorded_at)
     VALUES ('s', $1, 0, 0, 100, now(), 'x', now() - interval '1 day')`,
    [topic],
  );
  expect(await of(topic)).toBeUndefined();
  expect(await of("consumption")).toMatchObject({ quarantined: 2, conflicts: 0, doubtful: 0 });
  const tooLateSince = async (since: Date | null) => (await of("consumption", since))?.tooLate;
  const twoDaysAgo = new Date(now - 2 * 86_400_000);
  // All that there have ever been is the ledger's word; since then, that of the rows.
  expect([await tooLateSince(null), await tooLateSince(new Date(now))]).toEqual([1, 1]);
  expect(await tooLateSince(twoDaysAgo)).toBe(2);
  expect(await of("sensor")).toMatchObject({ quarantined: 0, tooLate: 0 });
  const metrics = prometheusText(await readGauges(database.pool, troubleRules));
  expect(metrics).toContain('smartgrid_quarantined_records{stream="consumption"} 2\n');
  expect(metrics).toContain('smartgrid_too_late_records{stream="sensor"} 0\n');
});
