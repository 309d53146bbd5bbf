// `npm test [-- FILTER]`: lint, types and dead code, then all tests, and what knows of days, hours and SQL once more in
// another time zone and on the PostgreSQL release that Aurora has. Ends with the line `N passed, N failed`, counted from the runner's own reports.

import { spawn } from "node:child_process";
import { mkdir, readFile, rm } from "node:fs/promises";
import { relative } from "node:path";

const FOLDER = ".local/test";
const filters = process.argv.slice(2);

if (filters.includes("--help") || filters.includes("-h")) {
  console.log(
    [
      "Usage: npm test [-- FILTER…]",
      "",
      "Without a filter: lint, types and dead code, then all tests.",
      "With filters: the tests in files whose path contains one of them, such as `npm test -- quarantine`.",
      "Options such as -t NAME go to vitest. Exit codes: 0 nothing failed; 1 something did.",
    ].join("\n"),
  );
  process.exit();
}

function run(
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<boolean> {
  console.log(`\n── ${name}`);
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { stdio: "inherit", env: { ...process.env, ...env } });
    // Ctrl-C reaches the child as well; it is the child that has servers to stop.
    process.on("SIGINT", () => undefined);
    child.once("exit", (code) => resolve(code === 0));
  });
}

interface Counts {
  readonly passed: number;
  readonly failed: number;
  /** What failed and why, to be said once more at the very end, where the last screen of a log still shows it. */
  readonly failures: readonly string[];
}

/** The part of the runner's own report that is read here. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numFailedTestSuites: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

function failuresOf(run: string, report: Report): string[] {
  return report.testResults.flatMap(({ name, status, message, assertionResults }) => {
    const where = `${run}: ${relative(".", name)}`;
    const failed = assertionResults.filter((test) => test.status === "failed");
    if (status === "failed" && failed.length === 0) return [`${where}\n${message}`];
    return failed.map((test) => `${where}: ${test.fullName}\n${test.failureMessages.join("\n")}`);
  });
}

async function vitest(
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Counts> {
  const file = `${FOLDER}/${name.replaceAll(/\W+/g, "-")}.json`;
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
  const ok = await run(
    name,
    ["node_modules/vitest/vitest.mjs", "run", ...args, ...reporters, ...filters],
    env,
  );
  const report: Report = JSON.parse(await readFile(file, "utf8"));
  const failures = failuresOf(name, report);
  if (!ok && failures.length === 0)
    failures.push(`${name}: an error outside of all tests; the runner says it above, under its files`);
  // A file that does not load has no test that could fail, and an error outside of tests fails the run.
  const failed = Math.max(report.numFailedTests, report.numFailedTestSuites > 0 || !ok ? 1 : 0);
  return { passed: report.numPassedTests, failed, failures };
}

// vitest takes a module's path for a URL, here and there. The product itself runs in such a folder.
if (/[#?%]/.test(process.cwd())) {
  console.log(`\nfailed: vitest does not run in a folder with #, ? or % in its path: ${process.cwd()}`);
  console.log("\n0 passed, 1 failed");
  process.exit(1);
}

await rm(FOLDER, { recursive: true, force: true });
await mkdir(FOLDER, { recursive: true });

const checks: [string, string[]][] = [
  ["lint", ["node_modules/@biomejs/biome/bin/biome", "check", "--error-on-warnings", "."]],
  ["types", ["node_modules/typescript/bin/tsc", "--noEmit"]],
  ["dead code", ["node_modules/knip/bin/knip.js"]],
  [
    "import rules",
    [
      "node_modules/dependency-cruiser/bin/dependency-cruise.mjs",
      "functions",
      "lib",
      "localstack",
      "demo",
      "replay",
      "chaos",
      "cost",
      "scripts",
    ],
  ],
];
const failedChecks: string[] = [];
if (filters.length === 0)
  for (const [name, args] of checks) if (!(await run(name, args))) failedChecks.push(name);

// What the local trigger and the servers do, and what is done when they go away, has nothing to do with days and hours:
// once is enough, in the zone that is the harder case. All else runs in both.
const onceInTirane = [
  "tests/integration/{esm-*,failures-command*,execution-*,start-command*,word-count*}",
  "tests/integration/localstack/**",
  "tests/integration/pipeline/outages*",
];
const isWhole = filters.length === 0;
const counts = [
  await vitest("all tests", isWhole ? onceInTirane.flatMap((pattern) => ["--exclude", pattern]) : [], {
    TZ: "UTC",
  }),
];
if (isWhole)
  counts.push(
    await vitest("integration in Europe/Tirane, on PostgreSQL 17", ["--project", "integration"], {
      TZ: "Europe/Tirane",
      TEST_POSTGRES_RELEASE: "17",
    }),
  );

// Last, for it takes packages of Python's and builds the functions anew.
if (filters.length === 0 && !(await run("deploy:check", ["scripts/deploy-check.ts"])))
  failedChecks.push("deploy:check");

const passed = counts.reduce((sum, count) => sum + count.passed, 0);
const failed = counts.reduce((sum, count) => sum + count.failed, 0) + failedChecks.length;
for (const failure of counts.flatMap((count) => count.failures)) console.log(`\nfailed in ${failure}`);
if (failedChecks.length > 0) console.log(`\nfailed: ${failedChecks.join(", ")}`);
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
