// Finds the reading that was counted under a meter's id, in the topic or among the replays.

import { quoted } from "../core/printable.ts";
import { isRefusal } from "../streams/refusal.ts";
import { inZone } from "../streams/stream.ts";
import { type ConsumptionEvent, consumptionStream, identityOfReading } from "../streams/streams.ts";
import { eventKeyOf } from "../windows/fold.ts";
import { AmendmentError } from "./apply.ts";
import { CountedRecords, refuseUncountedTopic } from "./counted.ts";
import { type AmendmentTools, CLOCK_ERROR_MS } from "./from-topic.ts";
import type { Candidate } from "./refold.ts";

export interface Reading {
  readonly meter: string;
  readonly eventId: string;
}

/** The event times of what was counted under an identity, as long as that is remembered; ms. */
async function rememberedTimes({ pool }: AmendmentTools, identity: string): Promise<number[]> {
  const { rows } = await pool.query<{ timeMs: number }>(
    `SELECT epoch_us(event_time)::float8 / 1000 AS "timeMs" FROM seen_event
     WHERE stream = 'consumption' AND event_key = $1`,
    [eventKeyOf(identity)],
  );
  return rows.map(({ timeMs }) => timeMs);
}

async function search(
  tools: AmendmentTools,
  identity: string,
  sinceMs: number,
): Promise<(Candidate & { readonly event: ConsumptionEvent }) | null> {
  const stream = inZone(consumptionStream, tools.zones);
  const records = new CountedRecords(tools.archive, tools.topics.consumption);
  for await (const batch of records.unread(tools.pool, sinceMs, tools.onRead)) {
    const candidates = batch.flatMap((record) => {
      const event = stream.decode(record.value);
      return isRefusal(event) || event.identity !== identity ? [] : { ...record, event };
    });
    const [counted] = await records.onlyCounted(tools.pool, candidates);
    const found = candidates.find((candidate) => candidate === counted);
    if (found !== undefined) return found;
  }
  return null;
}

/** @throws AmendmentError where none was counted, or the topic no longer holds it */
export async function findReading(
  tools: AmendmentTools,
  { meter, eventId }: Reading,
): Promise<Candidate & { readonly event: ConsumptionEvent }> {
  await refuseUncountedTopic(tools.pool, tools.topics.consumption);
  const identity = identityOfReading(meter, eventId);
  const hints = (await rememberedTimes(tools, identity)).map((timeMs) =>
    Math.max(0, timeMs - CLOCK_ERROR_MS),
  );
  for (const sinceMs of [...hints, 0]) {
    const found = await search(tools, identity, sinceMs);
    if (found !== null) return found;
  }
  throw new AmendmentError(
    `no event ${quoted(eventId)} of meter ${quoted(meter)} was counted, or the topic ${tools.topics.consumption} no longer holds it`,
  );
}
