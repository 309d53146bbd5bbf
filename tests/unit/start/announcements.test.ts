// What `npm start` says before and when it is ready.

import { expect, test } from "vitest";
import { ownServersText, readyText, rulesText } from "../../../commands/start/announcements.ts";

const fits = (text: string) => text.split("\n").filter((line) => line.length > 80);

test("the rules fit into 80 columns", () => {
  expect(fits(rulesText({ AMENDMENT_HORIZON_DAYS: "3650", WATERMARK_DELAY_SECONDS: "604800" }))).toEqual([]);
});

test("nothing is said of servers that it starts itself", () => {
  expect(ownServersText({}, true)).toBeNull();
});

test("of your own Kafka and PostgreSQL it says what is read, written and created, and the rights", () => {
  const env = { KAFKA_BROKER: "kafka.example:9092", POSTGRES_HOST: "db.example", POSTGRES_USER: "grid" };
  const text = ownServersText(env, false) ?? "";
  const words = text.replaceAll(/\s+/g, " ");
  for (const part of [
    "your Kafka kafka.example:9092",
    "smartgrid-meter-readings",
    "makes those that are missing",
    "groups smartgrid-local-…",
    "sends only what comes in over HTTP",
    "Describe, Read, Write, Create",
    "your PostgreSQL db.example:5432/smartgrid_db",
    "smartgrid_read",
    "as grid",
    "CREATEROLE",
  ])
    expect(words).toContain(part);
  expect(fits(text)).toEqual([]);
  expect((ownServersText(env, true) ?? "").replaceAll(/\s+/g, " ")).toContain("SENDS simulated readings");
});

const ready = {
  http: "http://127.0.0.1:5006",
  kafka: "127.0.0.1:9092",
  postgres: "postgresql://smartgrid:smartgrid@127.0.0.1:5432/smartgrid_db",
  readingUrl: "postgresql://smartgrid_read_local:smartgrid@127.0.0.1:5432/smartgrid_db",
  seconds: 9.42,
  logFile: ".local/functions.log",
};

test("ready is one line for programs, and 80 columns on a terminal, with three lines to try", () => {
  const [first] = readyText({ ...ready, isLive: false }).split("\n");
  expect(first).toBe(`ready ${ready.http} kafka ${ready.kafka} postgres ${ready.postgres}`);
  const text = readyText({ ...ready, isLive: true });
  expect(fits(text)).toEqual([]);
  expect(text.split("\n").slice(-3)).toEqual([
    "  curl -X POST http://127.0.0.1:5006/api/v1/weather/generate",
    `  psql ${ready.readingUrl}`,
    "  http://127.0.0.1:5006/ in a browser, or npm run audit",
  ]);
});
