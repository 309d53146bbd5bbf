// What follows from a declaration, shown with one that no stream has.
import { expect, test } from "vitest";
import { consumption } from "../../../lib/streams/consumption.ts";
import type { StreamRules } from "../../../lib/streams/declaration.ts";
import { isRefusal } from "../../../lib/streams/refusal.ts";
import { streamOf } from "../../../lib/streams/stream-of.ts";

const rules = {
  stream: consumption,
  fields: [
    { field: "id", kind: "text", longest: 5, optional: true },
    { field: "meter", kind: "text", longest: 5, as: "meterId" },
    { field: "volume", kind: "number", min: 0, max: 100, as: "volume" },
    { field: "unit", kind: "unit", powers: { "m³": 0, l: -3 }, as: "unit" },
    { field: "valve", kind: "text", longest: 9, as: "valve", optional: true },
    { field: "at", kind: "instant" },
  ],
  identity: ["meter", "id"],
  content: ["volume"],
  key: { table: "t", number: "n", numbers: "f", columns: [{ column: "meter_id", of: "meterId" }] },
  count: "count",
  columns: [
    { column: "total", merge: "add", of: "volume", in: "unit" },
    { column: "valves", merge: "countBy", of: "valve" },
  ],
  shown: ["total", "count", "created_at"],
} as const satisfies StreamRules;
const stream = streamOf(rules);
const reading = { id: "1", meter: "m", volume: 1.5, valve: "open", at: "2026-01-15T10:20:00Z" };
const decode = (changes: object) => stream.decode(Buffer.from(JSON.stringify({ ...reading, ...changes })));

function decoded(changes: object) {
  const event = decode(changes);
  if (isRefusal(event)) throw new Error(`${event.refused} ${event.field}`);
  return event;
}

test("what is kept of an event has the names of the declaration, and what is absent is null or the first unit", () => {
  expect(decoded({})).toEqual({
    ...{ timeUs: Date.UTC(2026, 0, 15, 10, 20) * 1000, identity: "m\u00001" },
    ...{ meterId: "m", volume: 1.5, unit: "m³", valve: "open" },
  });
  expect(decoded({ id: null, valve: null })).toMatchObject({ identity: null, valve: null });
});

test.each([
  [{ unit: "toString" }, "unknown_unit unit"],
  [{ unit: "kWh" }, "unknown_unit unit"],
  [{ volume: 100.5 }, "out_of_range volume"],
  [{ id: 7 }, "wrong_type id"],
  [{ meter: undefined, volume: -1 }, "missing_field meter"],
  [{ at: null }, "missing_field at"],
])("%j is refused as %s", (changes, expected) => {
  const { refused, field } = { refused: null, field: null, ...decode(changes) };
  expect(`${refused} ${field}`).toBe(expected);
});

test("sums are in the unit whose power is 0, and equal content is equal in any unit", () => {
  const [a, b] = [decoded({ unit: "l", volume: 20 }), decoded({ volume: 0.02 })];
  expect(stream.contentOf(a)).toBe(stream.contentOf(b));
  const rows = stream.rows();
  for (const changes of [{ unit: "l", volume: 20 }, { volume: 0.02 }, { valve: "shut" }]) {
    decode(changes);
    rows.add(0, stream.reader);
  }
  expect(rows.parameters()).toEqual([["m"], [3], ["1.540000"], ['{"open":2,"shut":1}']]);
});

test.each([
  [{ key: { ...rules.key, columns: [{ column: "meter_id", of: "volume" }] } }, "a key that is no text"],
  [{ key: { ...rules.key, columns: [{ column: "meter_id", of: "meter" }] } }, "keeps no field as meter"],
  [{ columns: [{ column: "total", merge: "add", of: "energy" }] }, "keeps no field as energy"],
] as const)("a declaration that does not hold together is refused: %#", (changes, message) => {
  expect(() => streamOf({ ...rules, ...changes }).rows()).toThrow(message);
});
