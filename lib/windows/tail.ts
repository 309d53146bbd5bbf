// The tail of a batch: by it the sweeper knows again which log the batch was read from.

import { createHash } from "node:crypto";
import type { Tail } from "../core/log-identity.ts";
import type { LogRecord } from "../core/log-record.ts";
import { uuidOf } from "../core/uuid.ts";

/** 128 bits of SHA-256 of its time and value, as a UUID. The time tells records without a value apart. */
export function digestOf({ recordTimeMs, value }: LogRecord): string {
  const digest = createHash("sha256")
    .update(`${recordTimeMs} ${value === null ? "null" : "value "}`)
    .update(value ?? "");
  return uuidOf(digest.digest("hex"));
}

/** @throws Error where there are no records */
export function tailOf(records: readonly LogRecord[]): Tail {
  const last = records.at(-1);
  if (last === undefined) throw new Error("a batch without records has nothing to commit");
  return { lastOffset: last.offset, digest: digestOf(last) };
}
