// The oracle's part on finality: EARLY as oracle.ts defines it, and that the watermark does not go back.

import { streams } from "../../lib/streams/streams.ts";
import type { Outcome, TopicRecord, TraceEvent } from "./run.ts";
import { rulesOf } from "./schedule.ts";

export type Verdict = `${"LOST" | "DOUBLED" | "STUCK" | "EARLY" | "LAW"}: ${string}`;

type Commit = Extract<TraceEvent, { kind: "commit" }>;
type Move = Extract<TraceEvent, { kind: "move" }>;

export interface Settled {
  readonly record: TopicRecord;
  readonly commit: Commit;
  /** Where the commit stands in the trace. */
  readonly at: number;
}

export function nameOf({ partition, branch, offset }: TopicRecord): string {
  return `t-${partition}:${offset}${branch > 0 ? ` (log ${branch})` : ""}`;
}

export function checkEarly(
  observed: Outcome,
  counted: readonly Settled[],
  say: (verdict: Verdict) => void,
): void {
  const { trace, schedule } = observed;
  const { delayUs, idleUs } = rulesOf(streams[schedule.stream].windowUs / 5);
  const moves = trace.flatMap((event, at) => (event.kind === "move" ? [{ move: event, at }] : []));
  moves.forEach(({ move }, i) => {
    const before = moves[i - 1]?.move.watermarkUs ?? Number.NEGATIVE_INFINITY;
    const now = move.watermarkUs ?? Number.NEGATIVE_INFINITY;
    if (now < before) say("LAW: the watermark went back");
    if (now > before && now > move.nowUs - delayUs)
      say("EARLY: the watermark is past the clock less the delay");
  });
  for (const event of trace)
    if (event.kind === "commit" && event.judgedByUs !== event.watermarkUs)
      say("EARLY: the watermark moved while a batch was judged by the one before");

  for (const { record, commit, at } of counted) {
    if (record.meaning.kind !== "event") continue;
    const { windowEndUs } = record.meaning;
    if (commit.watermarkUs === null || windowEndUs > commit.watermarkUs) continue;
    const passed = moves.find(({ move }) => move.watermarkUs !== null && move.watermarkUs >= windowEndUs);
    if (passed === undefined || passed.at > at) continue;
    if (!mayBeLate(record, passed.move)) say(`EARLY: ${nameOf(record)} came for a final window`);
  }

  /** By what the sweep knew: of a commit between its decision and the move that follows it knows nothing. */
  function mayBeLate(record: TopicRecord, move: Move): boolean {
    if (record.meaning.kind !== "event") return true;
    const { windowEndUs } = record.meaning;
    const decidedAt = trace.findIndex((event) => event.kind === "decide" && event.offsets === move.offsets);
    const asked = trace.findIndex((event) => event.kind === "ask" && event.offsets === move.offsets);
    const ask = trace[asked];
    if (ask?.kind !== "ask") return false;
    const appliedByThen = counted.filter(
      (other) => other.record.partition === record.partition && other.at < decidedAt,
    );
    const movedOn = appliedByThen.some(
      ({ record: { meaning } }) => meaning.kind === "event" && meaning.timeUs >= windowEndUs + delayUs,
    );
    if (movedOn) return true;
    const appendedAt = trace.findIndex((event) => event.kind === "append" && event.record === record);
    const known = ask.offsets.some((o) => o.partition === record.partition);
    if (!known) return true;
    // Retention took it, but for a poller that had read it before.
    const gone = ask.offsets.some((o) => o.partition === record.partition && o.first > record.offset);
    if ((appendedAt < asked && !gone) || ask.nowUs < windowEndUs + delayUs) return false;
    const logAtAsk = trace
      .slice(0, asked)
      .flatMap((event) =>
        event.kind === "append" && event.record.partition === record.partition ? [event.record] : [],
      );
    const caughtUp = logAtAsk.every((r) => !observed.onBroker.includes(r) || settledBefore(r, decidedAt));
    let largest = Number.NEGATIVE_INFINITY;
    let grewAtUs = Number.NEGATIVE_INFINITY;
    for (const { record: r, commit } of appliedByThen) {
      if (r.meaning.kind !== "event" || r.meaning.timeUs <= largest) continue;
      largest = r.meaning.timeUs;
      grewAtUs = commit.nowUs;
    }
    return caughtUp && grewAtUs <= ask.nowUs - idleUs;
  }

  function settledBefore(record: TopicRecord, before: number): boolean {
    return trace.slice(0, before).some((event) => event.kind === "commit" && event.records.includes(record));
  }
}
