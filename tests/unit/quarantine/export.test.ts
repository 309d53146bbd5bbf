// Quarantine for programs and spreadsheets: nothing is lost on the way, and nothing in it is run.
import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { quarantineColumns } from "../../../commands/quarantine/record-columns.ts";
import { csvOf, jsonOf } from "../../../commands/terminal/columns.ts";
import { type CsvCell, csvLine } from "../../../commands/terminal/csv.ts";
import { readableBytes } from "../../../lib/quarantine/readable.ts";
import type { QuarantinedRecord } from "../../../lib/quarantine/records.ts";

function record(changes: Partial<QuarantinedRecord> = {}): QuarantinedRecord {
  return {
    ...{ source: "test", topic: "meter", partition: 3, incarnation: 0, offset: 7 },
    ...{ reason: "unknown_unit", field: "unit", value: Buffer.from('{"unit":"l, \\"x\\""}') },
    ...{ quarantinedAt: new Date(0), resolution: null, outcome: null, resolvedAt: null, resolvedBy: null },
    ...{ note: null, editedValue: null, attempts: 0, attemptedAt: null, attemptedBy: null },
    ...{ lastReason: null, lastField: null },
    ...changes,
  };
}

async function* streamed(records: readonly QuarantinedRecord[]): AsyncGenerator<QuarantinedRecord> {
  yield* records;
}

async function textOf(pieces: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const piece of pieces) text += piece;
  return text;
}

/** What PostgreSQL's decode(text, 'escape') does. */
function unescaped(text: string): Buffer {
  const bytes = text.replaceAll(/\\(\\|[0-7]{3})/g, (_, code: string) =>
    code === "\\" ? "\\" : String.fromCharCode(Number.parseInt(code, 8)),
  );
  return Buffer.from(bytes, "latin1");
}

describe("bytes as text", () => {
  test.each([
    ["plain", Buffer.from('{"a":"é"}\r\n\t'), '{"a":"é"}\r\n\t', "utf8"],
    ["no bytes", Buffer.from(""), "", "utf8"],
    ["latin-1", Buffer.from('{"a":"Müller\\n"}', "latin1"), '{"a":"M\\374ller\\\\n"}', "escape"],
    ["control characters", Buffer.from("\x1b[2J~"), "\\033[2J~", "escape"],
    ["NUL", Buffer.from("a\0"), "a\\000", "escape"],
    ["C1 control characters", Buffer.from("\u009b2J"), "\\302\\2332J", "escape"],
    ["text turned around", Buffer.from("\u202ea"), "\\342\\200\\256a", "escape"],
  ])("%s", (_, bytes, text, encoding) => {
    expect(readableBytes(bytes)).toEqual({ text, encoding });
  });

  test("can be had again from it, whatever they are", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (array) => {
        const { text, encoding } = readableBytes(Buffer.from(array));
        expect(encoding === "utf8" ? Buffer.from(text) : unescaped(text)).toEqual(Buffer.from(array));
      }),
    );
  });
});

describe("CSV", () => {
  test("guards what a spreadsheet would run, and nothing else", () => {
    expect(csvLine(["=1+1", "+1", "-1", "@x", "\tx", "'x", "a=1", -1, null, ""])).toBe(
      `'=1+1,'+1,'-1,'@x,'\tx,''x,a=1,-1,,""\r\n`,
    );
  });

  test("is read again as it was by another's reader, the guard removed", () => {
    const cell = fc.oneof(fc.string(), fc.constantFrom('"', ",", "\r\n", "=", "'", " x "));
    fc.assert(
      fc.property(fc.array(cell, { minLength: 2, maxLength: 5 }), (cells: CsvCell[]) => {
        const [row] = parse(csvLine(cells), { record_delimiter: "\r\n" });
        expect(row?.map((text) => text.replace(/^'/, ""))).toEqual(cells);
      }),
    );
  });

  test("has a header and the columns of the JSON form, and ends lines by CRLF", async () => {
    const records = [record(), record({ offset: 8, value: null, resolution: "discarded", note: "=x\u001b" })];
    const csv = await textOf(csvOf(quarantineColumns, streamed(records)));
    expect(csv.split("\r\n")).toHaveLength(4);
    const rows: Record<string, string>[] = parse(csv, { columns: true, record_delimiter: "\r\n" });
    const json: Record<string, unknown>[] = JSON.parse(
      await textOf(jsonOf(quarantineColumns, streamed(records))),
    );
    expect(rows.map((row) => Object.keys(row))).toEqual(json.map((row) => Object.keys(row)));
    expect(rows[0]).toMatchObject({
      value: '{"unit":"l, \\"x\\""}',
      value_encoding: "utf8",
      value_bytes: "19",
    });
    expect(rows[1]).toMatchObject({
      value: "",
      value_encoding: "",
      resolution: "discarded",
      note: "'=x\\u001b",
    });
    expect(json[0]).toMatchObject({
      ...{ position: "meter-3@7", partition: 3, offset: 7, reason: "unknown_unit", field: "unit" },
      ...{ reason_in_words: "the record's value has a unit other than kWh, Wh, MWh (a missing one is kWh)" },
      ...{ value: '{"unit":"l, \\"x\\""}', value_encoding: "utf8", resolution: "unresolved", note: null },
    });
  });

  test("of no record is a header, and JSON of none an empty array", async () => {
    expect(await textOf(csvOf(quarantineColumns, streamed([])))).toMatch(/^position,source,[\w,]+\r\n$/);
    expect(JSON.parse(await textOf(jsonOf(quarantineColumns, streamed([]))))).toEqual([]);
  });
});
