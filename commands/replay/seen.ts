// Which readings of a file have been counted before, as far as the pipeline remembers.

import type pg from "pg";
import { identityOfReading } from "../../lib/streams/streams.ts";
import { eventKeyOf } from "../../lib/windows/fold.ts";
import { identityOf, keyOf, type Reading } from "./reading.ts";

export interface Seen {
  /** Readings of meters that were looked up: the first ones of the file. */
  readonly asked: number;
  /** Of those: counted before. Identities are forgotten with the amendment horizon. */
  readonly counted: number;
}

const MOST_ASKED = 100_000;
const KEYS_PER_QUERY = 5_000;

/** Looks up the first readings of meters; values of sensors have no identity. */
export async function countSeen(client: pg.Client, readings: AsyncIterable<Reading>): Promise<Seen> {
  let [asked, counted] = [0, 0];
  let keys: string[] = [];
  async function ask(): Promise<void> {
    const { rows } = await client.query<{ counted: number }>(
      "SELECT count(*)::integer AS counted FROM seen_event WHERE stream = 'consumption' AND event_key = ANY ($1::uuid[])",
      [keys],
    );
    asked += keys.length;
    counted += rows[0]?.counted ?? 0;
    keys = [];
  }
  for await (const reading of readings) {
    if (reading.series.kind !== "meter") continue;
    keys.push(eventKeyOf(identityOfReading(keyOf(reading.series), identityOf(reading))));
    if (keys.length >= KEYS_PER_QUERY) await ask();
    if (asked >= MOST_ASKED) break;
  }
  if (keys.length > 0) await ask();
  return { asked, counted };
}
