// Moving a file's times by whole days. What has been chosen for a meter is kept in the database: the same reading comes
// at the same time again, whenever its file, or one that overlaps it, is sent.

import type pg from "pg";
import { DAY_US } from "./times.ts";

/** Whole days by which readings move so that the last one lies before now and the time of day stays. */
export function daysToNow(lastUs: number, nowUs: number): number {
  return Math.floor((nowUs - lastUs) / DAY_US);
}

export interface Shift {
  readonly days: number;
  /** When it was chosen, where that was at an earlier run. */
  readonly keptSince: Date | null;
}

interface Kept {
  readonly series: string;
  readonly days: number;
  readonly chosenAt: Date;
}

/**
 * The shift of a file, of whose series some may have been sent before.
 * @throws Error where they were sent with another shift than the one wanted, or with several
 */
export function chooseShift(
  wanted: "now" | number,
  lastUs: number,
  nowUs: number,
  kept: readonly Kept[],
): Shift {
  const [first] = kept;
  if (first === undefined)
    return { days: wanted === "now" ? daysToNow(lastUs, nowUs) : wanted, keptSince: null };
  const other = kept.find(({ days }) => days !== first.days);
  if (other !== undefined)
    throw new Error(
      `${first.series} has been sent with a shift of ${first.days} days before and ${other.series} with one of ${other.days}: send them apart (--meters), or start anew with \`npm start -- --fresh\``,
    );
  if (wanted !== "now" && wanted !== first.days)
    throw new Error(
      `${first.series} has been sent with a shift of ${first.days} days before; with another, its readings would be in conflict with themselves. Leave --shift out, or start anew with \`npm start -- --fresh\``,
    );
  return { days: first.days, keptSince: first.chosenAt };
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
