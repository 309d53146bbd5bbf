// Values mended by hand: what is set changes, and no other byte of the record does.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { constantLines } from "../../../commands/quarantine/constants.ts";
import { parseAssignments } from "../../../lib/quarantine/assignment.ts";
import { setFields } from "../../../lib/quarantine/edit.ts";

const edit = (value: string, ...assignments: string[]) =>
  setFields(Buffer.from(value), parseAssignments(assignments));
const set = (value: string, ...assignments: string[]) => edit(value, ...assignments).value.toString();

describe("setting fields", () => {
  test("takes JSON where it is JSON and text where it is not, and leaves the others as they are", () => {
    expect(set('{"a":1,"b":"x"}', "b=2.5", "c=kWh", 'd="7"', "e=a=b", "f=null")).toBe(
      '{"a":1,"b":2.5,"c":"kWh","d":"7","e":"a=b","f":null}',
    );
  });

  test.each([
    [
      "digits beyond a double",
      '{"id":1234567890123456789,"unit":"kwh"}',
      '{"id":1234567890123456789,"unit":"kWh"}',
    ],
    [
      "a number's own writing",
      '{"a":1.50,"b":1E2,"c":-0.0,"unit":"x"}',
      '{"a":1.50,"b":1E2,"c":-0.0,"unit":"kWh"}',
    ],
    [
      "white space and escapes",
      ' {\n\t"a" : "\\u00e9\\"}{" , "unit" : "x" }\r\n',
      ' {\n\t"a" : "\\u00e9\\"}{" , "unit" : "kWh" }\r\n',
    ],
    ["of duplicate names the one that counts", '{"unit":"a","unit":"b"}', '{"unit":"a","unit":"kWh"}'],
    ["a name that is escaped", '{"\\u0075nit":"a"}', '{"\\u0075nit":"kWh"}'],
    [
      "nested values of the same name",
      '{"m":{"unit":"a"},"l":[{"unit":1}],"unit":[1,{"a":"]"}]}',
      '{"m":{"unit":"a"},"l":[{"unit":1}],"unit":"kWh"}',
    ],
    ["an empty object", " { } ", ' { "unit":"kWh"} '],
    ["a new field, behind the last one", '{"a":1 }', '{"a":1,"unit":"kWh" }'],
  ])("keeps %s", (_, before, after) => {
    expect(set(before, "unit=kWh")).toBe(after);
  });

  test("keeps a constant's digits, too", () => {
    expect(set("{}", "a=1.50", "b=1234567890123456789")).toBe('{"a":1.50,"b":1234567890123456789}');
  });

  test("of any JSON object changes that field and nothing else", () => {
    const text = fc.json().filter((json) => json.startsWith("{"));
    const spaced = fc.tuple(text, fc.constantFrom(undefined, 1, "\t"), fc.string({ minLength: 1 }));
    fc.assert(
      fc.property(spaced, ([json, space, name]) => {
        fc.pre(!/[.=]/.test(name));
        const before = JSON.stringify(JSON.parse(json), null, space);
        const after = JSON.parse(set(before, `${name}=[1,"}"]`));
        const expected = JSON.parse(before);
        Object.defineProperty(expected, name, {
          value: [1, "}"],
          enumerable: true,
          configurable: true,
          writable: true,
        });
        expect(after).toEqual(expected);
      }),
    );
  });

  test("sets what stands inside an object, as the reason names it", () => {
    const value = '{"location":{"lat":413.3,"lon":19.80},"a.b":1}';
    expect(set(value, "location.lat=41.3", "a.b=2")).toBe('{"location":{"lat":41.3,"lon":19.80},"a.b":2}');
    expect(set(value, "location.height=7")).toBe('{"location":{"lat":413.3,"lon":19.80,"height":7},"a.b":1}');
    expect(() => set("{}", "location.lat=1")).toThrow("neither a field location.lat nor an object location");
  });

  test("makes __proto__ a field like any other", () => {
    expect(set('{"__proto__":1}', "__proto__=2", "refused=1")).toBe('{"__proto__":2,"refused":1}');
  });

  test("of what is no JSON object is refused", () => {
    for (const value of ["{", "[]", "7", ""]) expect(() => set(value, "a=1")).toThrow("not a JSON object");
    expect(() => setFields(null, parseAssignments(["a=1"]))).toThrow("not a JSON object");
    expect(() => set("{}", "a")).toThrow("expected field=value");
    expect(() => set("{}", "a=1", "a=2")).toThrow("a is given twice");
  });
});

describe("a value from the record itself", () => {
  const from = (json: string, form: string) =>
    set(`{"x":${json}}`, `y=${form}`).slice(`{"x":${json},"y":`.length, -1);

  test.each([
    ['"12.5"', "number(x)", "12.5"],
    ['" 0012.50 "', "number(x)", "12.50"],
    ['"+.5"', "number( x )", "0.5"],
    ['"-3."', "number(x)", "-3"],
    ['"1.5e3"', "number(x)", "1.5e3"],
    ['"12,5"', "number(x, ',')", "12.5"],
    ['"12,5"', "number(x,,)", "12.5"],
    ['"7"', 'number(x, ",")', "7"],
    ["1234567890123456789", "number(x)", "1234567890123456789"],
    ["1234567890123456789", "text(x)", '"1234567890123456789"'],
    ["1234567890123456780", "text(x)", '"1234567890123456780"'],
    ["-12.50", "text(x)", '"-12.50"'],
    ['"\\u0041"', "text(x)", '"\\u0041"'],
    ['{"a":1.0}', "copy(x)", '{"a":1.0}'],
    ["1768471200", "time(x, s)", '"2026-01-15T10:00:00.000000Z"'],
    ['"1768471200.1234567"', "time(x, s)", '"2026-01-15T10:00:00.123456Z"'],
    ["1768471200123", "time(x, ms)", '"2026-01-15T10:00:00.123000Z"'],
    ["1768471200123456", "time(x, us)", '"2026-01-15T10:00:00.123456Z"'],
    ["1768471200123456789", "time(x, 'ns')", '"2026-01-15T10:00:00.123456Z"'],
  ])("%s by %s is %s", (json, form, after) => {
    expect(from(json, form)).toBe(after);
  });

  test.each([
    ['"12,5"', "number(x)", "not a number with a decimal point; number(x, ',') takes a comma"],
    ['"1.234,5"', "number(x, ',')", "not a number with a decimal comma"],
    ['"1,234,5"', "number(x, ',')", "not a number with a decimal comma"],
    ['"12.5"', "number(x, ',')", "not a number with a decimal comma"],
    ['""', "number(x)", "not a number"],
    ['"."', "number(x)", "not a number"],
    ['"0x10"', "number(x)", "not a number"],
    ['"12 kWh"', "number(x)", "not a number"],
    ["null", "number(x)", "neither a number nor text"],
    ["7.22E+13", "text(x)", "whose exponent hides its digits"],
    ["true", "text(x)", "neither text nor a number"],
    ["{}", "text(x)", "neither text nor a number"],
    ['"yesterday"', "time(x, s)", "not a number"],
    ["-5", "time(x, s)", "not a number of s since 1970"],
    ["99999999999999999999", "time(x, us)", "not a number of us since 1970"],
    ["1", "number(z)", "it has no field z"],
  ])("%s by %s is refused: %s", (json, form, why) => {
    expect(() => from(json, form)).toThrow(why);
  });

  test("is its own field's or another's, as it came, whatever else is set", () => {
    expect(set('{"a":"1","b":"2"}', "a=number(b)", "b=number(a)")).toBe('{"a":2,"b":1}');
  });

  test("a form that there is not is no text by mistake; in quotation marks it is text", () => {
    for (const form of ["numbr(x)", "number(x, ';')", "time(x)", "text(x, 1)"])
      expect(() => set('{"x":"1"}', `y=${form}`)).toThrow("no such form");
    expect(set("{}", 'y="numbr(x)"')).toBe('{"y":"numbr(x)"}');
  });
});

describe("one constant for several records", () => {
  const lines = (assignments: string[], ...values: string[]) => {
    const parsed = parseAssignments(assignments);
    return constantLines(
      parsed,
      values.map((value) => setFields(Buffer.from(value), parsed)),
    );
  };

  test("is said with how many get it and what they had", () => {
    expect(lines(["reading=1.5"], '{"reading":"1"}', '{"reading":"2"}', "{}", '{"reading":"1"}')).toEqual([
      '4 records get the same reading 1.5, in place of "1" (2), "2" (1), none (1)',
    ]);
  });

  test("is none where it changes one record at most, or is taken from each", () => {
    expect(lines(["reading=1.5"], '{"reading":"1"}')).toEqual([]);
    expect(lines(["unit=kWh"], '{"unit":"kWh"}', '{"unit":"kWh"}', '{"unit":"x"}')).toEqual([]);
    expect(lines(["reading=number(reading)"], '{"reading":"1"}', '{"reading":"2"}')).toEqual([]);
  });

  test("shows no more than a line holds, and nothing that moves the cursor", () => {
    const values = Array.from({ length: 9 }, (_, i) => `{"a":"${i}${"x".repeat(90)}\\u001b\u0085"}`);
    const [line] = lines(["a=1"], ...values);
    expect(line).toMatch(/…/);
    expect(line).toContain("and 4 other values");
    expect(line).not.toMatch(/\p{C}/u);
  });
});
