// Which offsets each ledger entry of a log still has, after cuts and new names of the cluster.
import { describe, expect, test } from "vitest";
import { type Break, heldOffsets, type LedgerLog } from "../../../lib/amend/held.ts";
import { fromMultirange, toMultirange } from "../../../lib/core/ranges.ts";

const entry = (source: string, incarnation: number, applied: string, inherited = "{}"): LedgerLog => ({
  ...{ source, partition: 0, incarnation },
  ...{ applied: fromMultirange(applied), inherited: fromMultirange(inherited) },
});
const cut = (source: string, incarnation: number): Break => ({
  ...{ source, partition: 0, incarnation, renamedFrom: null },
});
const renamed = (source: string, renamedFrom: string, incarnation = 0): Break => ({
  ...{ source, partition: 0, incarnation, renamedFrom },
});
const held = (entries: LedgerLog[], breaks: Break[]) =>
  Object.fromEntries(
    [...heldOffsets(entries, breaks)].map(([key, ranges]) => [
      key.split("\0").toSpliced(1, 1).join(" "),
      toMultirange(ranges),
    ]),
  );

describe("entries hold what they applied themselves", () => {
  test("and keep of it what the entries after a cut inherited", () => {
    const entries = [
      entry("a", 0, "{[0,10)}"),
      entry("a", 1, "{[0,12)}", "{[0,6)}"),
      entry("a", 2, "{[0,20)}", "{[0,4)}"),
    ];
    expect(held(entries, [cut("a", 1), cut("a", 2)])).toEqual({
      "a 0": "{[0,4)}",
      "a 1": "{}",
      "a 2": "{[4,20)}",
    });
  });

  test("and nothing where the topic was created again", () => {
    expect(held([entry("a", 0, "{[0,10)}"), entry("a", 1, "{[0,3)}")], [cut("a", 1)])).toEqual({
      "a 0": "{}",
      "a 1": "{[0,3)}",
    });
  });

  test("and all of it where the cluster has another name", () => {
    expect(
      held([entry("a", 0, "{[0,5)}"), entry("b", 0, "{[0,8)}", "{[0,5)}")], [renamed("b", "a")]),
    ).toEqual({ "a 0": "{[0,5)}", "b 0": "{[5,8)}" });
  });

  test("and lose it where the log is cut under another name", () => {
    const entries = [
      entry("a", 0, "{[0,5)}"),
      entry("b", 0, "{[0,8)}", "{[0,5)}"),
      entry("b", 1, "{[0,9)}", "{[0,3)}"),
    ];
    expect(held(entries, [renamed("b", "a"), cut("b", 1)])).toEqual({
      "a 0": "{[0,3)}",
      "b 0": "{}",
      "b 1": "{[3,9)}",
    });
  });

  test("and lose it under a second new name, and under the first one again", () => {
    const entries = [
      entry("a", 0, "{[0,2)}"),
      entry("b", 0, "{[0,4)}", "{[0,2)}"),
      entry("c", 0, "{[0,6)}", "{[0,4)}"),
      entry("c", 1, "{[0,7)}", "{[0,1)}"),
    ];
    const breaks = [renamed("b", "a"), renamed("c", "b"), cut("c", 1)];
    expect(held(entries, breaks)).toEqual({ "a 0": "{[0,1)}", "b 0": "{}", "c 0": "{}", "c 1": "{[1,7)}" });
    const back = [
      entry("a", 0, "{[0,6)}", "{[2,4)}"),
      entry("b", 0, "{[0,4)}", "{[0,2)}"),
      entry("a", 1, "{[0,7)}", "{[0,3)}"),
    ];
    expect(held(back, [renamed("b", "a"), renamed("a", "b"), cut("a", 1)])).toEqual({
      ...{ "a 0": "{[0,2)}", "b 0": "{[2,3)}", "a 1": "{[3,7)}" },
    });
  });

  test("whatever was cut before the cluster had the new name, and under names of other clusters", () => {
    const entries = [
      entry("a", 0, "{[0,5)}"),
      entry("a", 1, "{[0,7)}", "{[0,3)}"),
      entry("b", 0, "{[0,9)}", "{[0,7)}"),
      entry("other", 0, "{[0,9)}"),
      entry("other", 1, "{}"),
    ];
    expect(held(entries, [cut("a", 1), renamed("b", "a"), cut("other", 1)])).toEqual({
      ...{ "a 0": "{[0,3)}", "a 1": "{[3,7)}", "b 0": "{[7,9)}", "other 0": "{}", "other 1": "{}" },
    });
  });
});
