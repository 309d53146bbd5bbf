// A replay's log is told from the log that it replays from, whatever that one is called.
import fc from "fast-check";
import { expect, test } from "vitest";
import { isReplaySource, replaySourceOf } from "../../../lib/postgres/replay-source.ts";

test("the replays of every source are known by their source, and no cluster is taken for one", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.nat(), (source, incarnation) => {
      expect(isReplaySource(replaySourceOf(source, incarnation))).toBe(true);
    }),
  );
  for (const source of [
    "127.0.0.1:9092",
    "arn:aws:kafka:local:0:cluster/replay-1/2",
    "b:1#replay-",
    "b#replay-1:9092",
  ])
    expect(isReplaySource(source)).toBe(false);
});
