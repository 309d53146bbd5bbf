// A field's new value out of JSON text that the record came with. Digits are copied, never rounded. Pure.

import { type EpochUnit, epochUs } from "../core/epoch.ts";
import { formatInstant } from "../core/instant.ts";
import type { DecimalMark } from "./assignment.ts";

const isNumber = (json: string) => /^-?\d/.test(json);

/** Text from text or from a number's digits. @throws Error where it is neither, or an exponent hides the digits */
export function textFrom(field: string, json: string): string {
  if (json.startsWith('"')) return json;
  if (!isNumber(json)) throw new Error(`${field} is ${json}, neither text nor a number`);
  if (/e/i.test(json)) throw new Error(`${field} is ${json}, whose exponent hides its digits`);
  return `"${json}"`;
}

const decimalNumber: Readonly<Record<DecimalMark, RegExp>> = {
  ".": /^([+-]?)(\d*)(?:\.(\d*))?(e[+-]?\d{1,3})?$/i,
  ",": /^([+-]?)(\d*)(?:,(\d*))?$/,
};

/** A number from a number or from text. @throws Error where the text is no such number */
export function numberFrom(field: string, json: string, mark: DecimalMark): string {
  if (isNumber(json)) return json;
  const parsed: unknown = JSON.parse(json);
  if (typeof parsed !== "string") throw new Error(`${field} is ${json}, neither a number nor text`);
  const [, sign = "", digits = "", fraction = "", exponent = ""] =
    decimalNumber[mark].exec(parsed.trim()) ?? [];
  if (digits === "" && fraction === "") {
    const hint =
      mark === "." && decimalNumber[","].test(parsed.trim()) ? `; number(${field}, ',') takes a comma` : "";
    throw new Error(
      `${field} is ${json}, not a number with a decimal ${mark === "." ? "point" : "comma"}${hint}`,
    );
  }
  const whole = digits.replace(/^0+(?=\d)/, "") || "0";
  return `${sign === "-" ? "-" : ""}${whole}${fraction === "" ? "" : `.${fraction}`}${exponent}`;
}

/** ISO 8601 from a time since 1970; what is below 1 µs is cut off. @throws Error where it is no such time */
export function timeFrom(field: string, json: string, unit: EpochUnit): string {
  const timeUs = epochUs(numberFrom(field, json, "."), unit);
  if (timeUs === null) throw new Error(`${field} is ${json}, not a number of ${unit} since 1970`);
  return JSON.stringify(formatInstant(timeUs));
}
