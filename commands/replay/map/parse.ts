// The language of --map: field=source,field=source,…
//   Column   "Column, in quotes"   #3 (third column)   'constant'   @column (the value's column)   @step (its time of day)
//   a+b      texts joined, numbers added
//   a|b a..b for reading and value: several columns, each a value of its own
// One column may serve several fields.

import { zoneProblem } from "../../../lib/core/zone-names.ts";

export type Term =
  | { readonly is: "constant"; readonly text: string }
  | { readonly is: "column"; readonly name: string }
  | { readonly is: "here"; readonly what: "column" | "step" };

/** Terms that are joined or added. */
export type Sum = readonly Term[];

/** Columns of values: the sum of one or some, or each from one to another. */
export type ValueColumns = { readonly sum: Sum } | { readonly from: Term; readonly to: Term };

const TEXT_FIELDS = [
  "meter_id",
  "customer_id",
  "register",
  "unit",
  "timestamp",
  "date",
  "time",
  "period",
  "sensor_id",
  "sensor_type",
] as const;
const VALUE_FIELDS = ["reading", "value"] as const;
type TextField = (typeof TEXT_FIELDS)[number];

export interface ColumnMap {
  readonly kind: "meter" | "sensor";
  readonly texts: ReadonlyMap<TextField, Sum>;
  readonly values: readonly ValueColumns[];
  /** Of `zone=`, which is always a constant. */
  readonly zone: string | null;
}

const TOKEN = /\s*(?:'([^']*)'|"((?:[^"]|"")*)"|(@\w+)|(\.\.|[+|,=])|((?:(?!\.\.)[^,+|='"])+))\s*/y;

type Token =
  | { readonly term: Term; readonly text: string }
  | { readonly sign: string; readonly text: string };

function tokenOf([text, constant, quoted, here, sign, name]: RegExpExecArray): Token {
  if (sign !== undefined) return { sign, text };
  if (constant !== undefined) return { term: { is: "constant", text: constant }, text };
  if (quoted !== undefined) return { term: { is: "column", name: quoted.replaceAll('""', '"') }, text };
  if (here === "@column") return { term: { is: "here", what: "column" }, text };
  if (here === "@step") return { term: { is: "here", what: "step" }, text };
  if (here !== undefined) throw new Error(`--map: no such thing as ${here}; there are @column and @step`);
  return { term: { is: "column", name: (name ?? "").trim() }, text };
}

function tokensOf(map: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < map.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(map);
    if (match === null)
      throw new Error(`--map: cannot read from "${map.slice(at)}" on; is a quote not closed?`);
    tokens.push(tokenOf(match));
  }
  return tokens;
}

/** Entries of the map: tokens between commas. */
function entriesOf(tokens: readonly Token[]): Token[][] {
  const entries: Token[][] = [[]];
  for (const token of tokens) {
    if ("sign" in token && token.sign === ",") entries.push([]);
    else entries.at(-1)?.push(token);
  }
  return entries;
}

/** Terms and the signs between them. */
function split(tokens: readonly Token[], text: string): { terms: Term[]; signs: string[] } {
  const terms: Term[] = [];
  const signs: string[] = [];
  for (const token of tokens) {
    if ("term" in token && terms.length === signs.length) terms.push(token.term);
    else if ("sign" in token && token.sign !== "=" && terms.length > signs.length) signs.push(token.sign);
    else
      throw new Error(
        `--map: cannot read "${text}"; put a column's name that has , + | = .. or quotes into "double quotes"`,
      );
  }
  if (terms.length !== signs.length + 1) throw new Error(`--map: "${text}" ends too early`);
  return { terms, signs };
}

function valuesOf(terms: readonly Term[], signs: readonly string[], text: string): ValueColumns[] {
  const values: ValueColumns[] = [];
  let sum: Term[] = [];
  terms.forEach((term, i) => {
    sum.push(term);
    if (signs[i] === "+" || signs[i] === "..") return;
    const [from, to] = sum;
    if (signs[i - 1] !== "..") values.push({ sum });
    else if (sum.length === 2 && from !== undefined && to !== undefined) values.push({ from, to });
    else throw new Error(`--map: "${text}": a range is column..column`);
    sum = [];
  });
  return values;
}

function isIn<T extends string>(fields: readonly T[], field: string): field is T {
  return fields.some((known) => known === field);
}

/** The fields of a map and their sources, each given once. */
function fieldsOf(map: string): Map<string, Token[]> {
  const fields = new Map<string, Token[]>();
  for (const entry of entriesOf(tokensOf(map))) {
    const [name, equals, ...source] = entry;
    const field = name !== undefined && "term" in name && name.term.is === "column" ? name.term.name : null;
    if (
      field === null ||
      equals === undefined ||
      !("sign" in equals) ||
      equals.sign !== "=" ||
      source.length === 0
    )
      throw new Error(`--map: expected field=column, got "${textOf(entry)}"`);
    if (fields.has(field)) throw new Error(`--map: ${field} is given twice`);
    fields.set(field, source);
  }
  return fields;
}

function textOf(tokens: readonly Token[]): string {
  return tokens
    .map(({ text }) => text)
    .join("")
    .trim();
}

function checkFields(has: (field: string) => boolean): void {
  if (has("sensor_id") && (has("meter_id") || has("reading")))
    throw new Error(
      "--map: a map is of meters (meter_id, reading) or of sensors (sensor_id, sensor_type, value)",
    );
  const missing = (has("sensor_id") ? ["sensor_type", "value"] : ["reading"]).filter((field) => !has(field));
  if (!has("timestamp") && !has("date")) missing.push("timestamp");
  if (missing.length > 0) throw new Error(`--map: missing ${missing.join(", ")}`);
  if (has("timestamp") && (has("date") || has("time") || has("period")))
    throw new Error("--map: timestamp, or date and time, not both");
  if (has("period") && has("time")) throw new Error("--map: date and time, or date and period, not both");
}

/** @throws Error naming what is wrong with the map */
export function parseMap(map: string): ColumnMap {
  const fields = fieldsOf(map);
  const texts = new Map<TextField, Sum>();
  let values: ValueColumns[] = [];
  for (const [field, source] of fields) {
    if (field === "zone") continue;
    const text = `${field}=${textOf(source)}`;
    if (!isIn(VALUE_FIELDS, field) && !isIn(TEXT_FIELDS, field))
      throw new Error(
        `--map: no such field "${field}"; meters have meter_id, customer_id, register, reading, unit, sensors sensor_id, sensor_type, value, both timestamp (or date and time, or date and period) and zone`,
      );
    const { terms, signs } = split(source, text);
    if (isIn(VALUE_FIELDS, field)) values = valuesOf(terms, signs, text);
    else if (signs.every((sign) => sign === "+")) texts.set(field, terms);
    else throw new Error(`--map: "${text}": | and .. are for reading and value`);
  }
  checkFields((field) => fields.has(field));
  const zone = fields.has("zone") ? textOf(fields.get("zone") ?? []).replaceAll(/['"]/g, "") : null;
  const problem = zone === null ? null : zoneProblem(zone);
  if (problem !== null) throw new Error(`--map: there is ${problem}`);
  return {
    kind: texts.has("sensor_id") ? "sensor" : "meter",
    texts,
    values,
    zone,
  };
}
