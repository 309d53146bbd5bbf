// Filter criteria by the table in AWS's documentation: string or JSON data against string or JSON patterns.

import { describe, expect, test } from "vitest";
import { compileFilter, PatternError } from "../../localstack/event-source-mapping/filter.ts";

const passes = (pattern: unknown, value: unknown) =>
  compileFilter([JSON.stringify({ value: pattern })])(
    Buffer.from(typeof value === "string" ? value : JSON.stringify(value)),
  );

describe("rule 20: filter criteria", () => {
  test("rule 20: without patterns everything passes; with several, any one suffices", () => {
    expect(compileFilter([])(null)).toBe(true);
    const either = compileFilter(['{"value":{"a":[1]}}', '{"value":{"b":[2]}}']);
    expect(either(Buffer.from('{"b":2}'))).toBe(true);
    expect(either(Buffer.from('{"b":3}'))).toBe(false);
  });

  test("rule 20: string against JSON pattern, JSON against string pattern, null and non-UTF-8 are dropped", () => {
    expect(passes(["plain"], "plain")).toBe(true);
    expect(passes(["plain"], "other")).toBe(false);
    expect(passes({ a: [1] }, "plain")).toBe(false);
    expect(passes(["plain"], { a: 1 })).toBe(false);
    const any = compileFilter(['{"value":[{"exists":true}]}']);
    expect(any(Buffer.from("text"))).toBe(true);
    expect(any(Buffer.from('{"a":1}'))).toBe(false);
    expect(passes({ a: [{ exists: false }] }, "plain")).toBe(false);
    expect(any(Buffer.from([0xff, 0xfe]))).toBe(false);
    expect(any(null)).toBe(false);
  });

  test.each([
    [{ a: ["x"] }, { a: "x" }, { a: "y" }],
    [{ a: [1, null] }, { a: null }, { a: 2 }],
    [{ a: [true] }, { a: true }, { a: "true" }],
    [{ a: [{ prefix: "ab" }] }, { a: "abc" }, { a: "cab" }],
    [{ a: [{ suffix: "ab" }] }, { a: "cab" }, { a: "abc" }],
    [{ a: [{ "equals-ignore-case": "AB" }] }, { a: "aB" }, { a: "abc" }],
    [{ a: [{ "anything-but": ["x", "y"] }] }, { a: "z" }, { a: "x" }],
    [{ a: [{ "anything-but": "x" }] }, { a: "z" }, { a: "x" }],
    [{ a: [{ "anything-but": [1, 2] }] }, { a: 3 }, { a: 2 }],
    [{ a: [{ "anything-but": { prefix: "x" } }] }, { a: "z" }, { a: "xy" }],
    [{ a: [{ "anything-but": { suffix: "x" } }] }, { a: "z" }, { a: "yx" }],
    [{ a: [{ "anything-but": { "equals-ignore-case": "x" } }] }, { a: "z" }, { a: "X" }],
    [{ a: [{ "anything-but": ["x"] }] }, { a: "y" }, { b: "y" }],
    [{ a: [""] }, { a: "" }, { a: "x" }],
    [{ a: [false] }, { a: false }, { a: 0 }],
    [{ a: [{ numeric: ["<", 3] }] }, { a: 2.5 }, { a: 3 }],
    [{ a: [{ numeric: ["<=", 3] }] }, { a: 3 }, { a: 3.1 }],
    [{ a: [{ numeric: [">=", 3, "<", 4] }] }, { a: 3 }, { a: 4 }],
    [{ a: [{ exists: true }] }, { a: null }, { a: { b: 1 } }],
    [{ a: [{ exists: false }] }, { a: { b: 1 } }, { a: null }],
    [
      { a: [1], $or: [{ b: [{ numeric: [">", 5] }] }, { c: ["x"] }] },
      { a: 1, c: "x" },
      { a: 1, b: 5 },
    ],
    [[{ prefix: "ab" }], "abc", "cab"],
    [[{ "equals-ignore-case": "AB" }], "ab", "abc"],
    [{ a: [{ numeric: ["=", 3] }] }, { a: 3 }, { a: "3" }],
    [{ a: [{ numeric: [">", 0, "<=", 5] }] }, { a: 5 }, { a: 0 }],
    [{ a: [{ exists: true }] }, { a: 0 }, { b: 0 }],
    [{ a: [{ exists: false }] }, { b: 0 }, { a: 0 }],
    [{ a: { b: ["x"] } }, { a: { b: "x" } }, { a: "x" }],
    [{ a: ["x"] }, { a: ["w", "x"] }, { a: ["w"] }],
    [{ $or: [{ a: [1] }, { b: [2] }] }, { b: 2 }, { a: 2 }],
    [{ a: [1], b: [2] }, { a: 1, b: 2 }, { a: 1 }],
  ])("rule 20: %j passes %j and drops %j", (pattern, good, bad) => {
    expect(passes(pattern, good)).toBe(true);
    expect(passes(pattern, bad)).toBe(false);
  });

  test.each([
    ["no json"],
    ["[]"],
    ['{"key":["a"]}'],
    ['{"value":{"a":1}}'],
    ['{"value":{"a":[{"cidr":"10.0.0.0/8"}]}}'],
    ['{"value":{"a":[{"numeric":["~",1]}]}}'],
    ['{"value":{"a":[]}}'],
    ['{"value":{"a":[{"anything-but":{"numeric":["=",1]}}]}}'],
    ['{"value":{"a":[{"prefix":"a","suffix":"b"}]}}'],
    ['{"value":{"a":[{"exists":"yes"}]}}'],
    ['{"value":{"$or":{}}}'],
    [`{"value":["${"x".repeat(4096)}"]}`],
  ])("rule 20: refused at start: %s", (text) => {
    expect(() => compileFilter([text])).toThrow(PatternError);
  });

  test("rule 20: at most five patterns", () => {
    expect(() => compileFilter(Array(6).fill('{"value":["a"]}'))).toThrow("6 patterns; at most 5");
  });
});
