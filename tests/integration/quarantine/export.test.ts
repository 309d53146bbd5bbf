// `npm run quarantine` for programs: all records, not a page; and values set in several at once.
import { spawn } from "node:child_process";
import { parse } from "csv-parse/sync";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { readableBytes } from "../../../lib/quarantine/readable.ts";
import { type CommandResult, runCommand } from "../commands.ts";
import { createDatabase, emptyTables, snapshot, type TestDatabase } from "../database.ts";

const topic = "smartgrid-meter-readings";

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.close());
beforeEach(() => emptyTables(database.pool));

function quarantine(...args: string[]): Promise<CommandResult> {
  return runCommand("quarantine", args, database.environment);
}

/** As the fold would have refused them, at the offsets 0, 1, 2, … */
async function refuse(values: readonly (Buffer | string | null)[], reason = "wrong_type"): Promise<void> {
  await database.pool.query(
    `INSERT INTO quarantine (source, topic, partition, incarnation, "offset", reason, field, value)
     SELECT 'test', $1, 0, 0, i - 1, $2, 'reading', value FROM unnest($3::bytea[]) WITH ORDINALITY AS u(value, i)`,
    [topic, reason, values.map((value) => (typeof value === "string" ? Buffer.from(value) : value))],
  );
}

function reading(event: string, json: string, customer = '"c"'): string {
  return `{"event_id":"${event}","meter_id":"m","customer_id":${customer},"reading":${json},"timestamp":"2026-01-15T10:00:00Z"}`;
}

async function totals(): Promise<unknown[]> {
  const { rows } = await database.pool.query(
    "SELECT customer_id, total_consumption::float8 AS kwh, reading_count::integer AS readings FROM consumption_aggregates_realtime ORDER BY 1",
  );
  return rows;
}

describe("list and show for programs", () => {
  test("give every record, filtered as for people, whatever its bytes are", async () => {
    const latin1 = Buffer.from('{"customer_id":"Müller"}', "latin1");
    await refuse([
      null,
      latin1,
      "=1+1",
      "\u001b[2J",
      ...Array.from({ length: 120 }, (_, i) => `{"n":"${i}"}`),
    ]);
    const json = await quarantine("list", "--json");
    expect(json).toMatchObject({ code: 0, stderr: "" });
    const records: Record<string, unknown>[] = JSON.parse(json.stdout);
    expect(records.map(({ offset }) => offset)).toEqual(Array.from({ length: 124 }, (_, i) => i));
    expect(records[0]).toMatchObject({ value: null, value_encoding: null });
    expect(records[1]).toMatchObject({ value: '{"customer_id":"M\\374ller"}', value_encoding: "escape" });

    const csv = await quarantine("list", "--csv");
    expect(csv).toMatchObject({ code: 0, stderr: "" });
    const rows: Record<string, string>[] = parse(csv.stdout, { columns: true });
    expect(rows).toHaveLength(124);
    expect(rows[1]).toMatchObject({ position: `${topic}-0@1`, value: '{"customer_id":"M\\374ller"}' });
    expect(rows[2]).toMatchObject({ value: "'=1+1" });
    for (const { stdout } of [json, csv]) expect(stdout).not.toContain("\u001b");
    const bytes = await database.pool.query("SELECT decode($1, 'escape') AS value", [rows[1]?.value]);
    expect(bytes.rows).toEqual([{ value: latin1 }]);

    const some = await quarantine("list", "--csv", "--offsets", "60-119", "--limit", "55");
    expect(parse(some.stdout, { columns: true })).toHaveLength(55);
    const one = await quarantine("show", `${topic}-0@3`, `${topic}-0@3`, "--json");
    expect(JSON.parse(one.stdout)).toEqual([records[3]]);

    const page = await quarantine("list");
    expect(page.stdout.trimEnd().split("\n")).toHaveLength(100);
    expect(page.stderr).toContain("only the first 100 records that match are taken; --limit takes more");
    expect(await quarantine("list", "--json", "--csv")).toMatchObject({ code: 2 });
  });

  test("conflicts and doubtful values give every record, too, the newest first", async () => {
    await database.pool.query(
      `INSERT INTO ledger (source, topic, partition, incarnation) VALUES ('test', 'c', 0, 0);
       INSERT INTO conflict (stream, event_key, log_id, "offset", event_time, value, first_log_id, first_offset)
       SELECT 'weather', gen_random_uuid(), l.id, i, now(), '', l.id, 0 FROM ledger AS l, generate_series(1, 250) AS i;
       INSERT INTO doubtful (stream, log_id, "offset", field, value, reason, event_time)
       SELECT 'weather', l.id, i, 'humidity', 0.5, 'fits_fraction', now() FROM ledger AS l, generate_series(1, 250) AS i`,
    );
    const newestFirst = Array.from({ length: 250 }, (_, i) => `c-0@${250 - i}`);
    for (const command of ["conflicts", "doubtful"]) {
      const listed: Record<string, unknown>[] = JSON.parse((await quarantine(command, "--json")).stdout);
      expect(listed.map(({ position }) => position)).toEqual(newestFirst);
      expect(parse((await quarantine(command, "--csv")).stdout, { columns: true })).toHaveLength(250);
      const some = await quarantine(command, "--csv", "--limit", "120");
      expect(parse(some.stdout, { columns: true })).toHaveLength(120);
      expect(await quarantine(command, "--limit", "0")).toMatchObject({ code: 2 });
    }
    const { stdout } = await quarantine("conflicts");
    expect(stdout.match(/^conflict /gm)).toHaveLength(100);
    expect(stdout).toMatch(
      /\n\n250 conflicts on record, 250 to look at; the sweeper has read 0 of 250 first events so far\n$/,
    );
  });

  test.each([["--json"], ["--csv"], ["--state"]])(
    "end quietly where nobody reads on (%s)",
    async (option) => {
      await refuse(Array.from({ length: 400 }, () => `{"n":"${"x".repeat(2000)}"}`));
      const args = [
        "commands/quarantine/index.ts",
        "list",
        ...(option === "--state" ? ["--state", "all"] : [option]),
      ];
      const child = spawn(
        "bash",
        ["-c", 'set -o pipefail; "$0" "$@" | head -n 1', process.execPath, ...args],
        {
          env: { ...process.env, ...database.environment },
        },
      );
      let stderr = "";
      child.stderr.on("data", (text: Buffer) => {
        stderr += text.toString();
      });
      const code = await new Promise((resolve) => child.once("close", resolve));
      expect({ code, stderr }).toEqual({
        code: 0,
        stderr: option === "--state" ? expect.stringMatching(/^only the first 100[^\n]*\n$/) : "",
      });
    },
  );
});

test("the views for people show text instead of bytes, and reasons in words, to the role that reads", async () => {
  await refuse([null, Buffer.from("M\xfcll\\er\x00", "latin1"), "Mü\u001b", "a\0"], "malformed_json");
  await database.pool.query(
    `INSERT INTO too_late (source, topic, partition, incarnation, "offset", event_time, value)
     VALUES ('test', 'meter', 1, 2, 3, '2020-01-01T00:00:00Z', '{"a":1}')`,
  );
  await database.pool.query(
    "UPDATE quarantine SET edited_value = 'x', resolution = 'replayed', outcome = 'counted', resolved_at = now(), resolved_by = 'ada' WHERE \"offset\" = 3",
  );
  const client = await database.pool.connect();
  try {
    await client.query("BEGIN; SET LOCAL ROLE smartgrid_read");
    const { rows } = await client.query(
      'SELECT * FROM quarantine_readable ORDER BY source, topic, partition, "offset"',
    );
    expect(
      rows.map((row) => [row.position, row.value, row.value_encoding, row.resolution, row.edited_value]),
    ).toEqual([
      [`${topic}-0@0`, null, null, "unresolved", null],
      [`${topic}-0@1`, "M\\374ll\\\\er\\000", "escape", "unresolved", null],
      [`${topic}-0@2`, "M\\303\\274\\033", "escape", "unresolved", null],
      [`${topic}-0@3`, "a\\000", "escape", "replayed", "x"],
    ]);
    expect(rows[0].reason_in_words).toBe("the record's value is not JSON (a byte order mark is not)");
    const late = await client.query("SELECT position, value FROM too_late_readable");
    expect(late.rows).toEqual([{ position: "meter-1@3#2", value: '{"a":1}' }]);
  } finally {
    await client.query("ROLLBACK");
    client.release();
  }
});

test("the database writes bytes as text as the command does, whatever they are", async () => {
  const texts = [
    "a\tb\r\nc",
    "\\",
    "\u007f",
    "\u0085",
    "a\u202eb",
    "a\u2066",
    "ü\u00a0€😀",
    "",
    "\u0000",
    "a\u0001\\b\n",
    "=",
  ];
  const bytes = [
    ...texts.map((text) => Buffer.from(text)),
    Buffer.from(Array.from({ length: 256 }, (_, i) => i)),
  ];
  const { rows } = await database.pool.query<{ text: string; encoding: string }>(
    `SELECT r.shown AS text, r.encoding FROM unnest($1::bytea[]) WITH ORDINALITY AS b(value, n),
       readable_bytes(b.value) AS r ORDER BY n`,
    [bytes],
  );
  expect(rows).toEqual(bytes.map(readableBytes));
});

describe("setting fields of several records", () => {
  const many = ["replay", "--reason", "wrong_type", "--by", "ada"];

  test("one constant for three readings takes a word, and says what it replaces", async () => {
    await refuse([reading("a", '"12.5"'), reading("b", '"0.9"'), reading("c", '"7"')]);
    const before = await snapshot(database.pool);
    const refused = await quarantine(...many, "--set", "reading=1.5");
    expect(refused).toMatchObject({ code: 2, stdout: "" });
    expect(refused.stderr).toContain(
      '3 records get the same reading 1.5, in place of "12.5" (1), "0.9" (1), "7" (1)',
    );
    expect(refused.stderr).toContain("--set-all");
    const dry = await quarantine(...many, "--set", "reading=1.5", "--dry-run");
    expect(dry).toMatchObject({ code: 0 });
    expect(dry.stdout).toContain(`${topic}-0@0: reading "12.5" → 1.5; would be counted`);
    expect(dry.stdout).toContain("without --dry-run, this takes --set-all");
    expect(await snapshot(database.pool)).toEqual(before);

    const meant = await quarantine(...many, "--set", "reading=1.5", "--set-all");
    expect(meant).toMatchObject({ code: 0, stdout: expect.stringContaining("3 counted") });
    expect(meant.stdout.split("\n")[0]).toContain("3 records get the same reading 1.5");
    expect(await totals()).toEqual([{ customer_id: "c", kwh: 4.5, readings: 3 }]);
  });

  test("a value is taken from each record's own text; what cannot be stays, and says why", async () => {
    await refuse([reading("a", '"12.5"'), reading("b", '"0,9"'), reading("c", '"7"')]);
    const replayed = await quarantine(...many, "--set", "reading=number(reading)");
    expect(replayed).toMatchObject({ code: 4 });
    expect(replayed.stdout).toContain(
      `${topic}-0@1: not tried: reading is "0,9", not a number with a decimal point; number(reading, ',') takes a comma`,
    );
    expect(replayed.stdout).toContain("2 counted, 1 not tried");
    expect(await totals()).toEqual([{ customer_id: "c", kwh: 19.5, readings: 2 }]);
    expect(await quarantine(...many, "--set", "reading=number(reading, ',')")).toMatchObject({ code: 0 });
    expect(await totals()).toEqual([{ customer_id: "c", kwh: 20.4, readings: 3 }]);
  });

  test("ids that came as numbers keep each of their digits", async () => {
    await refuse([
      reading("a", "1", "1234567890123456789"),
      reading("b", "2", "1234567890123456790"),
      reading("c", "4", "7.22E+13"),
    ]);
    const replayed = await quarantine(...many, "--set", "customer_id=text(customer_id)");
    expect(replayed).toMatchObject({ code: 4 });
    expect(replayed.stdout).toContain(
      "@2: not tried: customer_id is 7.22E+13, whose exponent hides its digits",
    );
    expect(await totals()).toEqual([
      { customer_id: "1234567890123456789", kwh: 1, readings: 1 },
      { customer_id: "1234567890123456790", kwh: 2, readings: 1 },
    ]);
  });
});
