// The words of the status line.

import { type KeptCounts, keptKinds } from "../../lib/postgres/kept.ts";

export interface Status {
  /** What must be seen first, in capitals and with figures, such as "LOST 12"; nothing where all is well. */
  readonly alerts: readonly string[];
  readonly eventsPerSecond: number;
  /** Records that the triggers have not delivered yet. */
  readonly lag: number;
  readonly open: number;
  readonly final: number;
  readonly watermarks: readonly { readonly stream: string; readonly atMs: number | null }[];
}

/** What the sweeper has found, and what became of it. */
export interface Findings {
  /** Logs that were truncated or exchanged, of which nobody has taken note yet. */
  readonly brokenLogs: number;
  /** Offsets that the triggers have passed and that are not counted. */
  readonly lost: number;
  /** More of these, perhaps, that have not been looked up on the broker yet: where this is not 0, `lost` may be too low. */
  readonly unchecked: number;
  /** Whether the database looks as if it was emptied, or were an older copy. */
  readonly holdsLess: boolean;
  /** Lost records that were delivered again since the start. */
  readonly redelivered: number;
  /** Too late and doubtful records: those since the start. */
  readonly kept: readonly KeptCounts[];
}

/** `QUARANTINED 4: consumption 3, sensor 1 (npm run quarantine -- list)` */
function keptAlerts(kept: readonly KeptCounts[]): string[] {
  return keptKinds.flatMap(({ kind, word, listedBy }) => {
    const streams = kept.filter((counts) => counts[kind] > 0);
    if (streams.length === 0) return [];
    const sum = streams.reduce((total, counts) => total + counts[kind], 0);
    const each = streams.map((counts) => `${counts.stream} ${counts[kind]}`).join(", ");
    return [`${word.toUpperCase()} ${sum}: ${each} (${listedBy})`];
  });
}

/** What the triggers have passed and nobody has counted is seen first; also that it was made good. */
export function alertsOf(findings: Findings): string[] {
  const { brokenLogs, lost, unchecked, holdsLess, redelivered, kept } = findings;
  return [
    ...(lost === 0
      ? []
      : [
          `LOST ${unchecked === 0 ? "" : "at least "}${lost}${holdsLess ? ": database emptied or an older copy" : ""} (/ready says where)`,
        ]),
    ...(brokenLogs === 0 ? [] : [`LOGS BROKEN ${brokenLogs} (npm run audit)`]),
    ...keptAlerts(kept),
    ...(redelivered === 0 ? [] : [`${redelivered} delivered again`]),
  ];
}

/** Without the numbers of each stream. */
function summed(alert: string): string {
  return alert.replace(/: .* \(/, " (");
}

/** Without the hint where to look, too. */
function brief(alert: string): string {
  return summed(alert).replace(/ \(.*\)$/, "");
}

const NO_WATERMARK = "–";
const SECONDS_LENGTH = ":05".length;

/** `30.11. 19:28:05`, UTC. */
function dayAndTime(atMs: number): string {
  const [, month, day, time] = /^\d+-(\d+)-(\d+)T(.{8})/.exec(new Date(atMs).toISOString()) ?? [];
  return `${day}.${month}. ${time}`;
}

/** The watermark that is furthest behind, which is the one to look at, to the minute; none where a stream has none yet. */
function oldestOf(watermarks: Status["watermarks"]): string {
  const times = watermarks.map(({ atMs }) => atMs ?? Number.NEGATIVE_INFINITY);
  const oldest = Math.min(...times);
  return Number.isFinite(oldest) ? dayAndTime(oldest).slice(0, -SECONDS_LENGTH) : NO_WATERMARK;
}

/**
 * The fullest line that fits; one that fits nowhere is the shortest there is.
 * @param width columns
 */
export function statusText(status: Status, width: number): string {
  const { alerts, eventsPerSecond, lag, open, final, watermarks } = status;
  const rate = `${eventsPerSecond.toFixed(0)} events/s`;
  const windows = `windows ${open} open ${final} final`;
  const each = watermarks
    .map(({ stream, atMs }) => `${stream} ${atMs === null ? NO_WATERMARK : dayAndTime(atMs)}`)
    .join(" · ");
  const oldest = oldestOf(watermarks);
  const lines = [
    [...alerts, rate, `lag ${lag}`, `watermarks (UTC) ${each}`, windows],
    [...alerts, rate, `lag ${lag}`, `watermark ${oldest}`, windows],
    [...alerts, rate, `lag ${lag}`, `watermark ${oldest}`],
    [...alerts, rate, `lag ${lag}`],
    [...alerts.map(summed), rate, `lag ${lag}`],
    [...alerts.map(brief), rate, `lag ${lag}`, `watermark ${oldest}`],
    [...alerts.map(brief), rate, `lag ${lag}`],
    alerts.map(brief),
  ].map((parts) => parts.join(" · "));
  return (
    lines.find((line) => line !== "" && line.length <= width) ?? lines.findLast((line) => line !== "") ?? ""
  );
}
