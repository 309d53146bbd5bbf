// Quarantine as an operator meets it: poison in the topic, the function, and `npm run quarantine`.
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { aggregate } from "../../../lib/lambda/aggregate.ts";
import { consumptionStream } from "../../../lib/streams/streams.ts";
import { runCommand } from "../commands.ts";
import { createDatabase, snapshot, type TestDatabase } from "../database.ts";
import { settingsFor, trigger } from "../esm-trigger.ts";
import { connectKafka, type TestKafka, until } from "../topics.ts";

let kafka: TestKafka;
let database: TestDatabase;
beforeAll(async () => {
  [kafka, database] = await Promise.all([connectKafka(), createDatabase()]);
});
afterAll(async () => {
  await Promise.all([kafka.close(), database.close()]);
});

test("poison in a topic is listed, shown, mended, replayed and discarded; exit codes say what happened", async () => {
  const topic = await kafka.createTopic(1);
  const environment = { ...database.environment, KAFKA_TOPIC_METER_READINGS: topic };
  const quarantine = (...args: string[]) => runCommand("quarantine", args, environment);
  const reading = {
    event_id: "a",
    meter_id: "m",
    customer_id: "c",
    reading: 2,
    unit: "kwh",
    timestamp: new Date(),
  };
  expect(await quarantine("list", "--state", "all")).toMatchObject({
    code: 0,
    stdout: "quarantine has no records\n",
  });
  await kafka.producer.send({
    topic,
    messages: [JSON.stringify(reading), '{"\u001b[2J', null].map((value) => ({ partition: 0, value })),
  });
  const handler = aggregate(consumptionStream, environment);
  const { mapping } = trigger(kafka.brokers, settingsFor(topic), (event) => handler(event));
  await until(
    async () => (await snapshot(database.pool)).quarantine.length,
    (length) => length === 3,
  );
  await mapping.stop();

  const listed = await quarantine("list");
  expect(listed).toMatchObject({ code: 0, stderr: "" });
  expect(listed.stdout.split("\n").map((line) => line.split("  ").slice(0, 2))).toEqual([
    [`${topic}-0@0`, "unknown_unit (unit)"],
    [`${topic}-0@1`, "malformed_json"],
    [`${topic}-0@2`, "null_value"],
    [""],
  ]);
  const shown = await quarantine("show", `${topic}-0@1`);
  expect(shown.stdout).toContain("malformed_json: the record's value is not JSON (a byte order mark is not)");
  expect(shown.stdout).toContain('00000000  7b 22 1b 5b 32 4a                                {".[2J');
  expect(shown.stdout).toContain('as text: {"\\u001b[2J');
  expect(shown.stdout).not.toContain("\u001b");

  expect(await quarantine("replay", "--by", "ada")).toMatchObject({ code: 2 });
  for (const [args, words] of [
    [["list", "--reason", "nonsense"], "Allowed choices are null_value"],
    [["list", "--field", "redaing"], "Allowed choices are event_id"],
    [["list", "--state", "open"], "Allowed choices are unresolved"],
    [["list", "--topic", `${topic}x`], `--topic ${topic}x: no such topic has been read; the topics: `],
    [
      ["list", "--topic", topic, "--partition", "7"],
      `of the topic ${topic} has been read; the partitions: 0`,
    ],
    [["show", "--incarnation", "3"], "the incarnations: 0"],
    [["list", "--json", "--source", "elsewhere"], "no such cluster has been read; the clusters: "],
    [["discard", "--topic", "typo", "--by", "ada"], "no such topic has been read"],
    [["doubtful", "--topic", "typo"], "no such topic has been read"],
    [["doubtful", "--reason", "fits_all"], "Allowed choices are fits_fraction"],
    [["list", "--since", "2026-01-02T00:00Z", "--until", "2026-01-01T00:00Z"], "--since has to lie before"],
    [["show", "nowhere"], "nowhere: expected topic-partition@offset, such as"],
    [["replay", "--topic", topic, "--set", "unit", "--by", "ada"], "--set unit: expected field=value"],
    [["lsit"], "unknown command 'lsit'"],
    [["conflicts", "--limit", "0"], "Expected 1 or more"],
  ] as const) {
    const wrong = await quarantine(...args);
    expect([args, wrong.code, wrong.stderr]).toEqual([args, 2, expect.stringContaining(words)]);
  }
  for (const command of ["conflicts", "dismiss-conflicts"])
    expect(
      await quarantine(command, "99", ...(command === "conflicts" ? [] : ["--by", "ada"])),
    ).toMatchObject({
      code: 1,
      stderr: "there is no conflict 99 on record: npm run quarantine -- conflicts lists them\n",
    });
  expect(await quarantine("replay", `${topic}-0@9`, "--by", "ada")).toMatchObject({
    code: 1,
    stderr: `${topic}-0@9 is not in quarantine\n`,
  });
  const before = await snapshot(database.pool);
  const dry = await quarantine(
    "replay",
    "--topic",
    topic,
    "--reason",
    "unknown_unit",
    "--set",
    "unit=kWh",
    "--by",
    "ada",
    "--dry-run",
  );
  expect(dry).toMatchObject({ code: 0, stdout: expect.stringContaining("would be counted, window ") });
  expect(await snapshot(database.pool)).toEqual(before);
  const replayed = await quarantine(
    "replay",
    `${topic}-0@0`,
    "--set",
    "unit=kWh",
    "--by",
    "ada",
    "--note",
    "firmware 3",
  );
  expect(replayed).toMatchObject({ code: 0, stdout: expect.stringContaining("1 counted") });

  const file = join(tmpdir(), `${topic}.json`);
  await writeFile(file, "[]");
  const refused = await quarantine("replay", `${topic}-0@1`, "--edit", file, "--by", "ada");
  expect(refused).toMatchObject({ code: 4, stdout: expect.stringContaining("refused again: not_an_object") });
  await writeFile(file, JSON.stringify({ ...reading, event_id: "b", unit: "kWh" }));
  expect(await quarantine("replay", `${topic}-0@1`, "--edit", file, "--by", "ada")).toMatchObject({
    code: 0,
  });
  expect(await quarantine("discard", "--reason", "null_value", "--by", "ada")).toMatchObject({
    code: 0,
    stdout: "1 of 1 discarded\n",
  });

  const none = "quarantine has no unresolved records";
  expect(await quarantine("list")).toMatchObject({ code: 0, stdout: `${none}\n` });
  for (const deed of ["replay", "discard"])
    expect(await quarantine(deed, "--reason", "null_value", "--by", "ada")).toMatchObject({
      code: 0,
      stdout: `${none} that match\n`,
    });
  const all = await quarantine("list", "--state", "all");
  expect(all.stdout).toMatch(/@0 .* replayed \(counted\) .* by ada: firmware 3\n/);
  expect(all.stdout).toMatch(/@2 .* discarded .* by ada\n/);
  expect((await snapshot(database.pool)).consumption).toEqual([
    expect.stringContaining("c,4.000000,2.0000000000000000,2,"),
  ]);
});
