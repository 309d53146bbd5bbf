// Why an event is refused, in words for its sender.

import { epochInWords } from "../core/epoch.ts";
import { readableTimes } from "../core/written-time.ts";
import type { StreamRules } from "../streams/declaration.ts";
import type { JsonObject } from "../streams/fields.ts";
import type { Refusal, RefusalReason } from "../streams/refusal.ts";

/** What follows "FIELD is ". */
const explanations: Readonly<Record<RefusalReason, string>> = {
  null_value: "no event",
  empty_value: "no event",
  invalid_utf8: "not UTF-8",
  malformed_json: "not JSON",
  not_an_object: "not a JSON object",
  missing_field: "missing",
  wrong_type: "of the wrong type",
  empty_text: "empty",
  text_too_long: "too long",
  invalid_text: "text that cannot be stored (NUL or a lone surrogate), or was not UTF-8 once (U+FFFD)",
  out_of_range: "out of range",
  unknown_unit: "not one of",
  invalid_timestamp: "no time that can be read",
  ambiguous_timestamp: "a local time that its zone's clocks show twice: add the offset, such as +01:00",
  nonexistent_timestamp: "a local time that its zone's clocks leave out: add the offset, such as +01:00",
  in_future: "in the future",
};

function unitsOf({ fields }: StreamRules): string {
  return fields.flatMap((rule) => (rule.kind === "unit" ? Object.keys(rule.powers) : [])).join(", ");
}

/** What follows "Invalid field: FIELD is ". @param fields in which the field stood */
export function explanationOf({ refused, field }: Refusal, fields: JsonObject, rules: StreamRules): string {
  if (refused === "unknown_unit") return `${explanations[refused]} ${unitsOf(rules)}`;
  const isUnreadable = refused === "wrong_type" || refused === "invalid_timestamp";
  if (field !== "timestamp" || !isUnreadable) return explanations[refused];
  const { timestamp } = fields;
  const epoch = epochInWords(JSON.isRawJSON(timestamp) ? Number(JSON.stringify(timestamp)) : timestamp);
  return `${explanations[refused]}: expected ${readableTimes}${epoch === null ? "" : `; ${epoch}`}`;
}
