// Replays the selected records one after the other, each in its own transaction, and says what became of each.

import { readFile } from "node:fs/promises";
import type { Pool } from "pg";
import { countOf } from "../../lib/core/count.ts";
import { formatInstant } from "../../lib/core/instant.ts";
import { printable } from "../../lib/core/printable.ts";
import { UsageError } from "../../lib/core/usage-error.ts";
import { messageOf } from "../../lib/log.ts";
import { type Assignment, parseAssignments } from "../../lib/quarantine/assignment.ts";
import { type EditedValue, setFields } from "../../lib/quarantine/edit.ts";
import { formatPosition } from "../../lib/quarantine/position.ts";
import type { QuarantinedRecord } from "../../lib/quarantine/records.ts";
import { MAX_ATTEMPTS, type ReplayResult, replayRecord } from "../../lib/quarantine/resolve.ts";
import type { Event, Stream } from "../../lib/streams/stream.ts";
import type { LatenessRules } from "../../lib/windows/commit.ts";
import { constantLines, shownJson } from "./constants.ts";
import type { ReplayOptions } from "./options.ts";

type Edit =
  | { readonly kind: "none" }
  | ({ readonly kind: "edited" } & EditedValue)
  | { readonly kind: "impossible"; readonly why: string };

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
      return `not tried: it was refused ${countOf(result.attempts, "time")} (the limit is ${MAX_ATTEMPTS}); --force tries again`;
    case "replayed before":
      return `replayed before, by ${printable(result.by)} at ${result.at.toISOString()}`;
  }
}

function changesText(edit: Edit): string {
  if (edit.kind !== "edited") return "";
  return edit.changes
    .map(({ field, before, after }) => `${printable(field)} ${shownJson(before)} → ${shownJson(after)}; `)
    .join("");
}

async function editOf(
  record: QuarantinedRecord,
  file: string | undefined,
  assignments: readonly Assignment[],
): Promise<Edit> {
  if (file !== undefined) return { kind: "edited", value: await readFile(file), changes: [] };
  if (assignments.length === 0) return { kind: "none" };
  try {
    return { kind: "edited", ...setFields(record.value, assignments) };
  } catch (error) {
    // This record's own trouble: the others may be mended all the same.
    return { kind: "impossible", why: messageOf(error) };
  }
}

/**
 * Replays records in their order. Nothing is replayed before all edits are known.
 * @param streamOfTopic which stream reads a topic
 * @param say prints a line
 * @returns whether each of them is settled now, or would be
 * @throws Error where a record's topic is no stream's, options contradict each other, or one constant would be set in
 *   several records without --set-all; then nothing has been replayed
 */
export async function replaySelected(
  pool: Pool,
  records: readonly QuarantinedRecord[],
  streamOfTopic: ReadonlyMap<string, Stream<Event>>,
  options: ReplayOptions,
  rules: LatenessRules,
  say: (line: string) => void,
): Promise<boolean> {
  if (options.edit !== undefined && options.set.length > 0)
    throw new UsageError("--edit gives the whole value and --set some of its fields: use one of them");
  if (options.edit !== undefined && records.length !== 1)
    throw new UsageError(`--edit is for one record, and ${records.length} are selected`);
  const { by, note = null, force, dryRun } = options;
  const assignments = parseAssignments(options.set);
  const planned = await Promise.all(
    records.map(async (record) => {
      const stream = streamOfTopic.get(record.topic);
      if (stream === undefined)
        throw new Error(
          `${formatPosition(record)}: no stream reads the topic ${record.topic}; set KAFKA_TOPIC_SENSOR_DATA, KAFKA_TOPIC_METER_READINGS or KAFKA_TOPIC_WEATHER to it, as for the functions`,
        );
      return { record, stream, edit: await editOf(record, options.edit, assignments) };
    }),
  );
  const constants = constantLines(
    assignments,
    planned.flatMap(({ edit }) => (edit.kind === "edited" ? [edit] : [])),
  );
  if (constants.length > 0 && !options.setAll && !dryRun)
    throw new UsageError(
      `${constants.join("\n")}\nNothing has been replayed. Add --set-all to do this, or take each record's own value, as --set 'reading=number(reading)' does (docs/quarantine.md)`,
    );
  for (const line of constants) say(line);

  const tally = new Map<string, number>();
  let allSettled = true;
  const count = (what: string, isSettled: boolean) => {
    tally.set(what, (tally.get(what) ?? 0) + 1);
    if (!isSettled) allSettled = false;
  };
  for (const { record, stream, edit } of planned) {
    const position = formatPosition(record);
    if (edit.kind === "impossible") {
      say(`${position}: not tried: ${printable(edit.why)}`);
      count("not tried", false);
      continue;
    }
    const editedValue = edit.kind === "edited" ? edit.value : null;
    const result = await replayRecord(pool, stream, record, { editedValue, by, note, force, dryRun }, rules);
    say(`${position}: ${changesText(edit)}${resultText(result, dryRun)}`);
    const isSettled = result.kind === "settled" || result.kind === "replayed before";
    count(result.kind === "settled" ? result.outcome.replace("_", " ") : result.kind, isSettled);
  }
  const summary = [...tally].map(([kind, records]) => `${records} ${kind}`).join(", ");
  if (records.length > 0) say(dryRun ? `dry run, nothing has changed: ${summary}` : summary);
  if (dryRun && constants.length > 0) say("without --dry-run, this takes --set-all");
  return allSettled;
}
