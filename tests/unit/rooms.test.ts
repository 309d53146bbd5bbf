// The rooms of the code: ARCHITECTURE.md's table says what .dependency-cruiser.cjs holds, and each rule finds a wrong import.
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { cruise, type ICruiseResult, type IForbiddenRuleType } from "dependency-cruiser";
import { expect, test } from "vitest";

const forbidden: readonly IForbiddenRuleType[] = createRequire(import.meta.url)(
  "../../.dependency-cruiser.cjs",
).forbidden;

/** `lib/core may import lib/config` and so on, as the rules' comments say it. */
const allowed = new Map(
  forbidden
    .filter(({ name }) => name?.startsWith("imports-of-"))
    .map(({ comment }) => {
      const [room = "", others = ""] = (comment ?? "").split(" may import ");
      return [room, others === "no other room" ? [] : others.split(", ")];
    }),
);

test("ARCHITECTURE.md's table of rooms says what the rules hold", async () => {
  const text = await readFile("ARCHITECTURE.md", "utf8");
  const rows = [...text.matchAll(/^\| `([^`]+)` +\|.*\| ([^|]+?) +\|$/gm)];
  const table = new Map(rows.map(([, room = "", others = ""]) => [room, others]));
  for (const [room, others] of allowed)
    expect(table.get(room), room).toBe(
      others.map((other) => other.replace("lib/", "")).join(", ") || "nothing",
    );
});

/** A wrong import for each rule, in the order of the rules: from which file, of which other one. */
function planted(): [rule: string, from: string, to: string][] {
  const rooms = [...allowed].map(([room, others]): [string, string, string] => {
    const candidates = ["commands/x", "lib/http", "lib/weather"];
    const wrong = candidates.find((one) => one !== room && !others.some((other) => one.startsWith(other)));
    return [`imports-of-${room}`, `${room}/planted/planted.ts`, `${wrong}/target.ts`];
  });
  return [
    ["no-circular", "commands/x/one.ts", "commands/x/two.ts"],
    ...rooms,
    ["a-function-is-an-end", "functions/one/index.ts", "functions/two/index.ts"],
    ["core-and-streams-are-pure", "lib/streams/library.ts", "node_modules/pg/index.js"],
    ["kafkajs-in-one-room", "lib/audit/client.ts", "node_modules/kafkajs/index.js"],
    ["lib-has-no-terminal", "lib/amend/terminal.ts", "node_modules/commander/index.js"],
    ["the-oracle-is-independent", "commands/chaos/oracle.ts", "lib/core/target.ts"],
    ["cost-is-a-model", "commands/cost/bill.ts", "lib/core/target.ts"],
  ];
}

test("each rule finds a wrong import", async () => {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "smartgrid-test-rooms-")));
  try {
    const write = async (path: string, text: string) => {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text, { flag: "a" });
    };
    for (const [, from, to] of planted()) {
      await write(to, "export {};\n");
      await write(from, `import ${JSON.stringify(join(folder, to))};\n`);
    }
    await write("commands/x/two.ts", 'import "./one.ts";\n');
    const { output } = await cruise(["functions", "lib", "localstack", "examples", "infra", "commands"], {
      baseDir: folder,
      ruleSet: { forbidden: [...forbidden] },
      validate: true,
      tsPreCompilationDeps: true,
      doNotFollow: { path: "node_modules" },
    });
    const { violations } = (output as ICruiseResult).summary;
    const found = new Map(violations.map(({ rule, from }) => [rule.name, from]));
    expect([...found.keys()].sort()).toEqual(forbidden.map(({ name }) => name ?? "").sort());
    for (const [rule, from] of planted())
      if (rule !== "no-circular")
        expect(violations.map((v) => [v.rule.name, v.from])).toContainEqual([rule, from]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
