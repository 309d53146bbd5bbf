// The audit's report for people: a table per partition, the streams, and one verdict line.

import { type AuditReport, holdsLess, isClean, type PartitionAudit } from "../../lib/audit/audit.ts";
import { breakText, needsNote } from "../../lib/audit/logs.ts";
import { countOf } from "../../lib/core/count.ts";
import { type OffsetRanges, rangesText, size } from "../../lib/core/ranges.ts";
import { COMPACTED_TOPIC } from "../../lib/kafka/compaction.ts";
import { fittingTable } from "../terminal/table.ts";

function partitionRow(one: PartitionAudit): string[] {
  const count = (ranges: OffsetRanges) => (ranges.length === 0 ? "·" : String(size(ranges)));
  return [
    `${one.topic}-${one.partition}`,
    one.incarnation === 0 ? "" : `incarnation ${one.incarnation}`,
    `${one.first}–${one.end}`,
    one.committed === null ? "none" : String(one.committed),
    ...[one.applied, one.lag, one.gone, one.holes].map(count),
    one.lost.length === 0 && one.expired.length === 0
      ? "·"
      : String(one.lost.reduce((sum, range) => sum + range.records, size(one.expired))),
  ];
}

export const HOLDS_LESS =
  "the database holds less than the trigger has passed: it was emptied, or is an older copy, or the last or first batch was given up";

/** What a compacted topic has that no record was counted for. */
const compactedOf = ({ isCompacted, withoutRecord }: PartitionAudit) => (isCompacted ? withoutRecord : 0);

function rangeLines(one: PartitionAudit): string[] {
  const name = `${one.topic}-${one.partition}`;
  return [
    ...one.lost.map(
      ({ from, to, records }) =>
        `LOST ${name} [${from},${to}): ${countOf(records, "record")}, still on the broker: npm run audit -- --repair counts them`,
    ),
    ...(one.expired.length === 0
      ? []
      : [
          `LOST ${name} ${rangesText(one.expired)}: for good, retention removed it before it was counted ` +
            "(npm run audit -- --acknowledge takes note of it)",
        ]),
    ...(compactedOf(one) === 0
      ? []
      : [
          `compacted ${name}: ${countOf(compactedOf(one), "offset")} without a record (transaction markers among them, if there ` +
            `were any); ${COMPACTED_TOPIC}`,
        ]),
    ...(one.gone.length === 0 ? [] : [`gone by retention ${name} ${rangesText(one.gone)}`]),
    ...(one.holes.length === 0 || one.isCompacted ? [] : [`hole ${name} ${rangesText(one.holes)}`]),
    ...(one.lag.length === 0 ? [] : [`lag ${name} ${rangesText(one.lag)}`]),
  ];
}

/** One line: clean, or what is wrong. */
export function verdictOf(report: AuditReport): string {
  const { partitions, streams, breaks, problems } = report;
  const total = (ranges: (one: PartitionAudit) => OffsetRanges) =>
    partitions.reduce((sum, one) => sum + size(ranges(one)), 0);
  const [lag, gone] = [total((one) => one.lag), total((one) => one.gone)];
  const still = `${countOf(lag, "offset")} still to come${gone === 0 ? "" : `, ${gone} gone by retention`}`;
  const compacted = partitions.reduce((sum, one) => sum + compactedOf(one), 0);
  const conflicts = streams.reduce((sum, one) => sum + one.openConflicts, 0);
  const contested = conflicts === 0 ? "" : `, ${countOf(conflicts, "conflict")} to look at`;
  if (isClean(report))
    return compacted === 0
      ? `clean: nothing lost, nothing doubled; ${still}${contested}`
      : `clean but for ${countOf(compacted, "offset of compacted topics, which was", "offsets of compacted topics, which were")} never counted; ${still}${contested}`;
  const expired = total((one) => one.expired);
  const lost = partitions.flatMap((one) => one.lost);
  const wrong = [
    ...(partitions.some(holdsLess) ? [`${HOLDS_LESS} (--repair delivers it again)`] : []),
    ...(lost.length === 0
      ? []
      : [
          `LOST ${countOf(
            lost.reduce((sum, one) => sum + one.records, 0),
            "record",
          )} in ${countOf(lost.length, "range")}`,
        ]),
    ...(expired === 0 ? [] : [`LOST ${countOf(expired, "offset")} for good, by retention`]),
    ...(compacted === 0
      ? []
      : [
          `${countOf(compacted, "offset of compacted topics was", "offsets of compacted topics were")} never counted`,
        ]),
    ...streams.flatMap(({ stream, difference }) => (difference === null ? [] : [`${stream}: ${difference}`])),
    ...(breaks.some(needsNote)
      ? [
          `${countOf(breaks.filter(needsNote).length, "log")} broke (npm run audit -- --acknowledge when you have taken note)`,
        ]
      : []),
    ...(problems.length === 0
      ? []
      : [`${countOf(problems.length, "row of the ledger does", "rows of the ledger do")} not add up`]),
  ];
  return `NOT CLEAN: ${wrong.join("; ")}; ${still}${contested}`;
}

function amendedText(amended: number): string {
  return amended === 0 ? "" : ` ${amended > 0 ? "+" : "−"} ${Math.abs(amended)} by amendments`;
}

/**
 * @param width columns of the terminal
 * @returns lines
 */
export function reportText(report: AuditReport, width: number): string[] {
  const header = ["partition", "", "on broker", "committed", "applied", "lag", "gone", "holes", "LOST"];
  const isGroupUnknown = report.partitions.some((one) => one.committed === null && one.applied.length > 0);
  return [
    `source ${report.source}`,
    fittingTable(header, report.partitions.map(partitionRow), width),
    ...(isGroupUnknown
      ? [
          "committed none: the group is not known, and the highest applied offset is taken instead; KAFKA_GROUP_SENSOR_DATA, KAFKA_GROUP_METER_READINGS and KAFKA_GROUP_WEATHER name the triggers' groups",
        ]
      : []),
    ...report.partitions.flatMap(rangeLines),
    ...report.breaks.map(breakText),
    ...report.redelivered.map(
      ({ topic, partition, offsets, records, counted, deliveredBy, lastAt }) =>
        `delivered again ${topic}-${partition} ${rangesText(offsets)}: ${countOf(records, "record")}, ${counted} counted, by ${deliveredBy}, last at ${lastAt}`,
    ),
    ...report.others.map(
      (one) =>
        `${one.why}: ${one.source} ${one.topic}-${one.partition} incarnation ${one.incarnation}, ${countOf(one.records, "record")}`,
    ),
    ...report.streams.map(
      ({ stream, finalUpTo, counted, inRows, inDroppedMonths, amended, difference }) =>
        `${stream}: final up to ${finalUpTo ?? "nothing yet"}; ${counted} counted${amendedText(amended)}, ${inRows} in rows${inDroppedMonths === 0 ? "" : ` and ${inDroppedMonths} in months that were dropped`}: ${difference ?? "equal"}`,
    ),
    ...report.streams
      .filter(({ conflicts }) => conflicts > 0)
      .map(
        ({ stream, conflicts, openConflicts }) =>
          `conflicts ${stream}: ${countOf(conflicts, "record")} came with the identity of a counted event and other content; ${openConflicts} still to look at: npm run quarantine -- conflicts --open`,
      ),
    ...report.problems.map((problem) => `does not add up: ${problem}`),
    verdictOf(report),
  ];
}
