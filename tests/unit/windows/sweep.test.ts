// The laws of a sweep: the ledger before the broker, the logs before the watermark.
import { describe, expect, test } from "vitest";
import type { PartitionOffsets } from "../../../lib/core/watermark.ts";
import { type SweepStore, sweepStream } from "../../../lib/windows/sweep.ts";
import type { LedgerEntry } from "../../../lib/windows/watch-log.ts";
import { logOf } from "../../topic-log.ts";

const rules = { delayUs: 10, idleUs: 50, amendmentHorizonUs: 500 };
const swept = { stream: "sensor", source: "s", topic: "t" } as const;

/** A store that holds these and writes down what it is asked. */
function storeOf(entries: readonly LedgerEntry[], asked: unknown[]): SweepStore {
  return {
    readLedger: async () => {
      asked.push("ledger");
      return { readAtUs: 1_000, entries };
    },
    recordLogs: async (_, observed) => {
      asked.push(["logs", observed.map(({ entry, broken }) => [entry.partition, broken?.kind ?? null])]);
      return [];
    },
    moveWatermark: async (_, offsets, askedAtUs, idleUs, decide) => {
      asked.push(["move", askedAtUs, idleUs]);
      const partitions = offsets.map((o) => ({
        partition: o.partition,
        lag: o.partition,
        maxEventTimeUs: 900 + o.partition,
        silentForUs: o.partition === 2 ? 49 : 50,
        offsets: o,
        observedSinceUs: 0,
      }));
      return decide(null, partitions);
    },
    forgetIdentities: async (_, horizonUs) => {
      asked.push(["forget", horizonUs]);
    },
  };
}

const offsetsTo = (...ends: number[]): PartitionOffsets[] =>
  ends.map((end, partition) => ({ partition, first: 0, end }));

describe("a sweep", () => {
  test("reads the ledger, then asks the broker, then moves and forgets", async () => {
    const asked: unknown[] = [];
    const outcome = await sweepStream(
      storeOf([], asked),
      swept,
      logOf(async () => {
        asked.push("broker");
        return offsetsTo(1, 1, 1);
      }),
      rules,
    );
    expect(asked).toEqual([
      "ledger",
      "broker",
      "broker",
      ["logs", [0, 1, 2].map((partition) => [partition, null])],
      ["move", 1_000, 50],
      ["forget", 500],
    ]);
    expect(outcome).toEqual({
      stream: "sensor",
      watermarkUs: 891,
      heldBy: 1,
      lag: 3,
      idlePartitions: [0],
      breaks: [],
      passed: { withRecord: [], unchecked: new Map() },
    });
  });

  test("looks for what is lost when each log has its entry; then the watermark stands", async () => {
    const asked: unknown[] = [];
    const gap = { partition: 1, from: 3, to: 5 };
    const outcome = await sweepStream(
      storeOf([], asked),
      swept,
      logOf(async () => offsetsTo(1, 1)),
      rules,
      async (offsets) => {
        asked.push(["find", offsets.length]);
        return { withRecord: [gap], unchecked: new Map() };
      },
    );
    expect(asked.slice(1, 4)).toEqual([
      ["logs", [0, 1].map((partition) => [partition, null])],
      ["find", 2],
      ["move", 1_000, 50],
    ]);
    expect(outcome).toMatchObject({ watermarkUs: null, heldBy: 1, passed: { withRecord: [gap] } });
  });

  test("looks at the log of every partition that the broker has, before it moves the watermark", async () => {
    const asked: unknown[] = [];
    const entry = (partition: number, end: number): LedgerEntry => ({
      ...{ partition, incarnation: 0, applied: [{ from: 0, to: end }], unverified: [], tails: [] },
      ...{ clusterId: "cluster", topicId: "topic", leaderEpoch: 0, brokerEnd: end, isEpochFresh: false },
      ...{ version: "1", newestTail: null, newestReadTail: null },
    });
    const entries = [entry(0, 5), entry(1, 5), entry(7, 5)];
    await sweepStream(
      storeOf(entries, asked),
      swept,
      logOf(async () => offsetsTo(4, 5, 6)),
      rules,
    );
    const logs = [
      [0, "truncated"],
      [1, null],
      [2, null],
    ];
    expect(asked.slice(1, 3)).toEqual([
      ["logs", logs],
      ["move", 1_000, 50],
    ]);
  });
});
