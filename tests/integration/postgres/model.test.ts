// The model of PostgreSQL that the simulation runs on, beside PostgreSQL: the same deliveries, sweeps and clock give
// the same verdicts and, in every table, the same texts.
import fc from "fast-check";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { LogRecord } from "../../../lib/core/log-record.ts";
import { toMultirange } from "../../../lib/core/ranges.ts";
import { postgresJudge } from "../../../lib/postgres/judge.ts";
import { postgresSweepStore } from "../../../lib/postgres/sweep-store.ts";
import { streamRules } from "../../../lib/streams/declared.ts";
import { type Event, type Stream, type StreamName, streamNames } from "../../../lib/streams/stream.ts";
import { streams } from "../../../lib/streams/streams.ts";
import { commitRecords, type Judge, type Verdict } from "../../../lib/windows/commit.ts";
import { type SweepStore, sweepStream } from "../../../lib/windows/sweep.ts";
import { MemoryDatabase } from "../../simulation/memory-database.ts";
import { contentOf, digitsOf, rulesOf } from "../../simulation/schedule.ts";
import { columns } from "../../simulation/window-rows.ts";
import { logOf as topicLogOf } from "../../topic-log.ts";
import { createDatabase, emptyTables, type TestDatabase } from "../database.ts";

const START_US = Date.UTC(2026, 0, 15, 10) * 1000;
const PARTITIONS = 2;

let database: TestDatabase;
let virtual: pg.Pool;
beforeAll(async () => {
  database = await createDatabase();
  // A clock of the test's own, which unqualified now() finds before pg_catalog's.
  await database.pool.query(`
    CREATE SCHEMA virtual;
    CREATE TABLE virtual.clock (at timestamptz);
    INSERT INTO virtual.clock VALUES (now());
    CREATE FUNCTION virtual.now() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT at FROM virtual.clock'`);
  // The functions that run with their owner's rights look for it where they are told to.
  await database.pool.query(`
    DO $$ DECLARE ours regprocedure;
    BEGIN
      FOR ours IN SELECT oid FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = virtual, pg_catalog, public', ours);
      END LOOP;
    END $$`);
  const url = new URL(database.url);
  url.searchParams.set("options", "-c search_path=virtual,pg_catalog,public");
  virtual = new pg.Pool({ connectionString: url.href, max: 1 });
});
afterAll(async () => {
  await virtual.end();
  await database.close();
});

function weatherContent(code: number): Buffer {
  const [kind = 0, hours = 0, temperature = 0, condition = 0] = digitsOf(code, 6, 9, 100, 3);
  if (kind === 5) return Buffer.from("[]");
  const event = {
    event_id: kind === 4 ? "same" : undefined,
    timestamp: new Date(START_US / 1000 - hours * 1_800_000).toISOString(),
    temperature: temperature / 14, // 7.1 °C at most: none lies 10 °C above another, which could pass for °F
    humidity: temperature < 10 ? temperature / 10 : 50.5, // at most 1 %: doubtful
    pressure: 1000 + temperature / 100,
    wind_speed: 3.3,
    weather_condition: ["Sunny", "Rainy", "Drizzle"][condition],
    location: { lat: 41, lon: 20 },
  };
  return Buffer.from(JSON.stringify(event));
}

/** A partition's log, made of numbers as the simulation's. */
function logOf(stream: StreamName, codes: readonly number[]): LogRecord[] {
  const made: ReturnType<typeof contentOf>["content"][] = [];
  let offset = 0;
  return codes.map((code, serial) => {
    const { gap, content } = contentOf(
      stream === "weather" ? "consumption" : stream,
      code,
      serial,
      START_US,
      made,
    );
    made.push(content);
    offset += gap + 1;
    const value = stream === "weather" ? weatherContent(code) : content.value;
    return { offset, recordTimeMs: START_US / 1000 + serial, value };
  });
}

/** Null is kept, everything else is a text; objects in a fixed order of keys. */
function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value !== "object") return String(value);
  return JSON.stringify(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function sorted(rows: readonly (readonly unknown[])[]): string[] {
  return rows.map((row) => JSON.stringify(row.map(textOf))).sort();
}

function valueColumns(stream: StreamName): readonly string[] {
  const { key, count, columns: sums } = streamRules[stream];
  return [...(key?.columns ?? []), { column: count }, ...sums].map(({ column }) => column);
}

async function tablesOfPostgres(stream: StreamName): Promise<Record<string, string[]>> {
  const read = async (text: string) =>
    sorted((await virtual.query<unknown[]>({ text, rowMode: "array" })).rows);
  const values = valueColumns(stream);
  return {
    rows: await read(
      `SELECT epoch_us(window_start), epoch_us(window_end), ${values.join()}, state, revision,
         epoch_us(finalized_at) FROM ${stream}_aggregates_realtime`,
    ),
    history: await read(
      `SELECT epoch_us(window_start), ${values.join()}, revision, epoch_us(finalized_at),
         replaced_because FROM ${stream}_aggregates_history`,
    ),
    ledger: await read(
      `SELECT partition, incarnation, applied::text, records, counted, quarantined, too_late, duplicates, conflicts,
         doubtful, late, epoch_us(max_event_time), epoch_us(advanced_at), cluster_id, topic_id, leader_epoch, broker_end
       FROM ledger`,
    ),
    quarantine: await read('SELECT partition, incarnation, "offset", reason FROM quarantine'),
    tooLate: await read('SELECT partition, incarnation, "offset", epoch_us(event_time) FROM too_late'),
    seen: await read(
      `SELECT s.event_key, epoch_us(s.event_time), s.content, l.partition, l.incarnation, s."offset"
       FROM seen_event AS s JOIN ledger AS l ON l.id = s.log_id`,
    ),
    conflicts: await read(
      `SELECT l.partition, l.incarnation, c."offset", f.partition, f.incarnation, c.first_offset FROM conflict AS c
       JOIN ledger AS l ON l.id = c.log_id JOIN ledger AS f ON f.id = c.first_log_id`,
    ),
    doubtful: await read(
      `SELECT l.partition, l.incarnation, d."offset", d.field, d.value, d.reason, epoch_us(d.event_time)
       FROM doubtful AS d JOIN ledger AS l ON l.id = d.log_id`,
    ),
    lateness: await read(
      `SELECT l.partition, l.incarnation, h.day - date '1970-01-01', h.below_s, h.events, h.stream
       FROM lateness AS h JOIN ledger AS l ON l.id = h.log_id`,
    ),
    progress: await read(
      `SELECT partition, first_offset, end_offset, lag, idle, epoch_us(observed_since), epoch_us(observed_at)
       FROM partition_progress`,
    ),
    state: await read(`SELECT epoch_us(watermark), held_by FROM stream_state WHERE stream = '${stream}'`),
  };
}

function tablesOfModel(stream: StreamName, model: MemoryDatabase): Record<string, string[]> {
  const logOf = (id: number | null) => {
    const log = model.ledger.find((l) => l.id === id);
    return [log?.partition, log?.incarnation];
  };
  const plain = (values: readonly string[]) =>
    values.map((value, i) => (columns[stream][i] === "countBy" ? JSON.parse(value) : value));
  return {
    rows: sorted(
      [...model.rows.values()].map((row) => [
        row.windowStartUs,
        row.windowEndUs,
        ...plain(row.values),
        row.state,
        row.revision,
        row.finalisedAtUs,
      ]),
    ),
    history: sorted(
      model.history.map((row) => [
        row.windowStartUs,
        ...plain(row.values),
        row.revision,
        row.finalisedAtUs,
        row.cause,
      ]),
    ),
    ledger: sorted(
      model.ledger.map((l) => [
        l.partition,
        l.incarnation,
        toMultirange(l.applied),
        l.records,
        l.counted,
        l.quarantined,
        l.tooLate,
        l.duplicates,
        l.conflicts,
        l.doubtful,
        l.late,
        l.maxEventTimeUs,
        l.advancedAtUs,
        l.clusterId,
        l.topicId,
        l.leaderEpoch,
        l.brokerEnd,
      ]),
    ),
    quarantine: sorted(model.quarantine.map((q) => [q.partition, q.incarnation, q.offset, q.reason])),
    tooLate: sorted(model.tooLate.map((t) => [t.partition, t.incarnation, t.offset, t.timeUs])),
    seen: sorted([...model.seen].map(([key, s]) => [key, s.timeUs, s.content, ...logOf(s.log), s.offset])),
    conflicts: sorted(
      model.conflicts.map((c) => [...logOf(c.log), c.offset, ...logOf(c.firstLog), c.firstOffset]),
    ),
    doubtful: sorted(
      model.doubtful.map((d) => [...logOf(d.log), d.offset, d.field, d.value, d.reason, d.timeUs]),
    ),
    lateness: sorted(
      [...model.lateness.values()].map((h) => [...logOf(h.log), h.day, h.belowS, h.events, stream]),
    ),
    progress: sorted(
      [...model.progress].map(([partition, p]) => [
        partition,
        p.first,
        p.end,
        p.lag,
        p.idle,
        p.observedSinceUs,
        p.observedAtUs,
      ]),
    ),
    state: sorted([[model.watermarkUs, model.heldBy]]),
  };
}

/** The judge, with its verdicts written down in a fixed form. */
function recorded(judge: Judge, verdicts: (Verdict | "try again")[]): Judge {
  return async (...batch) => {
    const verdict = await judge(...batch);
    verdicts.push(
      verdict === "try again" || verdict.applied
        ? verdict
        : {
            ...verdict,
            // The logs' numbers are each database's own; the tables are compared by what they mean.
            seen: verdict.seen
              .map((one) => ({ ...one, log: null }))
              .sort((a, b) => (a.eventKey < b.eventKey ? -1 : 1)),
          },
    );
    return verdict;
  };
}

async function runBeside<E extends Event>(
  stream: Stream<E>,
  logs: readonly (readonly LogRecord[])[],
  acts: readonly number[],
): Promise<void> {
  await emptyTables(database.pool);
  const clock = {
    nowUs: START_US,
    pause: async () => undefined,
    wait: async () => undefined,
    wake: () => undefined,
  };
  const model = new MemoryDatabase(clock, () => undefined, 600e6);
  const rules = rulesOf(stream.windowUs / 5);
  const verdicts: { postgres: (Verdict | "try again")[]; model: (Verdict | "try again")[] } = {
    postgres: [],
    model: [],
  };
  const sides: readonly { judge: Judge; store: SweepStore }[] = [
    { judge: recorded(postgresJudge(virtual), verdicts.postgres), store: postgresSweepStore(virtual) },
    { judge: recorded(model.judge, verdicts.model), store: model.sweepStore },
  ];
  const setClock = async (nowUs: number) => {
    clock.nowUs = nowUs;
    await virtual.query("UPDATE virtual.clock SET at = instant($1)", [nowUs]);
  };
  for (const act of acts) {
    const [what = 0, partition = 0, from = 0, count = 0, fifths = 0] = digitsOf(act, 4, PARTITIONS, 12, 6, 6);
    const beginUs = clock.nowUs + Math.round((fifths * fifths * stream.windowUs) / 25);
    const frozenUs = fifths === 0 ? stream.windowUs : 0;
    const log = logs[partition] ?? [];
    const outcomes: unknown[] = [];
    for (const { judge, store } of sides) {
      await setClock(beginUs);
      if (what > 0) {
        const again = what === 3 ? 1_000_000 : 0; // a younger one: of a log that was cut, or of another topic
        const records = log
          .slice(from, from + count + 1)
          .map((r) => ({ ...r, recordTimeMs: r.recordTimeMs + again }));
        if (records.length === 0) continue;
        const address = { source: "s", topic: "t", partition };
        outcomes.push(await commitRecords(judge, stream, address, records, rules));
      } else {
        const offsets = logs.map((l, p) => {
          const end = count === 5 ? 3 : (l.at(-1)?.offset ?? 0) + 1;
          return { partition: p, first: p === partition ? Math.min(from, end) : 0, end };
        });
        const swept = { stream: stream.name, source: "s", topic: "t" };
        const ask = async () => {
          await setClock(beginUs + frozenUs);
          return offsets;
        };
        const told = {
          topicId: from > 9 ? "another" : "topic",
          epochs: { leaderEpoch: count >> 1, logEnd: null, entryEpochEnd: from > 6 ? from : null },
          epochStarts: from > 6 ? [from] : [],
          records: log,
        };
        outcomes.push(await sweepStream(store, swept, topicLogOf(ask, told), rules));
      }
    }
    expect(outcomes[1]).toEqual(outcomes[0]);
  }
  expect(verdicts.model).toEqual(verdicts.postgres);
  expect(tablesOfModel(stream.name, model)).toEqual(await tablesOfPostgres(stream.name));
}

const codes = fc.array(fc.nat(0xffff), { minLength: 1, maxLength: 12, size: "max" });
const acts = fc.array(fc.nat(0xffff), { minLength: 1, maxLength: 14, size: "max" });

test.each(streamNames)("%s: model and PostgreSQL agree on 100 schedules", async (name) => {
  await fc.assert(
    fc.asyncProperty(fc.array(codes, { minLength: PARTITIONS, maxLength: PARTITIONS }), acts, (c, a) =>
      runBeside(
        streams[name],
        c.map((of) => logOf(name, of)),
        a,
      ),
    ),
    { numRuns: name === "consumption" ? 150 : 100 },
  );
});

test("the virtual clock is the one that PostgreSQL reads", async () => {
  await virtual.query("UPDATE virtual.clock SET at = instant($1)", [START_US]);
  const { rows } = await virtual.query<{ at: string }>("SELECT epoch_us(now()) AS at");
  expect(Number(rows[0]?.at)).toBe(START_US);
});
