// docs/event-source-mapping.md is what the tests' names say.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CONFORMANCE_FILE, conformance, testsIn } from "../../commands/conformance/index.ts";
import { rules } from "../../commands/conformance/rules.ts";

test("the committed table is the generated one (npm run conformance), and no rule is without a test", () => {
  expect(readFileSync(CONFORMANCE_FILE, "utf8")).toBe(conformance());
});

test("rules 1 to 26 are there, in order", () => {
  expect(rules.map(({ number }) => number)).toEqual(Array.from({ length: 26 }, (_, i) => i + 1));
});

const everyRule = rules.map(({ number }) => ({
  rules: [number],
  name: "t",
  file: "tests/integration/e.test.ts",
}));
test("a rule without a test is refused, one with unit tests only as well, and so is an unknown one", () => {
  expect(() => conformance(everyRule)).not.toThrow();
  expect(() => conformance(everyRule.slice(1))).toThrow("rule 1: no integration test");
  const inUnit = everyRule.map((one) => ({ ...one, file: "tests/unit/e.test.ts" }));
  expect(() => conformance([...inUnit.slice(0, 1), ...everyRule.slice(1)])).toThrow(
    "rule 1: no integration test",
  );
  expect(() => conformance([...everyRule, { rules: [27], name: "t", file: "f" }])).toThrow("27");
});

test("names are found however the test is written, those of describe() are not", () => {
  const text = `
describe("rule 9: not a test", () => {
  test("rule 1, rule 22: plain and 'quoted'", async () => {});
  test.each([[1], [2]])("rule 3: %s", () => {});
  test.each([
    ["a", "b"],
  ])(
    "rule 4: on a line of its own",
    async (a) => {},
  );
  test("no rule", () => {});
});`;
  expect(testsIn(text, "f").map((one) => [one.rules, one.name])).toEqual([
    [[1, 22], "plain and 'quoted'"],
    [[3], "%s"],
    [[4], "on a line of its own"],
  ]);
});
