// Members of an object are found where JSON.parse finds them, and what it refuses is refused.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  ABSENT,
  ARRAY,
  BOOLEAN,
  JsonMembers,
  NULL,
  NUMBER,
  OBJECT,
  PLAIN_STRING,
  STRING,
} from "../../../lib/core/json-bytes.ts";
import { randomOf } from "../streams/mutated-records.ts";

const NAMES = ["a", "b", "ab", "place", "__proto__"];
const inner = new JsonMembers(["a", "x"]);
const members = new JsonMembers(NAMES, new Map([["place", inner]]));

function kindOf(value: unknown): number {
  if (value === null) return NULL;
  if (typeof value === "string") return STRING;
  if (typeof value === "number") return NUMBER;
  if (typeof value === "boolean") return BOOLEAN;
  return Array.isArray(value) ? ARRAY : OBJECT;
}

/** What the noted members hold; and for a member that is an object, what is noted of it. */
function noted(of: JsonMembers, bytes: Buffer, names: readonly string[]): unknown[] {
  return names.map((name, member) => {
    const kind = of.kinds[member];
    if (kind === ABSENT) return [name];
    const [from, to] = [of.starts[member], of.ends[member]];
    if (kind === STRING || kind === PLAIN_STRING) return [name, STRING, of.text(member)];
    const value: unknown = JSON.parse(bytes.toString("utf8", from, to));
    const within = name === "place" && kind === OBJECT ? noted(inner, bytes, ["a", "x"]) : null;
    return [name, kind, value, within];
  });
}

function expected(object: object, names: readonly string[]): unknown[] {
  return names.map((name) => {
    if (!Object.hasOwn(object, name)) return [name];
    const value: unknown = Object.getOwnPropertyDescriptor(object, name)?.value;
    if (typeof value === "string") return [name, STRING, value];
    const isPlace = name === "place" && kindOf(value) === OBJECT;
    return [name, kindOf(value), value, isPlace ? expected(Object(value), ["a", "x"]) : null];
  });
}

function check(text: string): void {
  const bytes = Buffer.from(text);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // JSON.parse throws for malformed text only.
    expect([text, members.scan(bytes)]).toEqual([text, "malformed_json"]);
    return;
  }
  if (kindOf(parsed) !== OBJECT) {
    expect([text, members.scan(bytes)]).toEqual([text, "not_an_object"]);
    return;
  }
  expect([text, members.scan(bytes)]).toEqual([text, null]);
  expect(noted(members, bytes, NAMES)).toEqual(expected(Object(parsed), NAMES));
  expect(members.hasWideBytes).toBe(bytes.length !== text.length);
}

const name = fc.constantFrom(...NAMES, "x", "c", "", "\u0000", "\u{1f600}", '"', "place ");
const scalar = fc.oneof(
  fc.constantFrom(null, true, false, 0, -0.5, 1e21, 12, "", "a", 'q"', "\\", "\u0007", "ü", "\ud800"),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.string({ unit: "binary" }),
);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof({ depthSize: "small" }, scalar, tie("object"), fc.array(tie("value"), { maxLength: 4 })),
  object: fc
    .array(fc.tuple(name, tie("value")), { maxLength: 6 })
    .map((entries) => Object.fromEntries(entries)),
}));
const spaces = fc.constantFrom<string | number>("", 1, "\t");

describe("members of an object", () => {
  test("are those that JSON.parse gives", () => {
    fc.assert(
      fc.property(value, spaces, (json, space) => check(JSON.stringify(json, null, space))),
      { numRuns: 5_000 },
    );
  });

  test("with the same name twice: the last one", () => {
    const pairs = fc.array(fc.tuple(name, scalar), { maxLength: 8 });
    fc.assert(
      fc.property(pairs, (entries) => {
        check(`{${entries.map(([key, one]) => `${JSON.stringify(key)}:${JSON.stringify(one)}`).join(",")}}`);
      }),
    );
    check('{"place":{"a":1,"x":2},"place":{"x":3}}');
    check('{"place":{"a":1},"place":7}');
    check('{"place":{"a":1},"place":null}');
    check('{"\\u0061":1,"pl\\u0061ce":{"\\u0078":2}}');
  });

  test("of text with a byte too many, too few or changed: taken where JSON.parse takes it", () => {
    const random = randomOf(7);
    const signs = '{}[]":,\\ \t\n0123456789.-+eEtrufalsn/x\u0000\u001f\u007f';
    const whole = '{"a":"x\\u00e9\\n","b":[1.5e-3,{"c":[]},true],"place":{"a":-0,"x":null},"ab":false}';
    for (let i = 0; i < 60_000; i++) {
      const at = random(whole.length);
      const sign = signs[random(signs.length)] ?? "";
      check(whole.slice(0, at) + (i % 3 === 0 ? "" : sign) + whole.slice(at + (i % 3 === 1 ? 0 : 1)));
    }
    for (let end = 0; end < whole.length; end++) check(whole.slice(0, end));
  });

  test("however deep it nests", () => {
    const depth = 100_000;
    for (const [open, close] of [
      ["[", "]"],
      ['{"a":', "}"],
    ] as const) {
      const text = (more: number) => `{"b":${open.repeat(depth)}0${close.repeat(depth + more)}}`;
      expect(members.scan(Buffer.from(text(0)))).toBeNull();
      expect(members.scan(Buffer.from(text(-1)))).toBe("malformed_json");
      expect(members.scan(Buffer.from(text(1)))).toBe("malformed_json");
    }
  });

  test.each([
    "\ufeff{}",
    "",
    " ",
    "{} {}",
    "nul",
    "{'a':1}",
    '{"a":1,}',
    '{"a" 1}',
    "{,}",
    '{"a":01}',
    '{"a":"\n"}',
  ])("of %j are none", (text) => check(text));
});
