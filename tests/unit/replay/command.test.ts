// The command as people run it, without a pipeline: what it shows, and with which code it ends.
import { execFile } from "node:child_process";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { fileOf } from "./reading-files.ts";

const SCRIPT = fileURLToPath(new URL("../../../commands/replay/index.ts", import.meta.url));
const MAP = "meter_id=Meter,reading=Energy,timestamp=When";

/** The last argument may be variables of the environment; no `npm start` runs. */
function run(
  ...args: (string | Record<string, string>)[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  const variables = args.filter((arg) => typeof arg !== "string");
  const texts = args.filter((arg) => typeof arg === "string");
  const env = { ...process.env, SMARTGRID_FOLDER: tmpdir(), ...variables[0] };
  return new Promise((resolve) => {
    execFile(process.execPath, [SCRIPT, ...texts], { env }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr });
    });
  });
}

test.each([
  ["complete", "2026-01-01T00:00Z,m,1", [], 0, "m: 1 event, 1 kWh"],
  ["skipped", "2026-01-01T00:00Z,m,1\n2026-01-01T01:00Z,m,", [], 4, "skipped 1 × Energy is missing: line 3"],
  ["skipped, and allowed", "2026-01-01T00:00Z,m,1\n2026-01-01T01:00Z,m,", ["--allow-skipped"], 0, "line 3"],
  ["doubted", '2026-01-01T00:00Z,m,"1,5"', [], 3, "DOUBT Energy: a decimal comma"],
  ["answered", '2026-01-01T00:00Z,m,"1,5"', ["--decimal", ","], 0, "m: 1 event, 1.5 kWh"],
  ["accepted", "2026-01-01T00:00Z,m,-1", ["--accept", "negative"], 0, "accepted (negative)"],
  ["nothing to send", "2026-01-01T00:00Z,m,", [], 1, "skipped 1"],
])("--dry-run: %s", async (_, rows, options, code, text) => {
  const result = await run(fileOf(`When,Meter,Energy\n${rows}\n`), "--map", MAP, "--dry-run", ...options);
  expect([result.code, result.stdout]).toEqual([code, expect.stringContaining(text)]);
});

test("--format auto says that it knows no layout, and how the file begins", async () => {
  const result = await run(fileOf("When,Meter,Energy\n"), "--dry-run");
  expect([result.code, result.stderr]).toEqual([
    1,
    expect.stringMatching(/no layout.*--map.*When,Meter,Energy/),
  ]);
});

const TABLE = "When,Meter,Energy\n2026-01-01T00:00Z,m,1\n";

test.each([
  [["--map", "meter_id=a,meter_id=b"], "meter_id is given twice"],
  [["--map", "meter_id=a,reading=b,timestamp=c,zone=Europe/Tirana"], "did you mean Europe/Tirane?"],
  [["--map", "meter_id=a,reading=b,timestamp=c,zone=Mars"], 'no zone "Mars"; expected such as Europe/Paris'],
  [["--zone", "Europe/Pariss"], "did you mean Europe/Paris?"],
  [["--interval", "15 parsecs"], "Expected a length such as 15m"],
  [["--shift", "soon"], "Expected now, none or a number of days"],
  [["--date-pattern", "epoch-d"], "expected epoch-s, epoch-ms"],
  [["--accept", "everything"], "Expected some of decimal"],
  [["--format", "nem13"], "Allowed choices are auto"],
  [["--nonsense"], "unknown option '--nonsense'"],
  [["--format", "csv"], "--format csv needs --map, such as"],
  [["--format", "half-hourly", "--decimal", ","], "--decimal is for tables"],
  [["--map", MAP, "--stamp", "end"], "--stamp end needs the interval's length"],
  [["--map", "meter_id=Meter,reading=Power,timestamp=When"], "no column Power; it has When, Meter, Energy"],
  [["--map", "meter_id=Meter,reading=Energy,timestamp=When", "--where", "Kind=A"], "no column Kind"],
  [["--map", "reading=Energy,timestamp=When"], "name the meter by --meter"],
  [["--map", "meter_id=Meter,reading=Energy,unit='kW',timestamp=When"], "say --interval"],
])("%j are wrong options", async (options, message) => {
  const result = await run(fileOf(TABLE), ...options);
  expect([result.code, result.stderr]).toEqual([2, expect.stringContaining(message)]);
});

test.each([
  ["no-such-file.csv", "there is no file no-such-file.csv: check its name"],
  [fileOf(""), "is empty: is the download or the export complete?"],
  [fileOf("\n\n"), "it is empty, or has blank lines only"],
  [`${fileOf("x")}/y.csv`, "a part of this path is a file, not a directory"],
  [fileURLToPath(new URL(".", import.meta.url)), "is a directory: name a file in it"],
])("%s cannot be read, which is said with what to do", async (file, message) => {
  const result = await run(file, "--map", MAP, "--dry-run");
  expect([result.code, result.stderr]).toEqual([1, expect.stringContaining(message)]);
});

test("--dry-run says that it could not ask a pipeline, and why", async () => {
  const result = await run(fileOf(TABLE), "--map", MAP, "--dry-run");
  expect(result.stdout).toMatch(
    /sent without a shift[\s\S]*the pipeline could not be asked whether it counts these times, nor whether these meters were sent before: no pipeline is running/,
  );
  const refused = await run(fileOf(TABLE), "--map", MAP, "--dry-run", {
    ...{ POSTGRES_HOST: "127.0.0.1", POSTGRES_PORT: "1", POSTGRES_PASSWORD: "x" },
  });
  expect([refused.code, refused.stdout]).toEqual([0, expect.stringContaining("PostgreSQL 127.0.0.1:1/")]);
});

test("the table's layout says in which zone times without one are read", async () => {
  const file = fileOf(TABLE);
  const lineOf = async (...options: string[]) =>
    (await run(file, "--map", MAP, "--dry-run", ...options)).stdout.split("\n")[0];
  expect(await lineOf()).toBe(
    "layout csv: a table by --map; times without a zone are read as UTC (--zone takes another one)",
  );
  expect(await lineOf("--zone", "Europe/Paris")).toBe(
    "layout csv: a table by --map; times without a zone are read as Europe/Paris",
  );
  expect(await lineOf("--map", `${MAP},zone=Europe/Rome`, "--stamp", "end", "--interval", "1h")).toBe(
    "layout csv: a table by --map; stamps are ends; times without a zone are read as Europe/Rome (--zone takes another one)",
  );
  expect(await lineOf("--date-pattern", "epoch-s")).toBe("layout csv: a table by --map");
});
