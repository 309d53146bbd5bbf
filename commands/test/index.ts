// `npm test [-- FILTER]`: all tests in three lanes side by side, for two of them wait for servers half of the time; the
// third one checks and computes. What knows of days, hours and SQL runs once more in another time zone and on the
// PostgreSQL release that Aurora has, and some of it on the oldest one that is supported. Ends with the line `N passed, N failed`, counted from the runner's own reports.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm } from "node:fs/promises";
import { relative } from "node:path";

const FOLDER = ".local/test";
const filters = process.argv.slice(2);
const isWhole = filters.length === 0;

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
  if (isStopped) return Promise.resolve(false);
  console.log(`\n── ${name}`);
  return new Promise((resolve) => {
    // Two at once write whole lines, where each one alone on a terminal would draw over the other.
    const output = isWhole ? "pipe" : "inherit";
    const child = spawn(process.execPath, args, {
      stdio: ["inherit", output, output],
      env: { ...process.env, ...env },
    });
    child.stdout?.pipe(process.stdout, { end: false });
    child.stderr?.pipe(process.stderr, { end: false });
    child.once("close", (code) => resolve(code === 0));
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
  const ok = await run(name, ["node_modules/vitest/vitest.mjs", "run", ...args, ...reporters], env);
  if (!existsSync(file))
    return {
      passed: 0,
      failed: 1,
      failures: [`${name}: it ended before it had a report; the lines above say why`],
    };
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

// Ctrl-C reaches the children as well; they have servers to stop. No other part is started then.
let isStopped = false;
process.on("SIGINT", () => {
  isStopped = true;
});

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
      "commands",
    ],
  ],
];
const failedChecks: string[] = [];
const counts: Counts[] = [];

// What the local trigger and the servers do, and what is done when they go away, has nothing to do with days and hours:
// once is enough, in the zone that is the harder case. Commands print times: they are tried there, and not in UTC as well.
const onceInTirane = [
  ...[
    "batching",
    "broker",
    "command",
    "control",
    "delivery",
    "event",
    "failure",
    "fetch",
    "offline",
    "replay",
    "retry",
  ].map((what) => `esm-${what}`),
  ...["amend/command", "quarantine/command", "quarantine/export", "postgres/server-check"],
  "failures-command",
  "execution-",
  "start-command",
  "word-count",
  "localstack/",
  "pipeline/outages",
].map((path) => `tests/integration/${path}`);
/** What reads and writes times, and what PostgreSQL executes. */
const alsoInTirane = [
  ...["postgres/", "amend/", "quarantine/", "queries"].map((path) => `tests/integration/${path}`),
  "tests/faults/data.test",
];

async function usualLane(): Promise<void> {
  const exclude = onceInTirane.flatMap((path) => ["--exclude", `${path}*`, "--exclude", `${path}*/**`]);
  counts.push(await vitest("integration", ["--project", "integration", ...exclude], { TZ: "UTC" }));
}

/** The oldest release that is supported: each statement of the schema, and what people's commands ask. */
const onOldest = [
  ...["schema", "commit", "sweep", "months", "transaction"].map(
    (name) => `tests/integration/postgres/${name}.test`,
  ),
  "tests/integration/amend/amend.test",
  "tests/integration/queries",
  "tests/faults/data.test",
];

async function oldestPostgresRun(): Promise<void> {
  const environment = { TZ: "UTC", TEST_POSTGRES_RELEASE: "15" };
  counts.push(
    await vitest("integration on PostgreSQL 15", ["--project", "integration", ...onOldest], environment),
  );
}

async function tiraneLane(): Promise<void> {
  const paths = [...onceInTirane, ...alsoInTirane];
  counts.push(
    await vitest("integration in Europe/Tirane, on PostgreSQL 17", ["--project", "integration", ...paths], {
      TZ: "Europe/Tirane",
      TEST_POSTGRES_RELEASE: "17",
    }),
  );
}

async function computingLane(): Promise<void> {
  for (const [name, args] of checks) if (!(await run(name, args))) failedChecks.push(name);
  counts.push(await vitest("unit and deploy", ["--project", "unit", "--project", "deploy"], { TZ: "UTC" }));
  if (!(await run("deploy:check", ["commands/deploy-check/index.ts"]))) failedChecks.push("deploy:check");
  await oldestPostgresRun();
}

if (isWhole) {
  await Promise.all([computingLane(), usualLane(), tiraneLane()]);
  // By itself, for it takes all of the machine.
  counts.push(await vitest("chaos", ["--project", "chaos"], { TZ: "UTC" }));
} else counts.push(await vitest("all tests", filters, { TZ: "UTC" }));

const passed = counts.reduce((sum, count) => sum + count.passed, 0);
const failed = counts.reduce((sum, count) => sum + count.failed, 0) + failedChecks.length;
for (const failure of counts.flatMap((count) => count.failures)) console.log(`\nfailed in ${failure}`);
if (failedChecks.length > 0) console.log(`\nfailed: ${failedChecks.join(", ")}`);
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
