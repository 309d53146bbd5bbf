// The numbers by which functions work: when windows become final, what is too late, when to call for help, how often.

import type { TroubleRules } from "../postgres/trouble.ts";
import type { LatenessRules } from "../windows/commit.ts";
import { type Environment, wholeNumber } from "./environment.ts";
import limits from "./limits.json" with { type: "json" };
import { readTimeZones, timeZoneVariables } from "./time-zones.ts";

const SECOND_US = 1_000_000;
const DAY_SECONDS = 86_400;

export function readLatenessRules(env: Environment): LatenessRules {
  return {
    futureSkewUs: wholeNumber(env, "FUTURE_SKEW_SECONDS") * SECOND_US,
    amendmentHorizonUs: wholeNumber(env, "AMENDMENT_HORIZON_DAYS") * DAY_SECONDS * SECOND_US,
    zones: readTimeZones(env),
  };
}

/** For how long a quarantined record stays, days since the last thing that happened to it. */
export function readQuarantineRetentionDays(env: Environment): number {
  return wholeNumber(env, "QUARANTINE_RETENTION_DAYS");
}

/** For how long windows stay, days; null for ever, which the variable says by 0. */
export function readWindowRetentionDays(env: Environment): number | null {
  return wholeNumber(env, "WINDOW_RETENTION_DAYS") || null;
}

/** Of a database; the other numbers are rules, the same for each. */
const { POSTGRES_PORT: _, ...RULES } = limits;

function isRule(variable: string): variable is keyof typeof RULES {
  return variable in RULES;
}

/** All rules and zones, by variable, as text. @throws ConfigurationError */
export function ruleVariables(env: Environment): Record<string, string> {
  const numbers = Object.keys(RULES)
    .filter(isRule)
    .map((variable) => [variable, String(wholeNumber(env, variable))]);
  return { ...Object.fromEntries(numbers), ...timeZoneVariables(env) };
}

export interface WatermarkSettings {
  readonly delayUs: number;
  readonly idleUs: number;
}

export function readWatermarkSettings(env: Environment): WatermarkSettings {
  return {
    delayUs: wholeNumber(env, "WATERMARK_DELAY_SECONDS") * SECOND_US,
    idleUs: wholeNumber(env, "WATERMARK_IDLE_SECONDS") * SECOND_US,
  };
}

export function readTroubleRules(env: Environment): TroubleRules {
  return {
    stuckAfterSeconds: wholeNumber(env, "STUCK_AFTER_SECONDS"),
    idleSeconds: readWatermarkSettings(env).idleUs / SECOND_US,
  };
}

export interface WeatherSettings {
  readonly seed: number;
  readonly updateIntervalSeconds: number;
}

export function readWeatherSettings(env: Environment): WeatherSettings {
  return {
    seed: wholeNumber(env, "WEATHER_SEED"),
    updateIntervalSeconds: wholeNumber(env, "WEATHER_UPDATE_INTERVAL"),
  };
}
