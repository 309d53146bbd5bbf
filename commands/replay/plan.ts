// How a file would be sent to a pipeline: by which shift, and what would not count then.

import type pg from "pg";
import { countOf } from "../../lib/core/count.ts";
import { UsageError } from "../../lib/core/usage-error.ts";
import type { LatenessRules } from "../../lib/windows/commit.ts";
import { type OutOfTime, outOfTime } from "./limits.ts";
import type { FileReadings } from "./read.ts";
import { chooseShift, daysToNow, readKeptShifts, type Shift, type WantedShift } from "./shift.ts";
import { DAY_US, shortInstant } from "./times.ts";

export interface Plan {
  readonly shift: Shift;
  readonly outOfTime: OutOfTime;
}

/** Asks the pipeline. @throws UsageError where the wanted shift is not the one that was kept */
export async function planFor(
  client: pg.Client,
  { survey, readings }: FileReadings,
  wanted: WantedShift,
  rules: LatenessRules,
): Promise<Plan> {
  const kept = await readKeptShifts(client, [...survey.bySeries.keys()]);
  const shift = chooseShift(wanted, survey.last?.timeUs ?? 0, Date.now() * 1000, kept);
  return { shift, outOfTime: await outOfTime(client, readings(), shift.days * DAY_US, rules) };
}

function outOfTimeText({ late, future }: OutOfTime): string {
  return [
    ...(late.count === 0
      ? []
      : [
          `${countOf(late.count, "event")} would be too late, recorded and not counted (the pipeline counts times from ${shortInstant(late.fromUs)} on)`,
        ]),
    ...(future.count === 0
      ? []
      : [
          `${countOf(future.count, "event")} would lie in the future and go to quarantine (times up to ${shortInstant(future.toUs)} are taken)`,
        ]),
  ].join(", and ");
}

/**
 * Why the file is not sent as planned; null where all of it would count.
 * @param times of the first and the last event by the file, µs
 */
export function refusalOf(
  { shift, outOfTime: out }: Plan,
  times: { readonly firstUs: number; readonly lastUs: number },
  nowUs: number,
): Error | null {
  if (out.late.count === 0 && out.future.count === 0) return null;
  const what = outOfTimeText(out);
  if (!shift.isUnsaid)
    return new Error(
      `Nothing was sent: with a shift of ${countOf(shift.days, "day")} ${what}. ` +
        "Choose another --shift, raise AMENDMENT_HORIZON_DAYS, start anew with `npm start -- --fresh --no-demo`, " +
        "or send the file all the same with --force",
    );
  const days = daysToNow(times.lastUs, nowUs);
  const [first, last] = [times.firstUs, times.lastUs].map((timeUs) => shortInstant(timeUs));
  const [movedFirst, movedLast] = [times.firstUs, times.lastUs].map((timeUs) =>
    shortInstant(timeUs + days * DAY_US),
  );
  return new UsageError(
    `Nothing was sent: say by --shift which times the events shall have.\n` +
      `The file's times are ${first} to ${last}; as they are, ${what}.\n` +
      `  --shift now           moves them by ${countOf(days, "day")}, to ${movedFirst} until ${movedLast} (--shift DAYS: by another number)\n` +
      "  --shift none --force  sends them as they are; after `npm start -- --fresh --no-demo` --shift none counts old years",
  );
}
