// The laws of a sweep: the ledger before the broker, a new incarnation only below what was applied, and all that has
// passed made final, in batches.
import { describe, expect, test } from "vitest";
import type { PartitionOffsets } from "../../../lib/core/watermark.ts";
import { type LedgerEnd, type SweepStore, sweepStream } from "../../../lib/store/sweep.ts";

const rules = { delayUs: 10, idleUs: 50, amendmentHorizonUs: 500 };
const swept = { stream: "sensor", source: "s", topic: "t" } as const;

/** A store that holds these and writes down what it is asked. */
function storeOf(ends: readonly LedgerEnd[], finalised: number[], asked: unknown[]): SweepStore {
  return {
    readLedger: async () => {
      asked.push("ledger");
      return { readAtUs: 1_000, ends };
    },
    startIncarnationsAfter: async (_, dead) => {
      asked.push(dead);
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
    finalise: async (_, most) => {
      asked.push(["finalise", most]);
      return finalised.shift() ?? 0;
    },
    forgetIdentities: async (_, horizonUs) => {
      asked.push(["forget", horizonUs]);
    },
  };
}

const offsetsTo = (...ends: number[]): PartitionOffsets[] =>
  ends.map((end, partition) => ({ partition, first: 0, end }));

describe("a sweep", () => {
  test("reads the ledger, then asks the broker, then moves, finalises and forgets", async () => {
    const asked: unknown[] = [];
    const outcome = await sweepStream(
      storeOf([], [5_000, 5_000, 12], asked),
      swept,
      async () => {
        asked.push("broker");
        return offsetsTo(1, 1, 1);
      },
      rules,
    );
    const finalise = ["finalise", 5_000];
    expect(asked).toEqual([
      "ledger",
      "broker",
      ["move", 1_000, 50],
      finalise,
      finalise,
      finalise,
      ["forget", 500],
    ]);
    expect(outcome).toEqual({
      stream: "sensor",
      watermarkUs: 891,
      heldBy: 1,
      lag: 3,
      idlePartitions: [0],
      finalised: 10_012,
      startedIncarnations: [],
    });
  });

  test("begins an incarnation only for a partition that ends below what was applied", async () => {
    const asked: unknown[] = [];
    const end = (partition: number, incarnation: number, at: number) => ({ partition, incarnation, end: at });
    const ends = [end(0, 2, 5), end(1, 0, 5), end(2, 0, 5), end(7, 0, 5)];
    const outcome = await sweepStream(storeOf(ends, [], asked), swept, async () => offsetsTo(4, 5, 6), rules);
    expect(asked[1]).toEqual([end(0, 2, 5)]);
    expect(outcome.startedIncarnations).toEqual([0]);
  });
});
