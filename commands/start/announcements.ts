// What `npm start` says once: the rules, what it does with servers of the user's own, that it is ready, and what to try.
// All of it fits into 80 columns but the URLs.

import type { Environment } from "../../lib/config/environment.ts";
import { readKafkaSettings, readTopics } from "../../lib/config/kafka.ts";
import { readLatenessRules, readWatermarkSettings } from "../../lib/config/rules.ts";
import { readTimeZones } from "../../lib/config/time-zones.ts";
import { namedDatabase } from "../running-stack/database-url.ts";

const COLUMNS = 80;

/** The settings that decide when windows become final. @throws ConfigurationError where one is wrong */
export function rulesText(env: Environment): string {
  const { delayUs, idleUs } = readWatermarkSettings(env);
  const { futureSkewUs, amendmentHorizonUs } = readLatenessRules(env);
  const zones = Object.entries(readTimeZones(env)).map(([stream, zone]) => `${stream} ${zone}`);
  return [
    `watermark: delay ${delayUs / 1e6} s (WATERMARK_DELAY_SECONDS),`,
    `  idle after ${idleUs / 1e6} s (WATERMARK_IDLE_SECONDS),`,
    `  future skew ${futureSkewUs / 1e6} s (FUTURE_SKEW_SECONDS),`,
    `  amendments for ${amendmentHorizonUs / 86_400e6} days (AMENDMENT_HORIZON_DAYS)`,
    wrapped(`times without a zone are ${zones.join(", ")} (EVENT_TIME_ZONE_…)`),
  ].join("\n");
}

/** Cut at spaces; all lines but the first are indented. */
function wrapped(text: string): string {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1) ?? "";
    if (line.length + word.length >= COLUMNS) lines.push(`  ${word}`);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines.join("\n");
}

/** What is read, written and created on servers of the user's own, and which rights that needs; null where there are none. */
export function ownServersText(env: Environment, isDemo: boolean): string | null {
  const parts: string[] = [];
  if (env.KAFKA_BROKER) {
    const topics = Object.values(readTopics(env)).join(", ");
    const sent = isDemo
      ? "SENDS simulated readings and weather into them (--demo);"
      : "sends only what comes in over HTTP (with --demo a simulated grid);";
    parts.push(
      `your Kafka ${readKafkaSettings(env).brokers.join(",")}: reads the topics ${topics}, and makes those that are missing; ` +
        `commits for groups smartgrid-local-…; ${sent} needs Describe, Read, Write, Create on topics, Read on groups`,
    );
  }
  const database = namedDatabase(env);
  if (database !== null)
    parts.push(
      `your PostgreSQL ${database.host}${database.pathname} as ${decodeURIComponent(database.username)}: makes tables and ` +
        "functions, and the roles smartgrid_api, smartgrid_ingest, smartgrid_read, smartgrid_sweep; " +
        "needs CREATE on the schema, and CREATEROLE where a role is missing",
    );
  return parts.length === 0 ? null : parts.map(wrapped).join("\n");
}

export interface Ready {
  readonly http: string;
  readonly kafka: string;
  readonly postgres: string;
  /** null for a database of the user's own */
  readonly readingUrl: string | null;
  readonly seconds: number;
  readonly logFile: string;
  /** On a terminal; else the first line is one that programs find everything in. */
  readonly isLive: boolean;
}

export function readyText({ http, kafka, postgres, readingUrl, seconds, logFile, isLive }: Ready): string {
  const gap = isLive ? "\n  " : " ";
  return [
    `ready ${http} kafka ${kafka}${gap}postgres ${postgres}`,
    `(after ${seconds.toFixed(1)} s; logs of the functions: ${logFile})`,
    "Try:",
    `  curl -X POST ${http}/api/v1/weather/generate`,
    `  psql ${readingUrl ?? postgres}`,
    `  ${http}/ in a browser, or npm run audit`,
  ].join("\n");
}
