// Moving a file's times by whole days. What has been chosen for a meter is kept in the database: the same reading comes
// at the same time again, whenever its file, or one that overlaps it, is sent.

import type pg from "pg";
import { countOf } from "../../lib/core/count.ts";
import { UsageError } from "../../lib/core/usage-error.ts";
import { DAY_US } from "./times.ts";

/** Whole days by which readings move so that the last one lies before now and the time of day stays. */
export function daysToNow(lastUs: number, nowUs: number): number {
  return Math.floor((nowUs - lastUs) / DAY_US);
}

/** Whole days, or as many as lead to before now; null where nobody has said it. */
export type WantedShift = "now" | number | null;

export interface Shift {
  readonly days: number;
  /** When it was chosen, where that was at an earlier run. */
  readonly keptSince: Date | null;
  /** Nobody has chosen it, now or before: the times stay as they are if all of them count. */
  readonly isUnsaid: boolean;
}

interface Kept {
  readonly series: string;
  readonly days: number;
  readonly chosenAt: Date;
}

/**
 * The shift of a file, of whose series some may have been sent before.
 * @throws UsageError where they were sent with another shift than the one wanted, or with several
 */
export function chooseShift(
  wanted: WantedShift,
  lastUs: number,
  nowUs: number,
  kept: readonly Kept[],
): Shift {
  const [first] = kept;
  if (first === undefined) {
    const days = wanted === "now" ? daysToNow(lastUs, nowUs) : (wanted ?? 0);
    return { days, keptSince: null, isUnsaid: wanted === null };
  }
  const sent = `${first.series} was sent with a shift of ${countOf(first.days, "day")} before`;
  const other = kept.find(({ days }) => days !== first.days);
  if (other !== undefined)
    throw new UsageError(
      `${sent}, and ${other.series} with one of ${other.days}: send them one after the other (--meters), or start anew with \`npm start -- --fresh\``,
    );
  if (typeof wanted === "number" && wanted !== first.days)
    throw new UsageError(
      `${sent}; with another one each of its readings would have two times. Leave --shift out, or start anew with \`npm start -- --fresh\``,
    );
  return { days: first.days, keptSince: first.chosenAt, isUnsaid: false };
}

/** What earlier runs have chosen for these series. */
export async function readKeptShifts(client: pg.Client, series: readonly string[]): Promise<Kept[]> {
  const { rows } = await client.query<{ series: string; shift_days: number; chosen_at: Date }>(
    "SELECT series, shift_days, chosen_at FROM replay_shift WHERE series = ANY ($1) ORDER BY chosen_at, series",
    [series],
  );
  return rows.map(({ series: name, shift_days, chosen_at }) => ({
    series: name,
    days: shift_days,
    chosenAt: chosen_at,
  }));
}

export async function keepShift(
  client: pg.Client,
  series: readonly string[],
  days: number,
  file: string,
): Promise<void> {
  await client.query(
    `INSERT INTO replay_shift (series, shift_days, file)
     SELECT name, $2, $3 FROM unnest($1::text[]) AS name ORDER BY name ON CONFLICT DO NOTHING`,
    [series, days, file],
  );
}
