// The published schemas as a validator, with the formats and the keyword that JSON Schema does not have, and the
// rules for a record's bytes. Written apart from lib/streams and lib/core/instant.ts, which it judges.

import Ajv2020 from "ajv/dist/2020.js";
import { digitsOf, numberTextIn, parseNotingNumbers } from "./number-texts.ts";
import { publishedSchema } from "./published-schema.ts";

const DATE = /^(\d{4})(?:-(\d\d)-(\d\d)|(\d\d)(\d\d))[Tt ]/;
const TIME =
  /^(\d\d)(?:(?::(\d\d)(?::(\d\d)(?:[.,](\d+))?)?)|(?:(\d\d)(?:(\d\d)(?:[.,](\d+))?)?))?(?=$|[^\d:.,])/;
const OFFSET = /^ ?(?:Z|UTC|GMT|([+\u2212-])(\d\d)(?::?(\d\d))?)(?=$|\[)/i;
const ZONE = /^\[!?([A-Za-z0-9_.+/:-]+)\]/;
const TAGS = /^(?:\[[A-Za-z0-9_-]+=[A-Za-z0-9_-]+\])*$/;

const MINUTE_MS = 60_000;

const HOUR_MS = 3_600_000;

const DAY_MS = 24 * HOUR_MS;

const shown = new Map<string, readonly number[]>();

/** When the clocks of a zone show a local time, ms: every offset of the days around it is tried. */
function instantsShown(localMs: number, zone: string): readonly number[] {
  const key = `${localMs} ${zone}`;
  const known = shown.get(key);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat("sv-SE", {
    timeZone: zone,
    dateStyle: "short",
    timeStyle: "medium",
  });
  const clockMs = (timeMs: number) => Date.parse(`${format.format(timeMs).replace(" ", "T")}Z`);
  const offsets = new Set<number>();
  for (let hour = -40; hour <= 40; hour++)
    offsets.add(clockMs(localMs + hour * HOUR_MS) - (localMs + hour * HOUR_MS));
  const instants = [...offsets]
    .map((offsetMs) => localMs - offsetMs)
    .filter((timeMs) => clockMs(timeMs) === localMs);
  shown.set(key, instants);
  return instants;
}

/** `format: instant`. */
export function isInstant(text: string): boolean {
  const date = DATE.exec(text);
  const time = TIME.exec(text.slice(date?.[0].length ?? 0));
  if (date === null || time === null) return false;
  const [y, m, d] = [date[1], date[2] ?? date[4], date[3] ?? date[5]].map(Number);
  const [h, min, s] = [time[1], time[2] ?? time[5] ?? 0, time[3] ?? time[6] ?? 0].map(Number);
  if (y === undefined || m === undefined || d === undefined) return false;
  if (h === undefined || min === undefined || s === undefined) return false;
  if (y < 1700 || y > 2200 || min > 59 || s > 60) return false;
  const fraction = Number(time[4] ?? time[7] ?? 0);
  if (h > 24 || (h === 24 && (min > 0 || s > 0 || fraction > 0))) return false;
  const day = new Date(Date.UTC(y, m - 1, d));
  if (day.getUTCMonth() !== m - 1 || day.getUTCDate() !== d) return false;

  let rest = text.slice(date[0].length + time[0].length);
  const offset = OFFSET.exec(rest);
  rest = rest.slice(offset?.[0].length ?? 0);
  const zone = ZONE.exec(rest);
  if (!TAGS.test(rest.slice(zone?.[0].length ?? 0))) return false;
  const localMs = day.getTime() + (h * 60 + min) * MINUTE_MS;
  if (offset !== null || zone === null) {
    const [sign, zh, zm] = [offset?.[1], Number(offset?.[2] ?? 0), Number(offset?.[3] ?? 0)];
    const utcMinute = localMs / MINUTE_MS - (sign === undefined || sign === "+" ? 1 : -1) * (zh * 60 + zm);
    return zh <= 18 && zm <= 59 && (s < 60 || (((utcMinute + 1) % 1440) + 1440) % 1440 === 0);
  }
  try {
    const [instant, another] = instantsShown(localMs + Math.min(s, 59) * 1000, zone[1] ?? "");
    const endsDay = instant !== undefined && (instant + 1000) % DAY_MS === 0;
    return instant !== undefined && another === undefined && (s < 60 || endsDay);
  } catch {
    // Intl throws for a zone that it does not know.
    return false;
  }
}

/** `format: storable-text`: what PostgreSQL can store and UTF-8 can write, and no trace of bytes that were not UTF-8. */
function isStorableText(text: string): boolean {
  return !/\0|\ufffd|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text);
}

const ajv = new Ajv2020.default({ strict: true, allowUnionTypes: true, ownProperties: true });
ajv.addFormat("instant", isInstant);
ajv.addFormat("storable-text", isStorableText);
ajv.addKeyword({
  keyword: "maxUtf16Length",
  type: "string",
  schemaType: "number",
  validate: (most: number, text: string) => text.length <= most,
});

const digitsRule =
  (isKept: (most: number, digits: number, power: number) => boolean) =>
  (
    most: number,
    _: number,
    __?: object,
    at?: { parentData: object; parentDataProperty: string | number },
  ) => {
    if (at === undefined) throw new Error("a number that is no member");
    const { digits, power } = digitsOf(numberTextIn(at.parentData, String(at.parentDataProperty)));
    return isKept(most, digits, power);
  };
ajv.addKeyword({
  keyword: "mostDigits",
  type: "number",
  schemaType: "number",
  validate: digitsRule((most, digits, power) => digits + Math.max(0, power) <= most),
});
ajv.addKeyword({
  keyword: "mostDecimals",
  type: "number",
  schemaType: "number",
  validate: digitsRule((most, _, power) => power >= -most),
});

const validators = new Map<string, ReturnType<typeof ajv.compile>>();

function validatorOf(stream: string): ReturnType<typeof ajv.compile> {
  const known = validators.get(stream) ?? ajv.compile(JSON.parse(publishedSchema(stream)));
  validators.set(stream, known);
  return known;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Why a record's value breaks its schema or the rules for its bytes; null where it is valid. */
export function invalidBecause(stream: string, value: Buffer): string | null {
  let parsed: unknown;
  try {
    parsed = parseNotingNumbers(utf8.decode(value));
  } catch (error) {
    // Both throw for what they cannot read, and that is the answer.
    return String(error);
  }
  const validate = validatorOf(stream);
  return validate(parsed) ? null : ajv.errorsText(validate.errors);
}
