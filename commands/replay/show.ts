// What `npm run replay` says of a file before anything is sent.

import { countOf } from "../../lib/core/count.ts";
import { formatDecimal } from "../../lib/core/exact.ts";
import { type Fate, fates } from "./fate.ts";
import type { Doubt, Layout } from "./layout.ts";
import { eventOf } from "./reading.ts";
import type { Seen } from "./seen.ts";
import type { Shift } from "./shift.ts";
import type { Survey, Total } from "./survey.ts";
import { DAY_US, shortInstant } from "./times.ts";

const MOST_LINES = 20;

/** A sum without the zeros at its end. */
function kwh({ sumKwh }: Total): string {
  return formatDecimal(sumKwh).replace(/\.?0+$/, "");
}

function totals(title: string, byKey: ReadonlyMap<string, Total>): string[] {
  const shown = [...byKey].slice(0, MOST_LINES);
  const rest = byKey.size - shown.length;
  return [
    title,
    ...shown.map(([key, total]) => `  ${key}: ${countOf(total.count, "event")}, ${kwh(total)} kWh`),
    ...(rest > 0 ? [`  … and ${rest} more`] : []),
  ];
}

/** @param zone of `--zone` */
export function layoutLine({ name, about, zoneOfLocalTimes = null }: Layout, zone: string | null): string {
  const read = zone ?? zoneOfLocalTimes;
  const times = read === null ? "" : `; times without a zone are read as ${read}`;
  return `layout ${name}: ${about}${times}${zone === null && read !== null ? " (--zone takes another one)" : ""}`;
}

export function readLines(survey: Survey): string[] {
  return [
    `read ${countOf(survey.count, "event")} of ${countOf(survey.bySeries.size, "meter or sensor", "meters and sensors")}`,
    ...survey.leftOut.lines().map((line) => `left out ${line}`),
    ...survey.skipped.lines().map((line) => `skipped ${line}`),
  ];
}

export function doubtLine({ name, text }: Doubt, accepted: boolean): string {
  return accepted ? `accepted (${name}): ${text}` : `DOUBT ${text} (or --accept ${name})`;
}

/** The readings' times, by the file and as they are sent. */
export function shiftLine({ first, last }: Survey, { days, keptSince }: Shift): string {
  if (first === null || last === null) return "no readings";
  const [from, to] = [first, last].map(({ timeUs }) => shortInstant(timeUs));
  const kept =
    keptSince === null
      ? ""
      : ` (kept since ${keptSince.toISOString().slice(0, 10)}, when they were first sent)`;
  if (days === 0) return `times by the file: ${from} to ${to}, sent without a shift${kept}`;
  const [movedFrom, movedTo] = [first, last].map(({ timeUs }) => shortInstant(timeUs + days * DAY_US));
  return `times by the file: ${from} to ${to}, sent with a shift of ${countOf(days, "day")}${kept}: ${movedFrom} to ${movedTo}`;
}

const PLURALS = {
  quarantined: "quarantined",
  "too late": "too late",
  conflict: "in conflict",
  duplicate: "duplicates",
} as const;

/** What became of the records that were sent. */
export function fateLines({ counted, others, unclear }: Fate): string[] {
  const count = (fate: (typeof fates)[number]) => others.get(fate)?.count ?? 0;
  return [
    [
      `counted ${counted}`,
      ...fates.map((fate) => `${PLURALS[fate]} ${count(fate)}`),
      ...(unclear > 0 ? [`unclear ${unclear}`] : []),
    ].join(" · "),
    ...[...others].flatMap(([fate, troubles]) => troubles.lines().map((line) => `${PLURALS[fate]}: ${line}`)),
  ];
}

/** Why not everything of the file has been counted; null where it has. */
export function verdict(
  { sent, applied, others, unclear, unseen, cuts }: Fate,
  skipped: number,
): string | null {
  const reasons = [
    ...(skipped > 0 ? [skipped === 1 ? "1 value was skipped" : `${skipped} values were skipped`] : []),
    ...[...others].map(
      ([fate, { count }]) => `${count} ${count === 1 && fate === "duplicate" ? fate : PLURALS[fate]}`,
    ),
    ...(unclear > 0
      ? [
          `${[
            ...(cuts.length > 0 ? [`the log was cut or created again meanwhile (${cuts.join(", ")})`] : []),
            ...(unseen.length > 0
              ? [`the sweeper has not looked at ${unseen.join(", ")} since then (does it run?)`]
              : []),
          ].join(
            " and ",
          )}, so it is not known how many of ${countOf(unclear, "record")} were counted; send the file again: readings of meters count once`,
        ]
      : []),
    ...(applied + unclear < sent
      ? [
          `${countOf(sent - unclear - applied, "event has", "events have")} not been processed yet (is a function failing? See .local/functions.log)`,
        ]
      : []),
  ];
  return reasons.length === 0 ? null : `not everything was counted: ${reasons.join(", ")}`;
}

/** What a dry run knows of the pipeline, in words. */
export function seenLines({ asked, counted }: Seen): string[] {
  if (asked === 0)
    return ["whether these values were sent before is not known: sensors' values have no identity"];
  const of = `of ${countOf(asked, "reading")} that were looked up`;
  return [
    counted === 0
      ? `sent before: none ${of} (the pipeline remembers identities for the amendment horizon)`
      : `SENT BEFORE: ${counted} ${of} ${counted === 1 ? "is" : "are"} counted already, and would be ${counted === 1 ? "a duplicate" : "duplicates"} (a conflict, where the value differs)`,
  ];
}

/** What `--dry-run` shows of the file. */
export function dryRunLines(survey: Survey, shift: Shift): string[] {
  const { first, last } = survey;
  if (first === null || last === null) return [];
  const shiftUs = shift.days * DAY_US;
  return [
    shiftLine(survey, shift),
    `first ${eventOf(first, shiftUs)}`,
    `last  ${eventOf(last, shiftUs)}`,
    ...totals("by meter or sensor:", survey.bySeries),
    ...totals("by day (UTC, by the file):", survey.byDay),
  ];
}
