// A filter that names what is not there is refused with what there is.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { filterProblem, recordFields } from "../../../lib/quarantine/known.ts";

const log = (source: string, topic: string, partition: number, incarnation = 0) => ({
  ...{ source, topic, partition, incarnation },
});
const logs = [
  log("a", "readings", 0),
  log("a", "readings", 1),
  log("a", "readings", 1, 1),
  log("b", "sensors", 4),
];
const topics = ["readings", "sensors", "weather"];

test.each([
  [{}, null],
  [{ topic: "readings", partition: 1, incarnation: 1 }, null],
  [{ topic: "weather" }, null], // read by the pipeline, and nothing has come yet
  [{ topic: "weather", partition: 3 }, null],
  [
    { topic: "reading" },
    "--topic reading: no such topic has been read; the topics: readings, sensors, weather",
  ],
  [{ source: "c" }, "--source c: no such cluster has been read; the clusters: a, b"],
  [{ partition: 2 }, "--partition 2: no such partition has been read; the partitions: 0, 1, 4"],
  [
    { topic: "readings", partition: 4 },
    "--partition 4: no such partition of the topic readings has been read; the partitions: 0, 1",
  ],
  [
    { topic: "readings", partition: 0, incarnation: 1 },
    "--incarnation 1: no such incarnation of the topic readings has been read; the incarnations: 0",
  ],
  [
    { topic: "\u001b[2J" },
    "--topic \\u001b[2J: no such topic has been read; the topics: readings, sensors, weather",
  ],
  [{ since: 2, until: 2 }, "--since has to lie before --until"],
])("%j", (filter, problem) => {
  expect(filterProblem(filter, logs, topics)).toBe(problem);
});

test("before anything was read only the topics are known", () => {
  expect(filterProblem({ partition: 3, source: "x" }, [], topics)).toBeNull();
  expect(filterProblem({ topic: "x" }, [], topics)).toContain("no such topic");
});

test.each(["sensor", "consumption", "weather"])("the fields are those of the contract: %s", (name) => {
  const path = new URL(`../../../schemas/${name}.schema.json`, import.meta.url);
  const schema: { properties: object } = JSON.parse(readFileSync(path, "utf8"));
  expect(Object.keys(schema.properties).filter((field) => !recordFields.includes(field))).toEqual([]);
});
