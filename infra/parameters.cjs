// Reading one deployment parameter, or refusing it with its name, what it may be, and what it is.
"use strict";

class ParameterError extends Error {
  constructor(parameter, expected, actual) {
    super(`${parameter}: expected ${expected}, got ${actual ? JSON.stringify(actual) : "nothing"}`);
    this.name = "ParameterError";
  }
}

/** Of what EC2 knows by an id: 8 digits, or 17 since 2018. */
const ID = "[0-9a-f]{8}([0-9a-f]{9})?";

/** An empty value counts as not set. @throws ParameterError */
function readText(env, variable, { pattern, expected, fallback = "" }) {
  const value = env[variable] || fallback;
  if (!pattern.test(value)) throw new ParameterError(variable, expected, value);
  return value;
}

/** @returns the number as text @throws ParameterError */
function readWholeNumber(env, variable, [fallback, min, max]) {
  const value = env[variable] || String(fallback);
  if (!/^\d+$/.test(value) || Number(value) < min || Number(value) > max)
    throw new ParameterError(variable, `a whole number from ${min} to ${max}`, value);
  return value;
}

/** A parameter of the stage, which is a text where it is given on the command line. @throws ParameterError */
function readSwitch(parameter, value) {
  if (!["true", "false"].includes(String(value)))
    throw new ParameterError(`--param ${parameter}`, "true or false", value);
  return String(value) === "true";
}

const DAY_SECONDS = 86_400;
/**
 * [default, least, most] of the numbers that functions read when they start: lib/config.ts has the same, and a test holds
 * both equal. Checked here as well, for else the deployment succeeds and the functions die.
 */
const RULES = {
  WATERMARK_DELAY_SECONDS: [600, 0, 7 * DAY_SECONDS],
  WATERMARK_IDLE_SECONDS: [300, 1, 7 * DAY_SECONDS],
  FUTURE_SKEW_SECONDS: [600, 0, DAY_SECONDS],
  AMENDMENT_HORIZON_DAYS: [7, 0, 3650],
  STUCK_AFTER_SECONDS: [300, 1, 7 * DAY_SECONDS],
  QUARANTINE_RETENTION_DAYS: [90, 1, 36_500],
  WEATHER_SEED: [1, 0, 2 ** 31 - 1],
  WEATHER_UPDATE_INTERVAL: [60, 1, DAY_SECONDS],
};

/** @returns each variable of RULES as text @throws ParameterError */
const readRules = (env) =>
  Object.fromEntries(
    Object.entries(RULES).map(([variable, bounds]) => [variable, readWholeNumber(env, variable, bounds)]),
  );

/** The deployed schedule of produce-weather: EventBridge knows whole minutes only. @throws ParameterError */
function weatherRate(seconds, isLocal) {
  // On one machine the plugin's own schedule in seconds runs instead, and this one is disabled.
  if (isLocal) return "rate(1 minute)";
  if (seconds % 60 !== 0)
    throw new ParameterError(
      "WEATHER_UPDATE_INTERVAL",
      "a multiple of 60 when deployed (EventBridge's schedules are in minutes)",
      String(seconds),
    );
  return seconds === 60 ? "rate(1 minute)" : `rate(${seconds / 60} minutes)`;
}

module.exports = { ID, ParameterError, readText, readWholeNumber, readSwitch, readRules, weatherRate };
