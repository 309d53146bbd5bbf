// What is proven lost gives its offsets free, and nothing else does: a cut log is told from another one, and both from the
// same log with another leader.
import { describe, expect, test } from "vitest";
import {
  type EntryIdentity,
  type Found,
  judgeLog,
  mustVerify,
  type SeenLog,
} from "../../../lib/core/log-identity.ts";

const ids = { clusterId: "c", topicId: "t" };
/** 100 offsets applied and verified under epoch 2. */
const entry: EntryIdentity = {
  ...{ partition: 0, incarnation: 0, applied: [{ from: 0, to: 100 }], unverified: [], tails: [] },
  ...{ ...ids, leaderEpoch: 2, brokerEnd: 100, isEpochFresh: false },
};
const seen: SeenLog = { ...ids, leaderEpoch: 2, first: 0, end: 100, entryEpochEnd: 100 };

/** With these batches applied since, not verified. */
function since(...batches: [from: number, to: number][]): EntryIdentity {
  const tails = batches.map(([from, to]) => ({
    offsets: [{ from, to }],
    lastOffset: to - 1,
    digest: `${from}`,
  }));
  const end = Math.max(100, ...batches.map(([, to]) => to));
  const unverified = [{ from: Math.min(...batches.map(([from]) => from)), to: end }];
  return { ...entry, applied: [{ from: 0, to: end }], unverified, tails };
}

const found = (digests: Record<number, string>, ...epochStarts: number[]): Found => ({
  digests: new Map(Object.entries(digests).map(([offset, digest]) => [Number(offset), digest])),
  epochStarts,
  isCompacted: false,
});

describe("a log with the same ids", () => {
  test("is the same where nothing has changed, records came, or retention took some", () => {
    expect(judgeLog(entry, seen, null)).toBeNull();
    expect(judgeLog(entry, { ...seen, end: 130, entryEpochEnd: 130 }, null)).toBeNull();
    expect(judgeLog(entry, { ...seen, first: 70 }, null)).toBeNull();
  });

  test("is the same after another leader has taken over", () => {
    expect(judgeLog(entry, { ...seen, leaderEpoch: 5, end: 120 }, null)).toBeNull();
  });

  test("was truncated where it ends before what was applied", () => {
    const cut = { ...seen, leaderEpoch: 4, end: 90, entryEpochEnd: 90 };
    const dead = [{ from: 90, to: 100 }];
    expect(judgeLog(entry, cut, null)).toEqual({ kind: "truncated", dead, from: 90, to: 100 });
    const byEndOnly = { ...cut, leaderEpoch: null, entryEpochEnd: null };
    expect(judgeLog(entry, byEndOnly, null)).toEqual({ kind: "truncated", dead, from: 90, to: 100 });
  });

  test("was truncated where its old epoch ends before that, however many records came since", () => {
    const refilled = { ...seen, leaderEpoch: 4, end: 128, entryEpochEnd: 90 };
    const dead = [{ from: 90, to: 100 }];
    expect(judgeLog(entry, refilled, null)).toEqual({ kind: "truncated", dead, from: 90, to: 100 });
  });

  test("was truncated as well where it lost only what nobody had counted", () => {
    const behind = { ...entry, applied: [{ from: 0, to: 80 }] };
    const cut = { ...seen, leaderEpoch: 4, end: 90, entryEpochEnd: 90 };
    expect(judgeLog(behind, cut, null)).toEqual({ kind: "truncated", dead: [], from: 90, to: 100 });
  });

  test("keeps what was applied from the new records, and frees what was applied from the lost ones", () => {
    // Up to 108 in the old log; cut to 98; from 108 on of the new one, before any sweep.
    const both = since([100, 108], [108, 128]);
    const refilled = { ...seen, leaderEpoch: 4, end: 128, entryEpochEnd: 98 };
    expect(mustVerify(both, refilled)).toBe(true);
    expect(judgeLog(both, refilled, found({ 107: "other", 127: "108" }, 98))).toEqual({
      ...{ kind: "truncated", from: 98, to: 108 },
      dead: [{ from: 98, to: 108 }],
    });
  });

  test("lets the survivors of a batch that was cut through be, and what compaction took", () => {
    const cut = { ...seen, leaderEpoch: 4, end: 128, entryEpochEnd: 100 };
    expect(judgeLog(since([100, 108]), cut, found({ 107: "other" }, 104))).toEqual({
      ...{ kind: "truncated", from: 104, to: 108 },
      dead: [{ from: 104, to: 108 }],
    });
    expect(judgeLog(since([100, 108]), cut, found({}, 110))).toBeNull();
    expect(judgeLog(since([100, 108]), { ...cut, first: 108 }, found({}, 104))).toBeNull();
  });

  test("takes a record that is not there for one that is lost, but where compaction takes records", () => {
    const restarted = { ...seen, leaderEpoch: 4, end: 128, entryEpochEnd: 100 };
    const dead = [{ from: 104, to: 108 }];
    expect(judgeLog(since([100, 108]), restarted, found({}, 104))).toMatchObject({ dead });
    const compacted = { ...found({}, 104), isCompacted: true };
    expect(judgeLog(since([100, 108]), restarted, compacted)).toBeNull();
    const other = { ...found({ 107: "other" }, 104), isCompacted: true };
    expect(judgeLog(since([100, 108]), restarted, other)).toMatchObject({ dead });
    expect(judgeLog(since([100, 108]), { ...restarted, end: 104 }, compacted)).toMatchObject({ dead });
  });

  test("frees a batch of the old log that was committed after the cut had been seen", () => {
    const late = { ...since([100, 108]), isEpochFresh: true };
    expect(mustVerify(late, seen)).toBe(true);
    expect(
      judgeLog(late, { ...seen, end: 120, entryEpochEnd: 120 }, found({ 107: "other" }, 98)),
    ).toMatchObject({
      dead: [{ from: 100, to: 108 }],
    });
    expect(mustVerify(since([100, 108]), seen)).toBe(false);
  });

  test("knows the batches from before its first sweep by their records", () => {
    const unseen = { ...since([0, 100]), clusterId: null, topicId: null, leaderEpoch: null, brokerEnd: null };
    const first = { ...seen, entryEpochEnd: null, end: 130 };
    expect(mustVerify(unseen, first)).toBe(true);
    expect(judgeLog(unseen, first, found({ 99: "0" }, 90))).toBeNull();
    expect(judgeLog(unseen, first, found({ 99: "other" }, 90))).toMatchObject({
      dead: [{ from: 90, to: 100 }],
    });
  });
});

describe("another log", () => {
  test("is one with another topic's or cluster's id, however long it is", () => {
    const dead = entry.applied;
    expect(judgeLog(entry, { ...seen, topicId: "u", end: 500 }, null)).toEqual({
      kind: "created_again",
      dead,
    });
    expect(judgeLog(entry, { ...seen, clusterId: "d" }, null)).toEqual({ kind: "another_cluster", dead });
  });

  test("keeps what was applied from it before anyone had seen that", () => {
    const mixed = since([100, 108], [108, 128]);
    const other = { ...seen, topicId: "u", leaderEpoch: 0, end: 128, entryEpochEnd: "unknown" as const };
    expect(mustVerify(mixed, other)).toBe(true);
    expect(judgeLog(mixed, other, found({ 107: "other", 127: "108" }))).toEqual({
      ...{ kind: "created_again", dead: [{ from: 0, to: 108 }] },
    });
  });

  test("is one whose leader has never had the epoch, where the broker knows topics by name only", () => {
    const byName = { ...entry, topicId: null };
    const other = { ...seen, topicId: null, leaderEpoch: 0, end: 10, entryEpochEnd: "unknown" as const };
    expect(judgeLog(byName, other, null)).toEqual({ kind: "created_again", dead: entry.applied });
    expect(judgeLog(byName, { ...seen, topicId: null }, null)).toBeNull();
  });

  test("is none where an id is learned that was not known", () => {
    expect(judgeLog({ ...entry, topicId: null }, seen, null)).toBeNull();
    expect(judgeLog(entry, { ...seen, topicId: null }, null)).toBeNull();
  });
});
