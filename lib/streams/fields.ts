// The rules of a field's text, and what JSON objects are.

import type { RefusalReason } from "./refusal.ts";

/** Of `event_id`; UTF-16 units. */
export const MAX_EVENT_ID = 300;

export type JsonObject = { readonly [field: string]: unknown };

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Not with what PostgreSQL cannot store (NUL), UTF-8 cannot write (a lone surrogate), or somebody wrote in the place of
 * bytes that were not UTF-8 (U+FFFD): Müller and Möller would be one.
 */
function isStorable(text: string): boolean {
  return !text.includes("\0") && !text.includes("\ufffd") && text.isWellFormed();
}

/** Why a text is not one of 1 to `longest` characters (UTF-16 units) that can be stored; null where it is. */
export function textProblem(text: string, longest: number): RefusalReason | null {
  if (text.length === 0) return "empty_text";
  if (text.length > longest) return "text_too_long";
  return isStorable(text) ? null : "invalid_text";
}
