// Replays the selected records one after the other, each in its own transaction, and says what became of each.

import { readFile } from "node:fs/promises";
import type { Pool } from "pg";
import { formatInstant } from "../core/instant.ts";
import { messageOf } from "../log.ts";
import type { LatenessRules } from "../store/commit.ts";
import type { Event, Stream } from "../streams/stream.ts";
import { setFields } from "./edit.ts";
import type { ReplayOptions } from "./options.ts";
import { formatPosition } from "./position.ts";
import type { QuarantinedRecord } from "./records.ts";
import { MAX_ATTEMPTS, type ReplayResult, replayRecord } from "./resolve.ts";

function resultText(result: ReplayResult, dryRun: boolean): string {
  switch (result.kind) {
    case "settled": {
      const outcome = `${dryRun ? "would be " : ""}${result.outcome.replace("_", " ")}`;
      const amends = result.late ? ", a final one that it amends" : "";
      return `${outcome}, window ${formatInstant(result.windowStartUs)}${amends}`;
    }
    case "refused again": {
      const { refused, field } = result.refusal;
      return `refused again: ${refused}${field === null ? "" : ` (${field})`}`;
    }
    case "too many attempts":
      return `not tried: refused ${result.attempts} times (the limit is ${MAX_ATTEMPTS}); --force tries again`;
    case "replayed before":
      return `replayed before, by ${result.by} at ${result.at.toISOString()}`;
  }
}

async function editedValue(record: QuarantinedRecord, options: ReplayOptions): Promise<Buffer | null> {
  if (options.edit !== undefined) return readFile(options.edit);
  if (options.set.length === 0) return null;
  try {
    return setFields(record.value, options.set);
  } catch (error) {
    throw new Error(`${formatPosition(record)}: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * Replays records in their order.
 * @param streamOfTopic which stream reads a topic
 * @param say prints a line
 * @returns whether each of them is settled now, or would be
 * @throws Error where a record's topic is no stream's, or an edit cannot be made
 */
export async function replaySelected(
  pool: Pool,
  records: readonly QuarantinedRecord[],
  streamOfTopic: ReadonlyMap<string, Stream<Event, unknown>>,
  options: ReplayOptions,
  rules: LatenessRules,
  say: (line: string) => void,
): Promise<boolean> {
  if (options.edit !== undefined && options.set.length > 0)
    throw new Error("--edit gives the whole value and --set some of its fields: use one of them");
  if (options.edit !== undefined && records.length !== 1)
    throw new Error(`--edit is for one record, and ${records.length} are selected`);
  const { by, note = null, force, dryRun } = options;
  const tally = new Map<string, number>();
  let allSettled = true;
  for (const record of records) {
    const position = formatPosition(record);
    const stream = streamOfTopic.get(record.topic);
    if (stream === undefined)
      throw new Error(`${position}: no stream reads this topic; is KAFKA_TOPIC_… set as for the functions?`);
    const edited = await editedValue(record, options);
    const result = await replayRecord(
      pool,
      stream,
      record,
      { editedValue: edited, by, note, force, dryRun },
      rules,
    );
    say(`${position}: ${resultText(result, dryRun)}`);
    const kind = result.kind === "settled" ? result.outcome.replace("_", " ") : result.kind;
    tally.set(kind, (tally.get(kind) ?? 0) + 1);
    if (result.kind === "refused again" || result.kind === "too many attempts") allSettled = false;
  }
  const summary = [...tally].map(([kind, count]) => `${count} ${kind}`).join(", ");
  if (records.length > 0) say(dryRun ? `dry run, nothing has changed: ${summary}` : summary);
  return allSettled;
}
