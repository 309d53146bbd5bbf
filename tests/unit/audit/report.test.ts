// What looks like a database that was emptied or set back, and what does not.

import { expect, test } from "vitest";
import { holdsLess } from "../../../lib/audit/audit.ts";

const range = (from: number, to: number) => ({ from, to });
const lost = (from: number, to: number) => ({ ...range(from, to), records: to - from, suspect: false });

test.each([
  ["nothing is lost", [range(0, 10)], [], [], false],
  ["all is lost: emptied", [], [lost(0, 10)], [], true],
  ["emptied, and new records since", [range(10, 12)], [lost(0, 10)], [], true],
  ["the end is lost: an older copy", [range(0, 6)], [lost(6, 10)], [], true],
  ["a batch in the middle was given up", [range(0, 3), range(6, 10)], [lost(3, 6)], [], false],
  ["retention took the middle", [range(0, 3), range(6, 10)], [], [range(3, 6)], false],
  ["retention took the end of what an older copy misses", [range(0, 3)], [], [range(3, 10)], true],
])("%s", (_, applied, missing, expired, isLess) => {
  expect(holdsLess({ applied, lost: missing, expired })).toBe(isLess);
});
