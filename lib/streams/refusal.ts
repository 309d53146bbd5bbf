// Why a record is no valid event, as a value: bad data is never an exception and never stops a partition.

/** Every reason for which a record is put into quarantine. docs/quarantine.md explains each. */
export const refusalReasons = [
  "null_value",
  "empty_value",
  "invalid_utf8",
  "malformed_json",
  "not_an_object",
  "missing_field",
  "wrong_type",
  "empty_text",
  "text_too_long",
  "invalid_text",
  "out_of_range",
  "unknown_unit",
  "invalid_timestamp",
  "ambiguous_timestamp",
  "nonexistent_timestamp",
  "in_future",
] as const;

export type RefusalReason = (typeof refusalReasons)[number];

/**
 * A refused record: the reason and, where one is to blame, the field. A class, for `{"refused": null}` in a record must
 * not pass for one: a reason that is none would stop the partition.
 */
export class Refusal {
  readonly refused: RefusalReason;
  readonly field: string | null;

  constructor(refused: RefusalReason, field: string | null) {
    this.refused = refused;
    this.field = field;
  }
}

export function refuse(reason: RefusalReason, field: string | null = null): Refusal {
  return new Refusal(reason, field);
}

export function isRefusal(decoded: object): decoded is Refusal {
  return decoded instanceof Refusal;
}
