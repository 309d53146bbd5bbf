// An amendment whose difference the events have to tell: they are read again and folded with and without it.

import type { Pool } from "pg";
import { countOf } from "../core/count.ts";
import type { Archive } from "../kafka/archive.ts";
import type { Queryable } from "../postgres/judge.ts";
import { inTransaction } from "../postgres/transaction.ts";
import type { StreamZones } from "../streams/stream.ts";
import { type AmendableName, amendableStreams } from "./amendable.ts";
import {
  type Amended,
  AmendmentError,
  type Answer,
  applyAndShow,
  endOf,
  nothing,
  type SignedReason,
} from "./apply.ts";
import { CountedRecords, refuseUncountedTopic } from "./counted.ts";
import type { Entry } from "./entry.ts";
import { type Refold, Refolding, windowsOf } from "./refold.ts";

export interface AmendmentTools {
  readonly pool: Pool;
  readonly archive: Archive;
  readonly topics: Readonly<Record<AmendableName, string>>;
  /** Those by which the events were counted. */
  readonly zones: StreamZones;
  /** Is told how many offsets have been read, of how many. */
  onRead(offsets: number, of: number): void;
}

/** How much older than its event a record may be by Kafka's clock to be found without reading the whole topic. */
export const CLOCK_ERROR_MS = 86_400_000;
/** Each round has less to read than the one before. */
const ROUNDS_WITHOUT_HOLDING = 3;

/**
 * Folds, lets PostgreSQL judge, and folds what came meanwhile. Where rows change faster than that, the last round holds
 * the topic's ledger: commits of the topic wait for as long as it takes to read what came since the round before.
 */
async function refoldAndAmend(
  tools: AmendmentTools,
  name: AmendableName,
  refold: Refold,
  header: object,
  decision: SignedReason,
  sinceMs: number,
): Promise<Answer> {
  const { statement } = amendableStreams[name];
  const refolding = new Refolding(amendableStreams[name], tools.zones, refold);
  const records = new CountedRecords(tools.archive, tools.topics[name]);

  async function foldUnread(database: Queryable): Promise<void> {
    for await (const batch of records.unread(database, sinceMs, tools.onRead)) {
      const candidates = batch.flatMap((record) => refolding.candidate(record) ?? []);
      for (const candidate of await records.onlyCounted(database, candidates)) refolding.fold(candidate);
    }
  }

  function applyRows(client: Queryable): Promise<Answer> {
    const { before, after } = refolding;
    const parameters = [
      JSON.stringify(header),
      before.windowStartsUs,
      ...before.parameters(),
      ...after.parameters(),
    ];
    return applyAndShow(client, statement, parameters, decision);
  }

  for (let round = 1; round <= ROUNDS_WITHOUT_HOLDING; round++) {
    await foldUnread(tools.pool);
    const answer = await inTransaction(tools.pool, applyRows, endOf(decision));
    if (!("differing" in answer)) return answer;
  }
  return inTransaction(
    tools.pool,
    async (client) => {
      await client.query(
        "SELECT FROM ledger WHERE topic = $1 ORDER BY source, partition, incarnation FOR UPDATE",
        [tools.topics[name]],
      );
      await foldUnread(client);
      return applyRows(client);
    },
    endOf(decision),
  );
}

/**
 * Reads what was recorded around the windows, and the whole topic where that is not all there is to them.
 * @throws AmendmentError where the topic does not hold all events of the rows, or nothing of it was counted
 */
export async function refoldFromTopic(
  tools: AmendmentTools,
  name: AmendableName,
  span: Pick<Entry, "fromUs" | "toUs">,
  refoldSince: (sinceMs: number) => Promise<Omit<Refold, "firstUs" | "endUs">>,
  header: object,
  decision: SignedReason,
): Promise<Amended> {
  await refuseUncountedTopic(tools.pool, tools.topics[name]);
  const windows = windowsOf(span, amendableStreams[name].stream.windowUs);
  let answer: Answer = nothing;
  for (const sinceMs of [Math.max(0, windows.firstUs / 1000 - CLOCK_ERROR_MS), 0]) {
    const refold = { ...windows, ...(await refoldSince(sinceMs)) };
    answer = await refoldAndAmend(tools, name, refold, { ...header, ...windows }, decision, sinceMs);
    if ("id" in answer && answer.id !== null) return answer;
  }
  if ("differing" in answer)
    throw new AmendmentError(
      `the topic ${tools.topics[name]} no longer holds all events of ${countOf(answer.differing, "window")} (retention, a log ` +
        `that was cut or created again, or event_ids that meant different events), so nothing has changed. The first: ${answer.first}`,
    );
  return nothing;
}
