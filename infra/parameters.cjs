// Reading one deployment parameter, or refusing it with its name, what it may be, and what it is.
"use strict";

const { ConfigurationError } = require("../lib/config/environment.ts");

/** Of what EC2 knows by an id: 8 digits, or 17 since 2018. */
const ID = "[0-9a-f]{8}([0-9a-f]{9})?";

/** An empty value counts as not set. @throws ConfigurationError */
function readText(env, variable, { pattern, expected, fallback = "" }) {
  const value = env[variable] || fallback;
  if (!pattern.test(value)) throw new ConfigurationError(variable, expected, value);
  return value;
}

/** For what would be ignored where another variable is set. @throws ConfigurationError */
function refuseBeside(env, variable, other) {
  readText(env, variable, { pattern: /^$/, expected: `nothing beside ${other}` });
}

/** The deployed schedule of produce-weather: EventBridge knows whole minutes only. @throws ConfigurationError */
function weatherRate(seconds, isLocal) {
  // On one machine the plugin's own schedule in seconds runs instead, and this one is disabled.
  if (isLocal) return "rate(1 minute)";
  if (seconds % 60 !== 0)
    throw new ConfigurationError(
      "WEATHER_UPDATE_INTERVAL",
      "a multiple of 60 when deployed (EventBridge's schedules are in minutes)",
      String(seconds),
    );
  return seconds === 60 ? "rate(1 minute)" : `rate(${seconds / 60} minutes)`;
}

module.exports = { ID, readText, refuseBeside, weatherRate };
