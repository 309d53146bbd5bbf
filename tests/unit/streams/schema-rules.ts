// The published schemas as a validator, with the formats and the keyword that JSON Schema does not have, and the
// rules for a record's bytes. Written apart from lib/streams and lib/core/instant.ts, which it judges.

import Ajv2020 from "ajv/dist/2020.js";
import consumption from "../../../schemas/consumption.schema.json" with { type: "json" };
import sensor from "../../../schemas/sensor.schema.json" with { type: "json" };
import weather from "../../../schemas/weather.schema.json" with { type: "json" };

const INSTANT =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|([+-])(\d\d)(?::?(\d\d))?)?$/;

/** `format: instant`. */
export function isInstant(text: string): boolean {
  const match = INSTANT.exec(text);
  if (match === null) return false;
  const [, year, month, day, hour, minute, second, sign, zoneHour, zoneMinute] = match.map((part) =>
    /^\d+$/.test(part ?? "") ? Number(part) : part,
  );
  const [y, m, d, h, min, s] = [year, month, day, hour, minute, second].map(Number);
  if (y === undefined || m === undefined || d === undefined || h === undefined) return false;
  if (min === undefined || s === undefined || y < 1700 || y > 2200 || h > 23 || min > 59 || s > 60)
    return false;
  const date = new Date(Date.UTC(y, m - 1, d));
  if (date.getUTCMonth() !== m - 1 || date.getUTCDate() !== d) return false;
  const [zh, zm] = [Number(zoneHour ?? 0), Number(zoneMinute ?? 0)];
  if (zh > 18 || zm > 59) return false;
  const utcMinute = h * 60 + min - (sign === "-" ? -1 : 1) * (zh * 60 + zm);
  return s < 60 || (utcMinute + 2 * 1440) % 1440 === 1439;
}

/** `format: storable-text`: what PostgreSQL can store and UTF-8 can write. */
function isStorableText(text: string): boolean {
  return !/\0|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text);
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

const validators = {
  sensor: ajv.compile(sensor),
  consumption: ajv.compile(consumption),
  weather: ajv.compile(weather),
};

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Why a record's value breaks its schema or the rules for its bytes; null where it is valid. */
export function invalidBecause(stream: keyof typeof validators, value: Buffer): string | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(utf8.decode(value));
  } catch (error) {
    // Both throw for what they cannot read, and that is the answer.
    return String(error);
  }
  const validate = validators[stream];
  return validate(parsed) ? null : ajv.errorsText(validate.errors);
}
