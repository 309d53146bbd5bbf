// How the times of a table are written, by `--date-pattern`.

import { isEpochUnit } from "../../lib/core/epoch.ts";
import { epochTime, isoTime, patternTime, type TimeReader } from "./times.ts";

export interface TimeFormat {
  /** Makes the reader of times; `zone` is that of times that name none. */
  readonly readerFor: (zone: string) => TimeReader;
  /** Whether its times can lack a zone: an epoch's number never does. */
  readonly needsZone: boolean;
}

export const isoFormat: TimeFormat = { readerFor: isoTime, needsZone: true };

/** @throws Error where it is no pattern */
export function timeFormat(pattern: string): TimeFormat {
  const epoch = /^epoch-(\w+)$/.exec(pattern)?.[1];
  if (epoch !== undefined) {
    if (!isEpochUnit(epoch)) throw new Error("expected epoch-s, epoch-ms, epoch-us or epoch-ns");
    return { readerFor: () => epochTime(epoch), needsZone: false };
  }
  patternTime(pattern, "UTC"); // throws for a wrong one before a file is read
  const letters = pattern.replaceAll(/'[^']*'/g, "");
  return { readerFor: (zone) => patternTime(pattern, zone), needsZone: !letters.includes("X") };
}
