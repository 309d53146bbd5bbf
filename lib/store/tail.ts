// The tail of a batch: by it the sweeper knows again which log the batch was read from.

import { createHash } from "node:crypto";
import type { Tail } from "../core/log-identity.ts";
import type { LogRecord } from "../streams/fold.ts";

/** 128 bits of SHA-256 of its time and value, as a UUID. The time tells records without a value apart. */
export function digestOf({ recordTimeMs, value }: LogRecord): string {
  const hex = createHash("sha256")
    .update(`${recordTimeMs} ${value === null ? "null" : "value "}`)
    .update(value ?? "")
    .digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}

/** @throws Error where there are no records */
export function tailOf(records: readonly LogRecord[]): Tail {
  const last = records.at(-1);
  if (last === undefined) throw new Error("a batch without records has nothing to commit");
  return { lastOffset: last.offset, digest: digestOf(last) };
}
