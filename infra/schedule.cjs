// The deployed schedule of produce-weather: EventBridge knows whole minutes only.
"use strict";

module.exports.weatherRate = ({ options }) => {
  const text = process.env.WEATHER_UPDATE_INTERVAL || "60";
  const seconds = Number(text);
  if (!/^\d+$/.test(text) || seconds < 1)
    throw new Error(`WEATHER_UPDATE_INTERVAL: expected whole seconds, got ${JSON.stringify(text)}`);
  // On one machine the plugin's own schedule in seconds runs instead, and this one is disabled.
  if ((options.stage ?? "local") === "local") return "rate(1 minute)";
  if (seconds % 60 !== 0)
    throw new Error(`WEATHER_UPDATE_INTERVAL: expected a multiple of 60 when deployed, got ${text}`);
  return seconds === 60 ? "rate(1 minute)" : `rate(${seconds / 60} minutes)`;
};
