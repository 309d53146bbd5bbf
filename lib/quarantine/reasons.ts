// Each reason in words. docs/quarantine.md says the same words in its table, and a test holds it to that.

import { readableTimes } from "../core/written-time.ts";
import type { RefusalReason } from "../streams/refusal.ts";

/** What follows "the record's value …". */
export const reasonsInWords: Readonly<Record<RefusalReason, string>> = {
  null_value: "is missing (a tombstone)",
  empty_value: "has no bytes",
  invalid_utf8: "is not UTF-8",
  malformed_json: "is not JSON (a byte order mark is not)",
  not_an_object: "is JSON, but no object",
  missing_field: "lacks a field that the contract asks for, or it is null",
  wrong_type: "has a field of another type, for instance a number as text",
  empty_text: "has an empty id, type or condition",
  text_too_long: "has an id beyond 100, a type or condition beyond 50, an event_id beyond 300 characters",
  invalid_text:
    "has text with NUL or a lone surrogate, which cannot be stored, or with U+FFFD, which is written where bytes were not UTF-8",
  out_of_range:
    "a number of more than 38 digits or 30 decimals (zeros before and after them do not count); sensor value beyond ±(2^53−1); reading below 0 or beyond 10^12; temperature outside −100…70 °C, humidity 0…100 %, pressure 300…1100 hPa, wind 0…150 m/s; latitude or longitude that is none",
  unknown_unit: "has a unit other than kWh, Wh, MWh (a missing one is kWh)",
  invalid_timestamp: `has a time that does not exist, lies outside 1700–2200, or is not ${readableTimes}`,
  ambiguous_timestamp:
    "has a local time that its zone's clocks show twice (they are set back); with `+01:00` or the like it is one",
  nonexistent_timestamp: "has a local time that its zone's clocks leave out (they are set forward)",
  in_future: "lies further ahead of the database's clock than `FUTURE_SKEW_SECONDS`",
};
