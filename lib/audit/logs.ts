// Whether the ledger's entries are of the logs that the broker has, also where no sweep has seen yet that they are not.

import type { Pool } from "pg";
import { countOf } from "../core/count.ts";
import type { LogBreak } from "../core/log-identity.ts";
import type { Archive } from "../kafka/archive.ts";
import type { GroupReader } from "../kafka/groups.ts";
import type { OffsetReader } from "../kafka/offsets.ts";
import { topicLogOf } from "../kafka/topic-log.ts";
import { postgresSweepStore } from "../postgres/sweep-store.ts";
import type { SweptTopic } from "../windows/sweep.ts";
import { watchLog } from "../windows/watch-log.ts";
import type { BrokenLog } from "./books.ts";

/** @returns by partition, what broke and no sweep has seen; nothing is written. @throws where broker or database are away */
export async function unseenBreaks(
  pool: Pool,
  swept: SweptTopic,
  offsets: OffsetReader,
  groups: GroupReader,
  archive: Archive,
): Promise<ReadonlyMap<number, LogBreak>> {
  const log = topicLogOf(swept.topic, offsets, groups, archive);
  const { entries } = await postgresSweepStore(pool).readLedger(swept);
  const observed = await watchLog(log, entries, await log.offsets());
  return new Map(
    observed.flatMap(({ entry, broken }) => (broken === null ? [] : [[entry.partition, broken] as const])),
  );
}

const words = {
  truncated: "the broker has lost a part of the log",
  created_again: "the topic was deleted and created again",
  another_cluster: "another cluster answers under the source's name",
  renamed: "the cluster was known under another source",
} as const satisfies Record<BrokenLog["kind"], string>;

/** Whether somebody has to look at it: something is lost, or was counted twice. */
export function needsNote({ kind, counted, isAcknowledged }: BrokenLog): boolean {
  return !isAcknowledged && (kind === "truncated" || kind === "another_cluster" || counted > 0);
}

/** `truncated readings-0 [98,108): the broker has lost a part of the log; 10 offsets of it had been counted …` */
export function breakText({
  topic,
  partition,
  kind,
  lost,
  counted,
  before,
  after,
  foundAt,
}: BrokenLog): string {
  const range = lost === null ? "" : ` [${lost.from},${lost.to})`;
  const what =
    kind === "renamed"
      ? "counted under both names"
      : `of it had been counted, and ${counted === 1 ? "stays" : "stay"} counted`;
  return `${kind} ${topic}-${partition}${range}: ${words[kind]}; ${countOf(counted, "offset")} ${what} (${before} → ${after}, found ${foundAt})`;
}

export function unseenText(topic: string, partition: number, { kind }: LogBreak): string {
  return `${topic}-${partition}: ${words[kind]}, and no sweep has seen it yet: let sweep-windows run, and audit again`;
}
