// What comes from outside and is shown at a terminal cannot write to it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { fittingTable, wrapped } from "../../commands/terminal/table.ts";
import { printable, printableJson, quoted } from "../../lib/core/printable.ts";

const anyText = fc.string({
  unit: fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("\x1b[2J", "\u202e", "\ud800")),
});

test("no sign that moves the cursor, colours or turns the text around is left, and all others are as they were", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      expect(printable(text)).not.toMatch(/\p{C}/u);
      expect(quoted(text)).toMatch(/^"[^\p{C}]*"$/u);
    }),
  );
  expect(printable("Shkodër 5 kWh \x1b[2J")).toBe("Shkodër 5 kWh \\u001b[2J");
  expect(quoted('a "b" \u202e')).toBe('"a \\"b\\" \\u202e"');
});

test("a table that is wider than the terminal is shown a row after the other, and parts go on in the next line", () => {
  const rows = [
    ["a", "x".repeat(30)],
    ["bc", ""],
  ];
  expect(fittingTable(["id", "value"], rows, 80)).toBe(`id  value\na   ${"x".repeat(30)}\nbc`);
  expect(fittingTable(["id", "value"], rows, 33)).toBe(
    `id     a\nvalue  ${"x".repeat(30)}\n\nid     bc\nvalue`,
  );
  expect(wrapped(["12345", "123", "1", "1234567890123"], 12)).toBe("12345  123\n    1\n    1234567890123");
  expect(wrapped(["12345", "123"], Number.POSITIVE_INFINITY)).toBe("12345  123");
});

test("JSON for programs is the same document, and no sign of it writes to a terminal", () => {
  fc.assert(
    fc.property(fc.dictionary(anyText, fc.oneof(anyText, fc.integer())), (document) => {
      const json = printableJson(document);
      expect(json).not.toMatch(/[^\P{C}\n]/u);
      expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(document)));
    }),
  );
});

// What it does: tests/integration/quarantine/export.test.ts.
test.each(["amend", "audit", "cost", "esm", "failures", "quarantine", "replay", "simulate"])(
  "npm run %s, which prints data, ends quietly where its reader goes away",
  (name) => {
    const script = readFileSync(join(import.meta.dirname, `../../commands/${name}/index.ts`), "utf8");
    expect(script).toMatch(/^tolerateClosedOutput\(\);$/m);
  },
);
