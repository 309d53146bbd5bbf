// What comes from outside and is shown at a terminal cannot write to it.
import fc from "fast-check";
import { expect, test } from "vitest";
import { printable, quoted } from "../../lib/terminal/printable.ts";

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
