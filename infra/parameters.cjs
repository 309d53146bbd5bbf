// Reading one deployment parameter, or refusing it with its name, what it may be, and what it is.
"use strict";

class ParameterError extends Error {
  constructor(parameter, expected, actual) {
    super(`${parameter}: expected ${expected}, got ${actual ? JSON.stringify(actual) : "nothing"}`);
    this.name = "ParameterError";
  }
}

/** An empty value counts as not set. @throws ParameterError */
function readText(env, variable, { pattern, expected, fallback = "" }) {
  const value = env[variable] || fallback;
  if (!pattern.test(value)) throw new ParameterError(variable, expected, value);
  return value;
}

/** @throws ParameterError */
function readWholeNumber(env, variable, fallback, min, max) {
  const value = env[variable] || String(fallback);
  if (!/^\d+$/.test(value) || Number(value) < min || Number(value) > max)
    throw new ParameterError(variable, `a whole number from ${min} to ${max}`, value);
  return value;
}

/** A stage's parameter is a text where it is given on the command line. */
const isOn = (parameter) => String(parameter) === "true";

/** The deployed schedule of produce-weather: EventBridge knows whole minutes only. @throws ParameterError */
function readWeatherRate(env, isLocal) {
  const seconds = Number(
    readText(env, "WEATHER_UPDATE_INTERVAL", {
      fallback: "60",
      pattern: /^[1-9]\d{0,4}$/,
      expected: "whole seconds from 1 to 86400",
    }),
  );
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

module.exports = { ParameterError, isOn, readText, readWeatherRate, readWholeNumber };
