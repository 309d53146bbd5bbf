// Reading one deployment parameter, or refusing it with its name, what it may be, and what it is.
"use strict";

const limits = require("../lib/config/limits.json");

/** Of the database that a stack stands on; the others are the same for every stack. */
const { POSTGRES_PORT: _, ...RULES } = limits;

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

/** For what would be ignored where another variable is set. @throws ParameterError */
function refuseBeside(env, variable, other) {
  readText(env, variable, { pattern: /^$/, expected: `nothing beside ${other}` });
}

/** @returns the number as text @throws ParameterError */
function readWholeNumber(env, variable) {
  const { usual, least, most } = limits[variable];
  const value = env[variable] || String(usual);
  if (!/^\d+$/.test(value) || Number(value) < least || Number(value) > most)
    throw new ParameterError(variable, `a whole number from ${least} to ${most}`, value);
  return value;
}

/**
 * The numbers that functions read when they start: checked here as well, for else the deployment succeeds and they die.
 * @returns each variable as text @throws ParameterError
 */
const readRules = (env) =>
  Object.fromEntries(Object.keys(RULES).map((variable) => [variable, readWholeNumber(env, variable)]));

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

module.exports = { ID, ParameterError, readText, refuseBeside, readWholeNumber, readRules, weatherRate };
