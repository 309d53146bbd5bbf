// Runs many schedules and, where one breaks a promise, shrinks it and says how to run it again.

import fc from "fast-check";
import { verdictsOn } from "./oracle.ts";
import { runSchedule } from "./run.ts";
import { type Schedule, schedules } from "./schedule.ts";

/** What broke, with the smallest schedule that was found. */
export interface Broken {
  readonly seed: number;
  /** The way to the smallest schedule: `npm run simulate -- --seed SEED --path PATH`. */
  readonly path: string;
  readonly schedule: Schedule;
  readonly verdicts: string;
}

export interface Simulated {
  readonly seed: number;
  readonly schedules: number;
  readonly broken: Broken | null;
}

/** @param path of a failing schedule, to run that one alone */
export async function simulate(seed: number, count: number, path?: string): Promise<Simulated> {
  const property = fc.asyncProperty(schedules, async (schedule) => {
    const verdicts = verdictsOn(await runSchedule(schedule));
    if (verdicts.length > 0) throw new Error(verdicts.join("\n"));
  });
  const found = await fc.check(property, { seed, numRuns: count, ...(path === undefined ? {} : { path }) });
  const schedule = found.counterexample?.[0];
  if (!found.failed || schedule === undefined) return { seed, schedules: found.numRuns, broken: null };
  const { errorInstance, counterexamplePath } = found;
  const verdicts = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  const broken = { seed, path: counterexamplePath ?? "", schedule, verdicts };
  return { seed, schedules: found.numRuns, broken };
}

export function describeBroken({ seed, path, schedule, verdicts }: Broken): string {
  return [
    verdicts,
    `smallest schedule found: ${JSON.stringify(schedule)}`,
    `run it again: npm run simulate -- --seed ${seed} --path ${path}`,
  ].join("\n");
}
