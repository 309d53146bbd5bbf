// A sweep that looks at a log while it changes under its hands.
import { describe, expect, test } from "vitest";
import type { SeenTopic } from "../../../lib/core/log-identity.ts";
import { type LedgerEntry, type TopicLog, watchLog } from "../../../lib/windows/watch-log.ts";

const entry: LedgerEntry = {
  ...{ partition: 0, incarnation: 0, applied: [{ from: 0, to: 3 }], isEpochFresh: true },
  ...{ clusterId: "c", topicId: "first", leaderEpoch: 0, brokerEnd: 3, version: "1" },
  ...{ unverified: [{ from: 0, to: 3 }], newestTail: "1", newestReadTail: "1" },
  tails: [{ lastOffset: 2, digest: "of the first log", offsets: [{ from: 0, to: 3 }] }],
};

const topic = (topicId: string, leaderEpoch: number): SeenTopic => ({
  ...{ clusterId: "c", topicId },
  partitions: new Map([[0, { leaderEpoch, logEnd: 3, entryEpochEnd: 3 }]]),
});

/** @param answers to the questions which log it is, one after another */
function logOf(...answers: readonly SeenTopic[]): TopicLog {
  let asked = 0;
  return {
    offsets: async () => [{ partition: 0, first: 0, end: 3 }],
    see: async () => answers[asked++] ?? topic("none", 0),
    epochStarts: async () => [0],
    isCompacted: async () => false,
    async *read() {
      yield []; // of the log that is there by then
    },
  };
}

const offsets = [{ partition: 0, first: 0, end: 3 }];

describe("a partition is left to the next sweep", () => {
  test.each([
    ["where its topic was created again while its records were compared", topic("second", 0)],
    ["where it was cut meanwhile", topic("first", 1)],
  ])("%s", async (_, after) => {
    expect(await watchLog(logOf(topic("first", 0), after), [entry], offsets)).toEqual([]);
  });
});

test("a partition whose log is the same before and after is observed", async () => {
  const same = topic("first", 0);
  const [observed] = await watchLog(logOf(same, same), [entry], offsets);
  expect(observed?.broken).toMatchObject({ kind: "truncated", from: 0, to: 3 });
});
