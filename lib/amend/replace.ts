// Replaces one reading by another: an estimate by the actual value, what was counted by what came in conflict with it.

import { writeExact } from "../core/exact.ts";
import { formatInstant } from "../core/instant.ts";
import { quoted } from "../core/printable.ts";
import { isRefusal } from "../streams/refusal.ts";
import { inZone } from "../streams/stream.ts";
import { type ConsumptionEvent, consumptionStream, type EnergyUnit } from "../streams/streams.ts";
import { amendableStreams } from "./amendable.ts";
import { type Amended, AmendmentError, type SignedReason } from "./apply.ts";
import { type Amendment, type Correction, correctValue, decimalIn } from "./entry.ts";
import { findReading, type Reading } from "./find-reading.ts";
import { type AmendmentTools, refoldFromTopic } from "./from-topic.ts";
import { entriesInForce } from "./in-force.ts";
import { underEntries, windowsOf } from "./refold.ts";

export interface Replaced extends Amended {
  /** What counted, and what counts in its place, in words. */
  readonly from: string;
  readonly to: string;
}

const { windowUs } = consumptionStream;

function textOf({ reading, unit, timeUs, customerId }: ConsumptionEvent): string {
  return `${writeExact(reading)} ${unit} of ${formatInstant(timeUs)} for customer ${quoted(customerId)}`;
}

/** A reading as it counts at present, with the span of its event time. */
export interface PresentReading extends Pick<Amendment, "fromUs" | "toUs"> {
  readonly event: ConsumptionEvent;
  readonly value: Buffer;
  /** The windows that it has been in, µs. */
  readonly firstUs: number;
  readonly endUs: number;
}

/**
 * The reading of a meter under an id, as it counts at present.
 * @throws AmendmentError where none counts: it never came, the topic no longer holds it, or an amendment has removed it
 */
export async function presentReading(tools: AmendmentTools, reading: Reading): Promise<PresentReading> {
  const found = await findReading(tools, reading);
  const stream = inZone(consumptionStream, tools.zones);
  const amendable = { ...amendableStreams.consumption, stream };
  const spanOf = (timeUs: number) => windowsOf({ fromUs: timeUs, toUs: timeUs + 1 }, windowUs);
  let { firstUs, endUs } = spanOf(found.event.timeUs);
  for (;;) {
    const entries = await entriesInForce(tools.pool, "consumption", firstUs, endUs);
    const present = underEntries(amendable, entries, found);
    const event = present === null ? null : stream.decode(present.value);
    if (present === null || event === null || isRefusal(event))
      throw new AmendmentError(
        `event ${quoted(reading.eventId)} of meter ${quoted(reading.meter)} does not count: an amendment has removed it; revert that one first`,
      );
    const { timeUs } = event;
    const windows = spanOf(timeUs);
    if (windows.firstUs >= firstUs && windows.endUs <= endUs)
      return { event, value: present.value, fromUs: timeUs, toUs: timeUs + 1, firstUs, endUs };
    // A replacement has moved it: what came after may have changed it there.
    firstUs = Math.min(firstUs, windows.firstUs);
    endUs = Math.max(endUs, windows.endUs);
  }
}

async function replace(
  tools: AmendmentTools,
  reading: Reading,
  correction: Correction,
  decision: SignedReason,
): Promise<Replaced> {
  const stream = inZone(consumptionStream, tools.zones);
  const present = await presentReading(tools, reading);
  const corrected = stream.decode(
    correctValue(present.value, correction, amendableStreams.consumption.valueField),
  );
  if (isRefusal(corrected))
    throw new AmendmentError(
      `it cannot be replaced in this way: ${corrected.refused}${corrected.field === null ? "" : ` (${corrected.field})`}`,
    );
  const entry: Amendment = { selector: reading, correction, fromUs: present.fromUs, toUs: present.toUs };
  const span = {
    fromUs: Math.min(present.firstUs, corrected.timeUs),
    toUs: Math.max(present.endUs, corrected.timeUs + 1),
  };
  const groups = new Set([present.event.customerId, corrected.customerId]);
  const topic = tools.topics.consumption;
  const amended = await refoldFromTopic(
    tools,
    "consumption",
    span,
    async () => {
      const { firstUs, endUs } = windowsOf(span, windowUs);
      const before = await entriesInForce(tools.pool, "consumption", firstUs, endUs);
      return {
        before,
        after: [...before, { ...entry, scope: null, rows: null }],
        concerns: (event) => groups.has(amendableStreams.consumption.stream.groupOf(event)),
      };
    },
    { kind: "replace", stream: "consumption", topic, ...entry, ...decision },
    decision,
  );
  return { ...amended, from: textOf(present.event), to: textOf(corrected) };
}

/**
 * Replaces the value of one reading.
 * @param value a decimal number
 * @throws AmendmentError where no such reading counts, the value is none, or the topic no longer holds the row's events
 */
export async function replaceReading(
  tools: AmendmentTools,
  reading: Reading,
  value: string,
  unit: EnergyUnit,
  decision: SignedReason,
): Promise<Replaced> {
  decimalIn(value);
  return replace(tools, reading, { replace: { reading: value, unit } }, decision);
}

/**
 * Takes the second event of a conflict in place of the one that was counted.
 * @throws AmendmentError where there is no such conflict, it is of another stream, or as above
 */
export async function replaceByConflict(
  tools: AmendmentTools,
  id: number,
  decision: SignedReason,
): Promise<Replaced> {
  const { rows } = await tools.pool.query<{ stream: string; value: Buffer }>(
    "SELECT stream, value FROM conflict WHERE id = $1",
    [id],
  );
  const [conflict] = rows;
  if (conflict === undefined)
    throw new AmendmentError(`there is no conflict ${id}: npm run quarantine -- conflicts lists them`);
  const event = inZone(consumptionStream, tools.zones).decode(conflict.value);
  if (conflict.stream !== "consumption" || isRefusal(event))
    throw new AmendmentError(
      `conflict ${id} is of the stream ${conflict.stream}: only meter readings can be replaced, for an hour of weather is a mean over all stations. Let what is counted stay (npm run quarantine -- dismiss-conflicts ${id} --by "$USER"), or send the event under another event_id, and it counts as well`,
    );
  return replace(
    tools,
    { meter: event.meterId, eventId: event.eventId },
    { record: conflict.value.toString("utf8"), conflict: String(id) },
    decision,
  );
}
