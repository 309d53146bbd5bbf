// In which zone producers write time stamps that name none. UTC, unless EVENT_TIME_ZONE_<STREAM> says another.

import { isZone } from "../core/zone.ts";
import { byStream, type StreamName, type StreamZones, streamNames } from "../streams/stream.ts";
import { ConfigurationError, type Environment, text } from "./environment.ts";

const variableOf = (stream: StreamName) => `EVENT_TIME_ZONE_${stream.toUpperCase()}`;

function readTimeZone(env: Environment, stream: StreamName): string {
  const zone = text(env, variableOf(stream), "UTC");
  if (!isZone(zone))
    throw new ConfigurationError(
      variableOf(stream),
      "a zone such as Europe/Tirane, or an offset such as +01:00",
      zone,
    );
  return zone;
}

/** @throws ConfigurationError where one is no zone that this runtime knows */
export function readTimeZones(env: Environment): StreamZones {
  return byStream((stream) => readTimeZone(env, stream));
}

/** The same by variable, as the functions are given them. */
export function timeZoneVariables(env: Environment): Record<string, string> {
  const zones = readTimeZones(env);
  return Object.fromEntries(streamNames.map((stream) => [variableOf(stream), zones[stream]]));
}
