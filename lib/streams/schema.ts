// A stream's published JSON Schema, from its declaration. `node commands/build/schemas.ts` writes schemas/; a test compares.

import { MOST_DECIMALS, MOST_DIGITS } from "../core/exact.ts";
import type { FieldRule, StreamRules, StreamWords } from "./declaration.ts";

/** With more decimals a number is not taken. */
const SMALLEST_NUMBER = Number(`1e-${MOST_DECIMALS}`);

const COMMENT =
  "The value of a Kafka record is UTF-8 JSON without a byte order mark; of duplicate keys the last one counts. Formats and keywords of our own: `storable-text` (no NUL, no lone surrogate, no U+FFFD), `maxUtf16Length` (length in UTF-16 units, as JavaScript counts), `instant`, `mostDigits` and `mostDecimals` (of a number as it is written, without the zeros before and after its significant digits). They are defined in tests/unit/streams/schema-rules.ts. Fields that are not named here are free.";

const timeText = (stream: string) =>
  `ISO 8601 with date and time, of the years 1700 to 2200: 2026-01-15T10:00Z, 2026-01-15T10:00:00.123456+01:00, 20260115T100000Z, T24:00, a comma before the fraction, UTC or GMT for Z, or a zone in brackets, 2026-01-15T10:00[Europe/Paris], which an offset before it overrules. No zone means UTC, unless EVENT_TIME_ZONE_${stream.toUpperCase()} names another. :60 only where it ends a day of UTC. \`format\` instant adds calendar and zones to the pattern.`;

const TIME_PATTERN =
  "^[0-9]{4}(-[0-9]{2}-|[0-9]{2})[0-9]{2}[Tt ][0-9]{2}(:?[0-9]{2}(:?[0-9]{2}([.,][0-9]+)?)?)?( ?([Zz]|[Uu][Tt][Cc]|[Gg][Mm][Tt]|[+\u2212-][0-9]{2}(:?[0-9]{2})?))?(\\[!?[A-Za-z0-9_.+/:-]+\\])?(\\[[A-Za-z0-9_-]+=[A-Za-z0-9_-]+\\])*$";

function numberSchema(min: number, max: number): object {
  return {
    type: "number",
    minimum: min,
    maximum: max,
    anyOf: [{ const: 0 }, { minimum: SMALLEST_NUMBER }, ...(min < 0 ? [{ maximum: -SMALLEST_NUMBER }] : [])],
    mostDigits: MOST_DIGITS,
    mostDecimals: MOST_DECIMALS,
  };
}

const orNull = (type: string, optional: boolean | undefined) => (optional ? [type, "null"] : type);

/** What a field's value may be. */
function valueSchema(rule: FieldRule): object {
  switch (rule.kind) {
    case "text":
      return {
        type: orNull("string", rule.optional),
        minLength: 1,
        maxLength: rule.longest,
        maxUtf16Length: rule.longest,
        format: "storable-text",
      };
    case "number":
      return numberSchema(rule.min, rule.max);
    case "unit":
      return { enum: [...Object.keys(rule.powers), null] };
    case "instant":
      return { type: "string", format: "instant", pattern: TIME_PATTERN };
    case "place":
      return {
        type: orNull("object", rule.optional),
        required: ["lat", "lon"],
        properties: {
          lat: { description: "Latitude, degrees.", ...numberSchema(-90, 90) },
          lon: { description: "Longitude, degrees.", ...numberSchema(-180, 180) },
        },
      };
    case "stamp":
      return {};
  }
}

/** @returns the JSON Schema of a stream's events */
export function schemaOf({ stream, fields }: StreamRules, words: StreamWords): object {
  const published = fields.filter(({ kind }) => kind !== "stamp"); // ingest's own
  const isRequired = (rule: FieldRule) => rule.kind !== "unit" && !("optional" in rule);
  const textOf = ({ field, kind }: FieldRule) =>
    kind === "instant" ? `${words.fields[field]} ${timeText(stream.name)}` : words.fields[field];
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: `urn:smartgrid:event:${stream.name}`,
    title: words.title,
    $comment: COMMENT,
    type: "object",
    required: published.filter(isRequired).map(({ field }) => field),
    properties: Object.fromEntries(
      published.map((rule) => [rule.field, { description: textOf(rule), ...valueSchema(rule) }]),
    ),
  };
}
