// Makes and reverts amendments: each is an entry, whose rows change with it in one transaction.

import { windowStartUs } from "../core/window.ts";
import { inTransaction } from "../postgres/transaction.ts";
import { type AmendableName, amendableStreams, streamOf } from "./amendable.ts";
import { type Amended, AmendmentError, applyAndShow, endOf, nothing, type SignedReason } from "./apply.ts";
import { CountedRecords } from "./counted.ts";
import { type Amendment, type Entry, rowKey } from "./entry.ts";
import { type AmendmentTools, refoldFromTopic } from "./from-topic.ts";
import { entriesInForce } from "./in-force.ts";
import { Refolding, windowsOf } from "./refold.ts";

/** The groups of the selected events: a meter's readings may count for one customer after another. */
async function groupsOf(
  tools: AmendmentTools,
  { selector, fromUs, toUs }: Amendment,
  before: readonly Entry[],
  sinceMs: number,
): Promise<ReadonlySet<string>> {
  const name = streamOf(selector);
  const { stream, selects } = amendableStreams[name];
  const selection = { before, after: [], firstUs: fromUs, endUs: toUs };
  const refolding = new Refolding(amendableStreams[name], tools.zones, {
    ...selection,
    concerns: (event) => selects(selector, event),
  });
  const groups = new Set<string>();
  const records = new CountedRecords(tools.archive, tools.topics[name]);
  for await (const batch of records.unread(tools.pool, sinceMs, tools.onRead))
    for (const record of batch) {
      const candidate = refolding.candidate(record);
      const event = candidate === null ? null : refolding.present(candidate);
      if (event !== null) groups.add(stream.groupOf(event));
    }
  return groups;
}

/**
 * Removes or corrects the events that a selector names and that are counted in a span, as a new entry.
 * @throws AmendmentError where the topic no longer holds all events of the windows, or a corrected event is none
 */
export async function amend(
  tools: AmendmentTools,
  amendment: Amendment,
  decision: SignedReason,
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
      const groups = "meter" in selector ? await groupsOf(tools, amendment, before, sinceMs) : null;
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
  decision: SignedReason,
): Promise<Amended> {
  const { selector, fromUs, toUs } = amendment;
  const name = streamOf(selector);
  const { windowUs } = amendableStreams[name].stream;
  if ("meter" in selector)
    throw new AmendmentError(
      "--whole-windows takes --customer or --sensor, not --meter: a row holds all meters of a customer together",
    );
  if (fromUs % windowUs !== 0 || toUs % windowUs !== 0)
    throw new AmendmentError(`whole windows begin and end at multiples of ${windowUs / 60_000_000} minutes`);
  const header = { kind: "remove", stream: name, topic: tools.topics[name], ...amendment, ...decision };
  const answer = await inTransaction(
    tools.pool,
    (client) => applyAndShow(client, "empty_windows", [JSON.stringify(header)], decision),
    endOf(decision),
  );
  return "id" in answer && answer.id !== null ? answer : nothing;
}

/**
 * Reverts an amendment by another entry: by its differences where they say it all, else from the events.
 * @throws AmendmentError where there is none, it has been reverted, or the events that it takes are gone
 */
export async function revert(tools: AmendmentTools, id: number, decision: SignedReason): Promise<Amended> {
  const answer = await inTransaction(
    tools.pool,
    (client) =>
      applyAndShow(client, "revert_amendment", [JSON.stringify({ reverts: id, ...decision })], decision),
    endOf(decision),
  );
  if ("id" in answer) return answer;
  const { rows } = await tools.pool.query<{ stream: AmendableName; fromUs: number; toUs: number }>(
    // The rows that it changed may lie outside of the span of its events, where it replaced one by one of another time.
    `SELECT a.stream, epoch_us(least(a.span_from, min(r.window_start)))::float8 AS "fromUs",
       greatest(epoch_us(a.span_to), epoch_us(max(r.window_start)) + 1)::float8 AS "toUs"
     FROM amendment AS a LEFT JOIN amendment_row AS r ON r.amendment_id = a.id WHERE a.id = $1 GROUP BY a.id`,
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
