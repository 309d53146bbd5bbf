// What `npm run replay` says of a file before anything is sent.

import { formatDecimal } from "../../lib/core/exact.ts";
import { formatInstant } from "../../lib/core/instant.ts";
import { type Fate, fates } from "./fate.ts";
import type { Doubt, Layout } from "./layout.ts";
import { eventOf } from "./reading.ts";
import type { Shift } from "./shift.ts";
import type { Survey, Total } from "./survey.ts";
import { DAY_US } from "./times.ts";

const MOST_LINES = 20;

/** A sum without the zeros at its end. */
function kwh({ sumKwh }: Total): string {
  return formatDecimal(sumKwh.total()).replace(/\.?0+$/, "");
}

function totals(title: string, byKey: ReadonlyMap<string, Total>): string[] {
  const shown = [...byKey].slice(0, MOST_LINES);
  const rest = byKey.size - shown.length;
  return [
    title,
    ...shown.map(([key, total]) => `  ${key}: ${total.count} events, ${kwh(total)} kWh`),
    ...(rest > 0 ? [`  … and ${rest} more`] : []),
  ];
}

export function layoutLine(layout: Layout): string {
  return `layout ${layout.name}: ${layout.about}`;
}

export function readLines(survey: Survey): string[] {
  return [
    `read ${survey.count} events of ${survey.bySeries.size} meters and sensors`,
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
  const time = (timeUs: number) => formatInstant(timeUs).replace(/(:00)?\.000000Z$/, "Z");
  const kept = keptSince === null ? "" : `, as on ${keptSince.toISOString().slice(0, 10)}`;
  return (
    `from ${time(first.timeUs)} to ${time(last.timeUs)} by the file, ` +
    (days === 0
      ? `sent as they are${kept}`
      : `sent with a shift of ${days} days${kept}: from ${time(first.timeUs + days * DAY_US)} to ${time(last.timeUs + days * DAY_US)}`)
  );
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
    ...(skipped > 0 ? [`${skipped} values were skipped`] : []),
    ...[...others].map(
      ([fate, { count }]) => `${count} ${count === 1 && fate === "duplicate" ? fate : PLURALS[fate]}`,
    ),
    ...(unclear > 0
      ? [
          `${[
            ...(cuts.length > 0 ? [`the log was cut or created again meanwhile (${cuts.join(", ")})`] : []),
            ...(unseen.length > 0
              ? [`the sweeper has not looked at ${unseen.join(", ")} since (does it run?)`]
              : []),
          ].join(
            " and ",
          )}, and nobody can tell how many of ${unclear} records were counted; send the file again, readings of meters count once`,
        ]
      : []),
    ...(applied + unclear < sent
      ? [
          `${sent - unclear - applied} have not been taken yet (is a function failing? See .local/functions.log)`,
        ]
      : []),
  ];
  return reasons.length === 0 ? null : `not everything was counted: ${reasons.join(", ")}`;
}

/** What `--dry-run` shows. */
export function dryRunLines(survey: Survey, shift: Shift): string[] {
  const { first, last } = survey;
  if (first === null || last === null) return [];
  const shiftUs = shift.days * DAY_US;
  return [
    `${shiftLine(survey, shift)} (unless these meters have been sent before)`,
    `first ${eventOf(first, shiftUs)}`,
    `last  ${eventOf(last, shiftUs)}`,
    ...totals("by meter or sensor:", survey.bySeries),
    ...totals("by day (UTC, by the file):", survey.byDay),
  ];
}
