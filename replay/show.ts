// What `npm run replay` says of a file before anything is sent.

import { formatDecimal } from "../lib/core/exact.ts";
import { formatInstant } from "../lib/core/instant.ts";
import type { Doubt, Layout } from "./layout.ts";
import { eventOf } from "./reading.ts";
import type { Survey, Total } from "./survey.ts";

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

/** What `--dry-run` shows. */
export function dryRunLines(survey: Survey, shiftUs: number): string[] {
  const { first, last } = survey;
  if (first === null || last === null) return [];
  return [
    `from ${formatInstant(first.timeUs)} to ${formatInstant(last.timeUs)} by the file, from ${formatInstant(first.timeUs + shiftUs)} as sent`,
    `first ${eventOf(first, shiftUs)}`,
    `last  ${eventOf(last, shiftUs)}`,
    ...totals("by meter or sensor:", survey.bySeries),
    ...totals("by day (UTC, by the file):", survey.byDay),
  ];
}
