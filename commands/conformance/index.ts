// `npm run conformance`: writes docs/event-source-mapping.md from the rules and from the names of the tests that show
// them ("rule 4, rule 6: …"). A test of its own fails where the file is not what would be written.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Rule, rules } from "./rules.ts";

const ROOT = join(import.meta.dirname, "../..");
export const CONFORMANCE_FILE = join(ROOT, "docs/event-source-mapping.md");
const TEST_FOLDERS = ["tests/integration", "tests/unit"] as const;

export interface ShownBy {
  readonly rules: readonly number[];
  readonly name: string;
  /** From the root, e.g. `tests/unit/esm-batch.test.ts`. */
  readonly file: string;
}

/** The tests in a file's text whose names begin with rules; names are plain literals. */
export function testsIn(text: string, file: string): ShownBy[] {
  const named = /(?:\btest|\))\(\s*(["'`])((?:rule \d+(?:, )?)+): (.*?)\1,\s/gs;
  return [...text.matchAll(named)].map(([, , numbers = "", name = ""]) => ({
    rules: [...numbers.matchAll(/\d+/g)].map(Number),
    name,
    file,
  }));
}

function readTests(): ShownBy[] {
  return TEST_FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder))
      .filter((name) => /^esm-.*\.test\.ts$/.test(name))
      .sort()
      .flatMap((name) => testsIn(readFileSync(join(ROOT, folder, name), "utf8"), `${folder}/${name}`)),
  );
}

const escaped = (text: string) => text.replaceAll("|", "\\|").replaceAll("\n", " ");

function rowOf(rule: Rule, tests: readonly ShownBy[]): string {
  const shown = tests.filter((test) => test.rules.includes(rule.number));
  const isShown = rule.needsNoBroker
    ? shown.length > 0
    : shown.some((test) => test.file.startsWith("tests/integration/"));
  if (!isShown)
    throw new Error(
      `rule ${rule.number}: no ${rule.needsNoBroker ? "" : "integration "}test is named after it ("rule ${rule.number}: …")`,
    );
  const byFile = Map.groupBy(shown, (test) => test.file);
  const cell = [...byFile].map(
    ([file, all]) =>
      `[${file.replace(/^tests\/(.*)\.test\.ts$/, "$1")}](../${file}): ${all.map(({ name }) => name).join("; ")}`,
  );
  const cells = [
    String(rule.number),
    rule.basis,
    rule.says,
    cell.join("<br>"),
    rule.differences || "none known",
  ];
  return `| ${cells.map(escaped).join(" | ")} |`;
}

/** @throws Error for a rule without its test, and for a test that names a rule that there is not */
export function conformanceTable(tests: readonly ShownBy[]): string {
  const unknown = tests.find((test) => test.rules.some((n) => !rules.some(({ number }) => number === n)));
  if (unknown !== undefined)
    throw new Error(`${unknown.file}: "${unknown.name}" names a rule that there is not: ${unknown.rules}`);
  const head =
    "| Rule | Basis | In short | Shown by | Known differences from AWS |\n| --: | :-- | :-- | :-- | :-- |";
  return [head, ...rules.map((rule) => rowOf(rule, tests))].join("\n");
}

/** The whole file. */
export function conformance(tests: readonly ShownBy[] = readTests()): string {
  return `# The Kafka trigger on one machine: conformance to AWS's event source mapping

<!-- Written by \`npm run conformance\` from the tests' names and commands/conformance/rules.ts: change those. -->

\`localstack/event-source-mapping\` reads topics and invokes functions as AWS's event source mapping does, by the rules
below. Basis: **D**, AWS's documentation says so; **T**, seen in types or tests of a library that AWS maintains; **J**,
AWS does not say: then the case that is harder for the function was chosen. Tests under \`integration\` run on a real broker.

${conformanceTable(tests)}
`;
}

if (import.meta.main) {
  writeFileSync(CONFORMANCE_FILE, conformance());
  console.log(`${CONFORMANCE_FILE}: ${rules.length} rules`);
}
