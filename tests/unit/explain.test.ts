// Bare errors in words: what happened, where, and what to do.
import { open } from "node:fs/promises";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { explain } from "../../commands/terminal/explain.ts";
import { countOf } from "../../lib/core/count.ts";
import { zoneProblem } from "../../lib/core/zone-names.ts";

const failure = (message: string, properties: object) => Object.assign(new Error(message), properties);

test("a file that is not there, and a port at which nothing listens", async () => {
  const missing = await open("no/such.csv").catch((error) => error);
  expect(explain(missing)).toBe(
    "there is no file no/such.csv: check its name and the folder that you are in",
  );
  const refused = await new Promise((resolve) => connect(1, "127.0.0.1").once("error", resolve));
  expect(explain(refused)).toBe(
    "nothing listens at 127.0.0.1:1 (ECONNREFUSED): is it running, and are host and port right?",
  );
});

test.each([
  [failure("x", { code: "EACCES", path: "a.csv" }), "a.csv may not be read or written by this user (EACCES)"],
  [
    failure("x", { code: "ENOTFOUND", hostname: "kafka" }),
    "this machine does not know the name kafka (ENOTFOUND): check the host",
  ],
  [
    failure("x", { code: "ETIMEDOUT", address: "10.0.0.1", port: 5432 }),
    "10.0.0.1:5432 cannot be reached (ETIMEDOUT): check host, port, network and firewall",
  ],
  [
    failure('relation "quarantine" does not exist', { code: "42P01" }),
    'relation "quarantine" does not exist: this database has not the tables of this version: run `npm run migrate`',
  ],
  [
    failure("permission denied for table ledger", { code: "42501" }),
    "permission denied for table ledger: log in as the owner, or as a user who may do this (POSTGRES_USER)",
  ],
  [
    failure("Cannot connect to any broker: connect ECONNREFUSED 127.0.0.1:1", {}),
    "Kafka: Cannot connect to any broker: connect ECONNREFUSED 127.0.0.1:1: is it running, and is KAFKA_BROKER right?",
  ],
  [failure("it says enough", {}), "it says enough"],
  ["only text", "only text"],
])("%s", (error, words) => {
  expect(explain(error)).toBe(words);
});

test("one host with several addresses gives each error once", () => {
  const refused = (address: string) => failure("", { code: "ECONNREFUSED", address, port: 1 });
  const both = new AggregateError([refused("::1"), refused("127.0.0.1"), refused("127.0.0.1")]);
  expect(explain(Object.assign(both, { code: "ECONNREFUSED" }))).toBe(
    "nothing listens at ::1:1 (ECONNREFUSED): is it running, and are host and port right?; " +
      "nothing listens at 127.0.0.1:1 (ECONNREFUSED): is it running, and are host and port right?",
  );
});

test("one thing is one, all other numbers are many", () => {
  expect([0, 1, 2].map((number) => countOf(number, "row"))).toEqual(["0 rows", "1 row", "2 rows"]);
  expect(countOf(1, "event has", "events have")).toBe("1 event has");
});

test.each([
  ["Europe/Tirana", 'no zone "Europe/Tirana"; did you mean Europe/Tirane?'],
  ["europe/pris", 'no zone "europe/pris"; did you mean Europe/Paris?'],
  ["America/New York", 'no zone "America/New York"; did you mean America/New_York?'],
  ["+25:00", 'no zone "+25:00"; expected such as Europe/Paris, UTC or +10:00'],
  ["Europe/Tirane", null],
  ["+10:00", null],
])("the zone %s: %s", (name, problem) => {
  expect(zoneProblem(name)).toBe(problem);
});
