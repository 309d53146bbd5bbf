// The oracle: a pure function from what was observed of a run to the promises that it broke. It knows the log and
// what each record means; of the pipeline it uses no code, and its own decimals.
//
// LOST    a record that is still on the broker was never settled, or success was answered for it before, or one that
//         was settled is missing from the tables.
// DOUBLED a record was settled twice, or the tables hold more than the settled records, a repeated identity once.
// STUCK   after the calm end a row is still open, or a partition still lags.
// EARLY   a window was final too soon. Let an event be counted after the watermark had passed its window's end, and
//         let M be the move of the watermark that first passed it. That is right only if, of the event's partition,
//         (a) an event of at least the window's end plus the delay had been applied before M: the partition had moved
//             on, and the event is late by its own partition's reckoning; or
//         (b) the broker's answer that M was decided on was given no earlier than the window's end plus the delay,
//             the event was not in the log yet (or no more), and all that was had been applied by M and had brought no larger
//             event time for the idle time: the partition was idle; or the partition did not exist yet.
//         EARLY is also: a final row whose end the watermark has not reached; a watermark moved past the clock less
//         the delay; an event counted that was further ahead of the clock than the skew allows.
// LAW     the watermark went back; a ledger that does not add up; a wrong reason; a record called too late or in the
//         future that was not; an earlier value of a final row that is not on record; sums that are not the exact
//         ones byte for byte.
//
// Not covered: two breaks of a log (topic created again, log cut) that no sweep has come between (run.ts, LIMIT). Of a
// log that broke, success may be answered for records that are settled only after a sweep has seen it.

import type { SumColumn } from "../../lib/streams/declaration.ts";
import { streamRules } from "../../lib/streams/declared.ts";
import type { StreamName } from "../../lib/streams/stream.ts";
import { streams } from "../../lib/streams/streams.ts";
import type { MemoryDatabase } from "./memory-database.ts";
import type { LedgerRow } from "./memory-ledger.ts";
import { addNumeric, compareNumeric, plainNumeric, squareNumeric } from "./numeric.ts";
import { checkEarly, nameOf, type Settled, type Verdict } from "./oracle-early.ts";
import type { Outcome } from "./run.ts";
import { type Meaning, rulesOf } from "./schedule.ts";
import { columns } from "./window-rows.ts";

type EventMeaning = Extract<Meaning, { kind: "event" }>;
const DAY_US = 86_400e6;
const EARLIEST_US = Date.UTC(2000, 0, 1) * 1000;

/** The commits by which each record was settled. */
function settlements(observed: Outcome, say: (verdict: Verdict) => void): Settled[] {
  const settled: Settled[] = [];
  const appended = observed.trace.flatMap((event) => (event.kind === "append" ? [event.record] : []));
  const commits = observed.trace.flatMap((event, at) =>
    event.kind === "commit" ? [{ commit: event, at }] : [],
  );
  for (const record of appended) {
    const of = commits.filter(({ commit }) => commit.records.includes(record));
    if (of.length > 1) say(`DOUBLED: ${nameOf(record)} was settled ${of.length} times`);
    const first = of[0];
    if (first !== undefined) settled.push({ record, ...first });
    else if (observed.onBroker.includes(record)) say(`LOST: ${nameOf(record)} was never settled`);
  }
  observed.trace.forEach((event, at) => {
    if (event.kind !== "success") return;
    for (const record of event.records)
      if (record.branch === 0 && !settled.some((one) => one.record === record && one.at < at))
        say(`LOST: success was answered for ${nameOf(record)}, which was not settled`);
  });
  return settled;
}

/** What one event more makes of a column. */
function mergedWith(merge: SumColumn["merge"], old: string | undefined, amount: string): string {
  const plain = plainNumeric(amount);
  switch (merge) {
    case "add":
      return addNumeric(old ?? "0", amount, 6);
    case "addSquares":
      return addNumeric(old ?? "0", squareNumeric(amount), 12);
    case "least":
      return old === undefined || compareNumeric(plain, old) < 0 ? plain : old;
    case "greatest":
      return old === undefined || compareNumeric(plain, old) > 0 ? plain : old;
    case "countBy":
      throw new Error("the events of the simulation have nothing to be counted by");
  }
}

/** Row key and values that exact sums over the events give. */
function expectedRows(stream: StreamName, events: readonly EventMeaning[]): Map<string, string[]> {
  const rows = new Map<string, string[]>();
  const sums = streamRules[stream].columns;
  for (const { windowStartUs, group, amount } of events) {
    const key = [windowStartUs, ...group].join("\0");
    const [count = "0", ...old] = rows.get(key)?.slice(group.length) ?? [];
    const merged = sums.map(({ merge }, i) => mergedWith(merge, old[i], amount));
    rows.set(key, [...group, addNumeric(count, "1"), ...merged]);
  }
  return rows;
}

function checkRows(
  stream: StreamName,
  events: readonly EventMeaning[],
  { rows }: MemoryDatabase,
  say: (verdict: Verdict) => void,
): void {
  const expected = expectedRows(stream, events);
  const countAt = columns[stream].indexOf("add");
  for (const key of new Set([...expected.keys(), ...rows.keys()])) {
    const wanted = expected.get(key);
    const actual = rows.get(key)?.values;
    const missing = Number(wanted?.[countAt] ?? 0) - Number(actual?.[countAt] ?? 0);
    const row = key.replaceAll("\0", " ");
    if (missing > 0) say(`LOST: row ${row} lacks ${missing} events`);
    else if (missing < 0) say(`DOUBLED: row ${row} has ${-missing} events too many`);
    else if (wanted?.join() !== actual?.join())
      say(`LAW: row ${row} is ${actual?.join()}, not ${wanted?.join()}`);
  }
}

function isOnRecord(
  rows: readonly { partition: number; incarnation: number; offset: number }[],
  s: Settled,
): boolean {
  return rows.some(
    (row) =>
      row.partition === s.commit.partition &&
      row.incarnation === s.commit.incarnation &&
      row.offset === s.record.offset,
  );
}

/** What became of each settled record, checked for being allowed; returns those that belong into the sums. */
function countedOf(
  observed: Outcome,
  settled: readonly Settled[],
  say: (verdict: Verdict) => void,
): Settled[] {
  const { database, schedule } = observed;
  const rules = rulesOf(streams[schedule.stream].windowUs / 5);
  return settled.filter((one) => {
    const { record, commit } = one;
    const refused = database.quarantine.filter((row) => isOnRecord([row], one));
    const late = isOnRecord(database.tooLate, one);
    if (record.meaning.kind === "poison") {
      if (refused[0]?.reason !== record.meaning.reason) say(`LOST: ${nameOf(record)} is not in quarantine`);
      return false;
    }
    const { timeUs, windowEndUs } = record.meaning;
    if (refused.length > 0) {
      if (timeUs <= record.appendedAtUs + rules.futureSkewUs)
        say(`LAW: ${nameOf(record)} was not in the future`);
      return false;
    }
    const horizonUs = (markUs: number | null) =>
      Math.max(EARLIEST_US, markUs === null ? EARLIEST_US : markUs - rules.amendmentHorizonUs);
    if (late) {
      if (windowEndUs > horizonUs(commit.watermarkUs)) say(`LAW: ${nameOf(record)} was not too late`);
      return false;
    }
    if (timeUs > commit.nowUs + rules.futureSkewUs) say(`EARLY: ${nameOf(record)} lay in the future`);
    return true;
  });
}

/**
 * Of each identity the record that was applied first. Another with the same content is a repetition; one with other
 * content is a conflict, and has to be on record with the first one's position. Where the first may be forgotten, another
 * one is counted under its identity; then a third one is judged by either of them, for a commit that was tried before the
 * sweep forgot still knows the older one, which was counted as well.
 */
function onceEach(
  { database, schedule }: Outcome,
  inSums: readonly Settled[],
  say: (verdict: Verdict) => void,
): Settled[] {
  const { amendmentHorizonUs } = rulesOf(streams[schedule.stream].windowUs / 5);
  const contentOf = ({ timeUs, group, amount }: EventMeaning) =>
    [timeUs, ...group, plainNumeric(amount)].join("\0");
  const logOf = ({ commit }: Settled) =>
    database.ledger.find((l) => l.partition === commit.partition && l.incarnation === commit.incarnation)?.id;
  const onRecord = new Set(
    database.conflicts.map((c) => [c.log, c.offset, c.firstLog, c.firstOffset].join()),
  );
  const counted = new Map<string, readonly (Settled & { readonly meaning: EventMeaning })[]>();
  const inOrder = [...inSums].sort((a, b) => a.at - b.at || a.record.offset - b.record.offset);
  const once = inOrder.filter((one) => {
    const { meaning } = one.record;
    if (meaning.kind !== "event" || meaning.identity === null) return true;
    const before = counted.get(meaning.identity) ?? [];
    const newest = before.at(-1);
    if (newest !== undefined) {
      const rowOf = (first: Settled) =>
        [logOf(one), one.record.offset, logOf(first), first.record.offset].join();
      if (before.some((first) => onRecord.delete(rowOf(first)))) return false;
      if (before.some((first) => contentOf(first.meaning) === contentOf(meaning))) return false;
      const forgottenUs = (one.commit.watermarkUs ?? 0) - amendmentHorizonUs - DAY_US;
      if (newest.meaning.timeUs >= forgottenUs)
        say(`LOST: the conflict of ${nameOf(one.record)} is not on record`);
    }
    counted.set(meaning.identity, [...before, { ...one, meaning }]);
    return true;
  });
  for (const row of onRecord) say(`LAW: the conflict ${row} is none`);
  return once;
}

/** Checks those that were counted, or taken for a repetition, against the horizon: an entry of one is of no other. */
function checkHorizon(observed: Outcome, counted: readonly Settled[], say: (verdict: Verdict) => void): void {
  const rules = rulesOf(streams[observed.schedule.stream].windowUs / 5);
  for (const { record, commit } of counted) {
    if (record.meaning.kind !== "event" || commit.judgedByUs === null) continue;
    const repeated = counted.some((o) => o.record !== record && o.record.meaning === record.meaning);
    if (!repeated && record.meaning.windowEndUs <= commit.judgedByUs - rules.amendmentHorizonUs)
      say(`LAW: ${nameOf(record)} was beyond the horizon`);
  }
}

function checkHistory(
  { rows, history }: MemoryDatabase,
  countAt: number,
  say: (verdict: Verdict) => void,
): void {
  for (const row of rows.values()) {
    if (row.state === "open") say(`STUCK: row ${row.windowStartUs} ${row.values[0]} never became final`);
    const earlier = history.filter(
      (old) =>
        old.windowStartUs === row.windowStartUs &&
        old.values.slice(0, countAt).join() === row.values.slice(0, countAt).join(),
    );
    const revisions = [...earlier, row];
    revisions.forEach(({ revision, values }, i) => {
      const before = revisions[i - 1]?.values[countAt] ?? "0";
      if (revision !== i + 1 || Number(values[countAt]) <= Number(before))
        say(
          `LAW: row ${row.windowStartUs} ${row.values[0]} has revision ${revision} of ${values[countAt]} after ${before}`,
        );
    });
  }
}

function checkLedger(
  ledger: readonly LedgerRow[],
  settled: readonly Settled[],
  say: (verdict: Verdict) => void,
): void {
  for (const { counted, quarantined, tooLate, duplicates, conflicts, records, ...row } of ledger) {
    const { partition, incarnation } = row;
    if (counted + quarantined + tooLate + duplicates + conflicts !== records)
      say(`LAW: the ledger of t-${partition}/${incarnation} does not add up`);
    const of = settled.filter(
      (s) => s.commit.partition === partition && s.commit.incarnation === incarnation,
    );
    if (records !== of.length)
      say(`LAW: the ledger of t-${partition}/${incarnation} has ${records} records, not ${of.length}`);
  }
}

/** @returns the promises that were broken; empty for a good run */
export function verdictsOn(observed: Outcome): Verdict[] {
  const verdicts: Verdict[] = [];
  const say = (verdict: Verdict) => void verdicts.push(verdict);
  const { database, schedule, trace } = observed;
  const settled = settlements(observed, say);
  const inSums = countedOf(observed, settled, say);
  const once = onceEach(observed, inSums, say);
  const events = once.flatMap(({ record: { meaning } }) => (meaning.kind === "event" ? [meaning] : []));
  checkRows(schedule.stream, events, database, say);
  checkHorizon(observed, inSums, say);
  checkEarly(observed, inSums, say);
  checkHistory(database, columns[schedule.stream].indexOf("add"), say);
  checkLedger(database.ledger, settled, say);
  if (!trace.some((event) => event.kind === "move")) say("STUCK: no sweep moved the watermark");
  for (const [partition, { lag }] of database.progress)
    if (lag > 0) say(`STUCK: t-${partition} lags by ${lag}`);
  return verdicts;
}
