// What people read and write of quarantined records.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { formatPosition, parsePosition } from "../../../lib/quarantine/position.ts";
import { reasonsInWords } from "../../../lib/quarantine/reasons.ts";

test("the reasons' words are those of docs/quarantine.md, no more and no fewer", () => {
  const [reasons = ""] = readFileSync("docs/quarantine.md", "utf8").split("## Looking at it");
  const rows = [...reasons.matchAll(/^\| `(\w+)` +\| (.+?) +\|$/gm)];
  expect(Object.fromEntries(rows.map((row) => [row[1], row[2]]))).toEqual(reasonsInWords);
});

test("the reasons' words are those of the view quarantine_readable (reason_in_words), no more and no fewer", () => {
  const file = new URL("../../../lib/postgres/sql/reason_in_words.sql", import.meta.url);
  const words = [...readFileSync(file, "utf8").matchAll(/WHEN '(\w+)' THEN '((?:[^']|'')+)'/g)];
  expect(Object.fromEntries(words.map((row) => [row[1], row[2]?.replaceAll("''", "'")]))).toEqual(
    reasonsInWords,
  );
});

describe("a position", () => {
  test.each([
    ["meter-0@7", { topic: "meter", partition: 0, offset: 7, incarnation: 0 }],
    ["a-b.c-1-12@0#2", { topic: "a-b.c-1", partition: 12, offset: 0, incarnation: 2 }],
  ])("%s", (text, position) => {
    expect(parsePosition(text)).toEqual(position);
    expect(formatPosition(position)).toBe(text);
  });

  test.each(["meter@7", "meter-0", "meter-x@7", "-0@1", "meter-0@-1", "meter-0@1#"])("is not %s", (text) => {
    expect(() => parsePosition(text)).toThrow("expected topic-partition@offset");
  });
});
