// Makes and reverts amendments. The events are read again and folded with and without the amendment; PostgreSQL takes
// the result only where the rows are still what the first fold says, and writes entry and rows in one transaction.

import { DatabaseError, type Pool } from "pg";
import { windowStartUs } from "../core/window.ts";
import type { Archive } from "../kafka/archive.ts";
import type { Queryable } from "../store/judge.ts";
import { inTransaction } from "../store/transaction.ts";
import { type AmendableName, amendableStreams, streamOf } from "./amendable.ts";
import { CountedRecords } from "./counted.ts";
import { type Correction, type Entry, rowKey, type Selector } from "./entry.ts";
import { entriesInForce } from "./in-force.ts";
import { type Refold, Refolding, windowsOf } from "./refold.ts";

export interface Amendment {
  readonly selector: Selector;
  /** Null where the events shall not count at all. */
  readonly correction: Correction | null;
  /** Event time, half-open, µs. */
  readonly fromUs: number;
  readonly toUs: number;
}

export interface Decision {
  readonly reason: string;
  readonly by: string;
  /** Find out what would change, and change nothing. */
  readonly dryRun: boolean;
}

export interface AmendmentTools {
  readonly pool: Pool;
  readonly archive: Archive;
  readonly topics: Readonly<Record<AmendableName, string>>;
  /** Is told how many offsets have been read, of how many. */
  onRead(offsets: number, of: number): void;
}

/** What an amendment has changed, or would. */
export interface Amended {
  /** Its number; null where no row changes, and then there is no entry. */
  readonly id: number | null;
  readonly rows: number;
  readonly countBefore: number;
  readonly countAfter: number;
}

type Judged =
  | Amended
  | { readonly differing: number; readonly first: string }
  | { readonly needsEvents: string };

/** How much older than its event a record may be by Kafka's clock to be found without reading the whole topic. */
const CLOCK_ERROR_MS = 86_400_000;
/** Each round has less to read than the one before. */
const ROUNDS_WITHOUT_HOLDING = 3;
/** The class of errors that the SQL functions raise for people. */
const REFUSED_BY_US = "SG001";

const nothing: Amended = { id: null, rows: 0, countBefore: 0, countAfter: 0 };

/** Refused for a reason that a person has to hear; nothing has changed. */
export class AmendmentError extends Error {
  override name = "AmendmentError";
}

/** Calls one of the SQL functions, in a transaction of the caller's. */
async function judge(client: Queryable, statement: string, parameters: unknown[]): Promise<Judged> {
  const placeholders = parameters.map((_, i) => `$${i + 1}`).join(", ");
  const sql = `SELECT ${statement}(${placeholders}) AS judged`;
  try {
    const judged = (await client.query<{ judged: Judged }>(sql, parameters)).rows[0]?.judged;
    if (judged === undefined) throw new Error(`${statement} returned no row`);
    return judged;
  } catch (error) {
    if (error instanceof DatabaseError && error.code === REFUSED_BY_US)
      throw new AmendmentError(error.message, { cause: error });
    throw error;
  }
}

const endOf = ({ dryRun }: Decision) => (dryRun ? "ROLLBACK" : "COMMIT");

/** The groups of the selected events: a meter's readings may count for one customer after another. */
async function groupsOf(
  tools: AmendmentTools,
  { selector, fromUs, toUs }: Amendment,
  sinceMs: number,
): Promise<ReadonlySet<string>> {
  const name = streamOf(selector);
  const { stream, selects } = amendableStreams[name];
  const selection = { before: [], after: [], firstUs: fromUs, endUs: toUs };
  const refolding = new Refolding(amendableStreams[name], {
    ...selection,
    concerns: (event) => selects(selector, event),
  });
  const groups = new Set<string>();
  const records = new CountedRecords(tools.archive, tools.topics[name]);
  for await (const batch of records.unread(tools.pool, sinceMs, tools.onRead))
    for (const record of batch) {
      const candidate = refolding.candidate(record);
      if (candidate !== null) groups.add(stream.groupOf(candidate.event));
    }
  return groups;
}

/**
 * Folds, lets PostgreSQL judge, and folds what came meanwhile. Where rows change faster than that, the last round holds
 * the topic's ledger: commits of the topic wait for as long as it takes to read what came since the round before.
 */
async function refoldAndAmend(
  tools: AmendmentTools,
  name: AmendableName,
  refold: Refold,
  header: object,
  decision: Decision,
  sinceMs: number,
): Promise<Judged> {
  const { statement, stream } = amendableStreams[name];
  const refolding = new Refolding(amendableStreams[name], refold);
  const records = new CountedRecords(tools.archive, tools.topics[name]);

  async function foldUnread(database: Queryable): Promise<void> {
    for await (const batch of records.unread(database, sinceMs, tools.onRead)) {
      const candidates = batch.flatMap((record) => refolding.candidate(record) ?? []);
      for (const candidate of await records.onlyCounted(database, candidates)) refolding.fold(candidate);
    }
  }

  function judgeRows(client: Queryable): Promise<Judged> {
    const rows = refolding.rows();
    return judge(client, statement, [
      JSON.stringify(header),
      rows.map((row) => row.windowStartUs),
      ...stream.parameters(rows.map((row) => row.before)),
      ...stream.parameters(rows.map((row) => row.after)),
    ]);
  }

  for (let round = 1; round <= ROUNDS_WITHOUT_HOLDING; round++) {
    await foldUnread(tools.pool);
    const judged = await inTransaction(tools.pool, judgeRows, endOf(decision));
    if (!("differing" in judged)) return judged;
  }
  return inTransaction(
    tools.pool,
    async (client) => {
      await client.query(
        "SELECT FROM ledger WHERE topic = $1 ORDER BY source, partition, incarnation FOR UPDATE",
        [tools.topics[name]],
      );
      await foldUnread(client);
      return judgeRows(client);
    },
    endOf(decision),
  );
}

/**
 * Reads what was recorded around the windows, and the whole topic where that is not all there is to them.
 * @throws AmendmentError where the topic does not hold all events of the rows
 */
async function refoldFromTopic(
  tools: AmendmentTools,
  name: AmendableName,
  span: Pick<Entry, "fromUs" | "toUs">,
  refoldSince: (sinceMs: number) => Promise<Omit<Refold, "firstUs" | "endUs">>,
  header: object,
  decision: Decision,
): Promise<Amended> {
  const windows = windowsOf(span, amendableStreams[name].stream.windowUs);
  let judged: Judged = nothing;
  for (const sinceMs of [Math.max(0, windows.firstUs / 1000 - CLOCK_ERROR_MS), 0]) {
    const refold = { ...windows, ...(await refoldSince(sinceMs)) };
    judged = await refoldAndAmend(tools, name, refold, { ...header, ...windows }, decision, sinceMs);
    if ("id" in judged && judged.id !== null) return judged;
  }
  if ("differing" in judged)
    throw new AmendmentError(
      `the topic ${tools.topics[name]} no longer holds all events of ${judged.differing} of the windows (retention, a ` +
        `topic created again, or event_ids that meant different events), so nothing has changed. The first: ${judged.first}`,
    );
  return nothing;
}

/**
 * Removes or corrects the events that a selector names and that are counted in a span, as a new entry.
 * @throws AmendmentError where the topic no longer holds all events of the windows, or a corrected event is none
 */
export async function amend(
  tools: AmendmentTools,
  amendment: Amendment,
  decision: Decision,
): Promise<Amended> {
  const { selector, correction, fromUs, toUs } = amendment;
  const name = streamOf(selector);
  const { stream, selects } = amendableStreams[name];
  const { firstUs, endUs } = windowsOf(amendment, stream.windowUs);
  const kind = correction === null ? "remove" : "correct";
  const header = { kind, stream: name, topic: tools.topics[name], ...amendment, ...decision };
  return refoldFromTopic(
    tools,
    name,
    { fromUs, toUs },
    async (sinceMs) => {
      const before = await entriesInForce(tools.pool, name, firstUs, endUs);
      const groups = "meter" in selector ? await groupsOf(tools, amendment, sinceMs) : null;
      return {
        before,
        after: [...before, { ...amendment, scope: null, rows: null }],
        concerns: (event) => (groups === null ? selects(selector, event) : groups.has(stream.groupOf(event))),
      };
    },
    header,
    decision,
  );
}

/**
 * Removes all that whole windows of a sensor or customer hold; needs no events.
 * @throws AmendmentError where the span does not begin and end with windows, or a meter is meant
 */
export async function emptyWindows(
  tools: Pick<AmendmentTools, "pool" | "topics">,
  amendment: Amendment,
  decision: Decision,
): Promise<Amended> {
  const { selector, fromUs, toUs } = amendment;
  const name = streamOf(selector);
  const { windowUs } = amendableStreams[name].stream;
  if ("meter" in selector)
    throw new AmendmentError(
      "a window holds all meters of a customer together: whole windows are a customer's",
    );
  if (fromUs % windowUs !== 0 || toUs % windowUs !== 0)
    throw new AmendmentError(`whole windows begin and end at multiples of ${windowUs / 60_000_000} minutes`);
  const header = { kind: "remove", stream: name, topic: tools.topics[name], ...amendment, ...decision };
  const judged = await inTransaction(
    tools.pool,
    (client) => judge(client, "empty_windows", [JSON.stringify(header)]),
    endOf(decision),
  );
  return "id" in judged && judged.id !== null ? judged : nothing;
}

/**
 * Reverts an amendment by another entry: by its differences where they say it all, else from the events.
 * @throws AmendmentError where there is none, it has been reverted, or the events that it takes are gone
 */
export async function revert(tools: AmendmentTools, id: number, decision: Decision): Promise<Amended> {
  const judged = await inTransaction(
    tools.pool,
    (client) => judge(client, "revert_amendment", [JSON.stringify({ reverts: id, ...decision })]),
    endOf(decision),
  );
  if ("id" in judged) return judged;
  const { rows } = await tools.pool.query<{ stream: AmendableName; fromUs: number; toUs: number }>(
    `SELECT stream, epoch_us(span_from)::float8 AS "fromUs", epoch_us(span_to)::float8 AS "toUs"
     FROM amendment WHERE id = $1`,
    [id],
  );
  const [span] = rows;
  if (span === undefined) throw new AmendmentError(`there is no amendment ${id}`);
  const { stream } = amendableStreams[span.stream];
  const { firstUs, endUs } = windowsOf(span, stream.windowUs);
  const before = await entriesInForce(tools.pool, span.stream, firstUs, endUs);
  const reverted = before.find((entry) => entry.id === id);
  if (reverted === undefined) throw new AmendmentError(`amendment ${id} has just been reverted`);
  const { selector, fromUs, toUs, rows: itsRows } = reverted;
  const topic = tools.topics[span.stream];
  return refoldFromTopic(
    tools,
    span.stream,
    span,
    async () => ({
      before,
      after: before.filter((entry) => entry !== reverted),
      concerns: (event) =>
        itsRows?.has(rowKey(windowStartUs(event.timeUs, stream.windowUs), stream.groupOf(event))) ?? false,
    }),
    { kind: "revert", stream: span.stream, topic, selector, fromUs, toUs, reverts: id, ...decision },
    decision,
  );
}
