// Promise 4 and 5 at the database: what a sweep observes, decides and makes final.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { PartitionOffsets } from "../../../lib/core/watermark.ts";
import { postgresJudge } from "../../../lib/postgres/judge.ts";
import { postgresSweepStore } from "../../../lib/postgres/sweep-store.ts";
import { consumptionStream } from "../../../lib/streams/streams.ts";
import { commitRecords } from "../../../lib/windows/commit.ts";
import { sweepStream } from "../../../lib/windows/sweep.ts";
import { logOf, type ToldLog } from "../../topic-log.ts";
import { createDatabase, emptyTables, snapshot, type TestDatabase } from "../database.ts";

const swept = { stream: "consumption", source: "test", topic: "consumption" } as const;
const rules = { delayUs: 600e6, idleUs: 300e6, amendmentHorizonUs: 7 * 86_400e6, futureSkewUs: 600e6 };
const hour = Date.UTC(2026, 0, 15, 10);

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.close());
beforeEach(() => emptyTables(database.pool));

function at(minutes: number): string {
  return new Date(hour + minutes * 60_000).toISOString();
}

async function apply(partition: number, offset: number, minutes: number, customer = "c"): Promise<void> {
  const event = {
    event_id: `${partition}-${offset}`,
    meter_id: "m",
    customer_id: customer,
    reading: 1,
    timestamp: at(minutes),
  };
  const record = { offset, recordTimeMs: hour + offset, value: Buffer.from(JSON.stringify(event)) };
  await commitRecords(
    postgresJudge(database.pool),
    consumptionStream,
    { source: "test", topic: "consumption", partition },
    [record],
    rules,
  );
}

function sweep(offsets: readonly PartitionOffsets[], overrides: Partial<typeof rules> = {}) {
  return sweepStream(
    postgresSweepStore(database.pool),
    swept,
    logOf(async () => offsets),
    {
      ...rules,
      ...overrides,
    },
  );
}

/** As if the partitions had been silent, and watched, for so long. */
async function letPass(seconds: number): Promise<void> {
  await database.pool.query("UPDATE ledger SET advanced_at = advanced_at - $1 * interval '1 second'", [
    seconds,
  ]);
  await database.pool.query(
    "UPDATE partition_progress SET observed_since = observed_since - $1 * interval '1 second'",
    [seconds],
  );
}

const caughtUp = (partition: number, end: number): PartitionOffsets => ({ partition, first: 0, end });

describe("a sweep", () => {
  test("leaves a stream without events alone", async () => {
    expect(await sweep([caughtUp(0, 0), caughtUp(1, 0)])).toMatchObject({ watermarkUs: null });
  });

  test("makes passed windows final, and none that has not passed", async () => {
    await apply(0, 0, 5, "early");
    await apply(0, 1, 75, "late");
    expect(await sweep([caughtUp(0, 2)])).toMatchObject({
      watermarkUs: (hour + 65 * 60_000) * 1000,
      heldBy: 0,
    });
    const { consumption } = await snapshot(database.pool);
    expect(consumption.map((row) => row.split(",").slice(2, 3).concat(row.split(",").slice(-2)))).toEqual([
      ["early", "final", "1)"],
      ["late", "open", "0)"],
    ]);
  });

  test("waits for a lagging partition, however long it has been silent", async () => {
    await apply(0, 0, 200);
    await apply(1, 0, 5);
    await sweep([caughtUp(0, 1), caughtUp(1, 9)]);
    await letPass(10_000);
    expect(await sweep([caughtUp(0, 1), caughtUp(1, 9)])).toMatchObject({
      ...{ heldBy: 1, lag: 8 },
      watermarkUs: (hour - 5 * 60_000) * 1000, // the laggard's one event, less the delay
    });
  });

  test("waits for a partition that has never been read, but not for an empty one after the idle time", async () => {
    await apply(0, 0, 200);
    expect(await sweep([caughtUp(0, 1), caughtUp(1, 0)])).toMatchObject({ watermarkUs: null, heldBy: 1 });
    await letPass(400);
    await apply(0, 1, 201);
    expect(await sweep([caughtUp(0, 2), caughtUp(1, 0)])).toMatchObject({
      watermarkUs: (hour + 191 * 60_000) * 1000,
      idlePartitions: [1],
    });
  });

  test("is not held for ever by a partition that brings nothing but poison and events of 1970", async () => {
    await apply(0, 0, 200);
    await apply(1, 0, -(hour / 60_000));
    await sweep([caughtUp(0, 1), caughtUp(1, 1)]);
    await letPass(400);
    await apply(0, 1, 201);
    const address = { source: "test", topic: "consumption", partition: 1 };
    await commitRecords(
      postgresJudge(database.pool),
      consumptionStream,
      address,
      [{ offset: 1, recordTimeMs: 0, value: null }],
      rules,
    );
    await apply(1, 2, -(hour / 60_000) + 1);
    expect(await sweep([caughtUp(0, 2), caughtUp(1, 3)])).toMatchObject({
      watermarkUs: (hour + 191 * 60_000) * 1000,
      idlePartitions: [1],
    });
  });

  test("closes windows by the clock when all input has stopped", async () => {
    await apply(0, 0, 5);
    await sweep([caughtUp(0, 1)]);
    await letPass(400);
    const outcome = await sweep([caughtUp(0, 1)]);
    expect(outcome.watermarkUs).toBeGreaterThan((Date.now() - 700_000) * 1000);
  });

  test("does not take its own absence for silence", async () => {
    await apply(0, 0, 5);
    await sweep([caughtUp(0, 1)]);
    await letPass(100_000);
    await database.pool.query("UPDATE partition_progress SET observed_at = observed_at - interval '1 day'");
    expect(await sweep([caughtUp(0, 1)])).toMatchObject({ idlePartitions: [] });
  });

  test("never moves a watermark back", async () => {
    await apply(0, 0, 200);
    const before = await sweep([caughtUp(0, 1)]);
    const after = await sweep([caughtUp(0, 1)], { delayUs: 3600e6 });
    expect(after.watermarkUs).toBe(before.watermarkUs);
  });

  test("does not count what retention has removed as lag", async () => {
    await apply(0, 50, 5);
    expect(await sweep([{ partition: 0, first: 50, end: 51 }])).toMatchObject({ lag: 0 });
  });

  /** As the broker tells it, whose topic has this id. */
  const sweepTold = (end: number, told: Partial<ToldLog>) =>
    sweepStream(
      postgresSweepStore(database.pool),
      swept,
      logOf(async () => [caughtUp(0, end)], told),
      rules,
    );
  const ledgerRows = async () =>
    (
      await database.pool.query(
        "SELECT incarnation, applied, records::int, cluster_id, topic_id FROM ledger ORDER BY 1",
      )
    ).rows;
  const ids = { cluster_id: "cluster", topic_id: "topic" };

  test("enters a partition before anything was committed, and learns the ids of one that was", async () => {
    await apply(1, 0, 5);
    await sweep([caughtUp(0, 0), caughtUp(1, 1)]);
    expect(await ledgerRows()).toEqual([
      { ...ids, incarnation: 0, applied: "{}", records: 0 },
      { ...ids, incarnation: 0, applied: "{[0,1)}", records: 1 },
    ]);
  });

  test("sees a topic that was created again by its id, and starts over", async () => {
    await apply(0, 0, 5);
    await sweepTold(1, {});
    const again = await sweepTold(3, { topicId: "another" });
    expect(again).toMatchObject({
      lag: 3,
      breaks: [{ kind: "created_again", offsets: [{ from: 0, to: 1 }] }],
    });
    expect(again.breaks[0]?.before).toBe("cluster cluster, topic topic, epoch 0");
    await apply(0, 2, 6);
    expect(await ledgerRows()).toEqual([
      { ...ids, incarnation: 0, applied: "{[0,1)}", records: 1 },
      { ...ids, incarnation: 1, applied: "{[2,3)}", records: 1, topic_id: "another" },
    ]);
    expect((await sweepTold(3, { topicId: "another" })).breaks).toEqual([]);
  });

  test("sees another cluster under the same name", async () => {
    await apply(0, 0, 5);
    await sweepTold(1, {});
    expect((await sweepTold(0, { clusterId: "another", topicId: "other" })).breaks).toMatchObject([
      { kind: "another_cluster" },
    ]);
  });

  test("sees a log that was cut, counts its survivors no second time, and begins that entry once", async () => {
    for (const offset of [0, 1, 2, 3]) await apply(0, offset, 5);
    await sweep([caughtUp(0, 4)]);
    let isFirst = true;
    const log = logOf(async () => {
      if (isFirst) {
        await sweep([caughtUp(0, 2)]);
        await apply(0, 2, 6, "new"); // the same identity: a duplicate
      }
      isFirst = false;
      return [caughtUp(0, 2)];
    });
    expect((await sweepStream(postgresSweepStore(database.pool), swept, log, rules)).breaks).toEqual([]);
    await apply(0, 1, 5);
    expect(await ledgerRows()).toEqual([
      { ...ids, incarnation: 0, applied: "{[0,4)}", records: 4 },
      { ...ids, incarnation: 1, applied: "{[0,3)}", records: 1 },
    ]);
    const { rows } = await database.pool.query(
      "SELECT kind, from_offset::int, to_offset::int, counted_offsets::int FROM log_break",
    );
    expect(rows).toEqual([{ kind: "truncated", from_offset: 2, to_offset: 4, counted_offsets: 2 }]);
  });

  test("takes over what was counted of the same log under another name", async () => {
    for (const offset of [0, 1, 2]) await apply(0, offset, 5);
    await sweep([caughtUp(0, 3)]);
    const renamed = { ...swept, source: "test,test-2" };
    const log = logOf(async () => [caughtUp(0, 3)]);
    const { lag, breaks } = await sweepStream(postgresSweepStore(database.pool), renamed, log, rules);
    expect({ lag, breaks }).toMatchObject({
      lag: 0,
      breaks: [{ kind: "renamed", before: "test", offsets: [] }],
    });
    expect((await sweepStream(postgresSweepStore(database.pool), renamed, log, rules)).breaks).toEqual([]);
  });

  test("says what was counted under two names", async () => {
    for (const offset of [0, 1, 2]) await apply(0, offset, 5);
    await sweep([caughtUp(0, 4)]);
    const renamed = { ...swept, source: "test,test-2" };
    const record = { offset: 2, recordTimeMs: 0, value: null };
    const address = { source: renamed.source, topic: renamed.topic, partition: 0 };
    await commitRecords(postgresJudge(database.pool), consumptionStream, address, [record], rules);
    const log = logOf(async () => [caughtUp(0, 4)]);
    expect((await sweepStream(postgresSweepStore(database.pool), renamed, log, rules)).breaks).toMatchObject([
      { kind: "renamed", offsets: [{ from: 2, to: 3 }] },
    ]);
  });

  test("run many times at once gives what one gives", async () => {
    for (let i = 0; i < 30; i++) await apply(0, i, i * 60, `c${i}`);
    await Promise.all(Array.from({ length: 6 }, () => sweep([caughtUp(0, 30)])));
    const { rows } = await database.pool.query(
      "SELECT state, revision, count(*)::int FROM consumption_aggregates_realtime GROUP BY 1, 2 ORDER BY 1",
    );
    expect(rows).toEqual([
      { state: "final", revision: 1, count: 28 },
      { state: "open", revision: 0, count: 2 },
    ]);
    expect(
      (await database.pool.query("SELECT count(*)::int AS n FROM consumption_aggregates_history")).rows,
    ).toEqual([{ n: 0 }]);
  });

  test("forgets identities only when their events would be too late", async () => {
    await apply(0, 0, 0);
    await database.pool.query("UPDATE stream_state SET watermark = $1 WHERE stream = 'consumption'", [
      at(6 * 1440),
    ]);
    await sweep([caughtUp(0, 1)]);
    expect((await database.pool.query("SELECT 1 FROM seen_event")).rowCount).toBe(1);
    await database.pool.query("UPDATE stream_state SET watermark = $1 WHERE stream = 'consumption'", [
      at(9 * 1440),
    ]);
    await sweep([caughtUp(0, 1)]);
    expect((await database.pool.query("SELECT 1 FROM seen_event")).rowCount).toBe(0);
  });
});

test("the watermark does not move while a commit is under way that was judged by the one before", async () => {
  await apply(0, 0, 0);
  const commit = await database.pool.connect();
  const move = () => database.pool.query("SELECT move_watermark('consumption', now(), NULL)");
  try {
    await commit.query("BEGIN; SELECT share_finality('consumption')"); // as claim_batch does
    await expect(move()).rejects.toMatchObject({ code: "55P03" }); // lock_not_available
    await commit.query("COMMIT");
    await move();
  } finally {
    commit.release(true);
  }
});
