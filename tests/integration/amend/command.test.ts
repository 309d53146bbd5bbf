// `npm run amend` as an operator uses it.
import { afterAll, beforeAll, expect, test } from "vitest";
import { readBooks } from "../../../lib/audit/books.ts";
import { forgetConflicts } from "../../../lib/postgres/retention.ts";
import { readGauges } from "../../../lib/postgres/trouble.ts";
import { runCommand } from "../commands.ts";
import { type AmendedTopic, hour, openAmendedTopic } from "./amended-topic.ts";

let topic: AmendedTopic;
beforeAll(async () => {
  topic = await openAmendedTopic();
  await topic.begin();
});
afterAll(() => topic.close());

test("a meter that ran mad is removed, listed, shown and given back; exit codes say what happened", async () => {
  const timestamp = new Date(hour).toISOString();
  const reading = (id: string, meter: string, kwh: number) => ({
    event_id: id,
    meter_id: meter,
    customer_id: "c",
    reading: kwh,
    timestamp,
  });
  await topic.send("consumption", 0, [reading("a", "mad", 1e6), reading("b", "m", 2)]);
  const before = await topic.rows("consumption");
  const environment = {
    ...topic.database.environment,
    KAFKA_BROKER: topic.kafka.brokers,
    KAFKA_TOPIC_METER_READINGS: topic.tools.topics.consumption,
  };
  const command = (...args: string[]) => runCommand("amend", args, environment);
  const span = ["--from", timestamp, "--to", new Date(hour + 1).toISOString()];
  const decision = ["--reason", "ran\u001b[2J mad", "--by", "ada"];

  expect(await command("remove", ...span, ...decision)).toMatchObject({
    code: 2,
    stderr: "whose events? Name one of --sensor, --meter, --customer\n",
  });
  expect(await command("remove", "--meter", "mad", ...span, ...decision, "--dry-run")).toMatchObject({
    code: 0,
    stdout:
      "dry run, nothing has changed: 1 row, 2 events counted before and 1 after\n" +
      `  2026-01-15T10:00:00.000000Z "c": count 2 → 1, sum 1000002.000000 → 2.000000\n`,
  });
  expect(await topic.rows("consumption")).toEqual(before);
  for (const [args, words] of [
    [
      ["remove", "--sensor", "S-7", ...span],
      'no event of the sensor "S-7" was ever counted; no sensor was counted yet',
    ],
    [
      ["remove", "--customer", "cc", ...span],
      'no reading of the customer "cc" was ever counted; names near it: "c"',
    ],
    [["remove", "--customer", "d", "--whole-windows", ...span], 'names near it: "c"'],
    [["correct", "--meter", "m", "--unit", "kwh", ...span], "Allowed choices are kWh, Wh, MWh"],
    [["correct", "--meter", "m", "--multiply", "1,5", ...span], "Expected a decimal number such as 0.001"],
    [["remove", "--meter", "m", "--from", timestamp, "--to", timestamp], "--from has to lie before --to"],
    [["remove", "--meter", "m"], "which span of event times? Give --from and --to, such as --from"],
    [["replace", "--meter", "m"], "which reading, by what?"],
    [["revert", "first"], "Expected a whole number"],
  ] as const) {
    const wrong = await command(...args, ...decision);
    expect([args, wrong.code, wrong.stderr]).toEqual([args, 2, expect.stringContaining(words)]);
  }
  const removed = await command("remove", "--meter", "mad", ...span, ...decision);
  expect(removed.code, removed.stderr).toBe(0);
  const id =
    /^amendment (\d+): 1 row, 2 events counted before and 1 after\n$/.exec(removed.stdout)?.[1] ?? "";
  expect(await topic.rows("consumption")).toEqual([expect.stringContaining(",c,2.000000,")]);
  expect((await command("revert", id, ...decision, "--dry-run")).stdout).toBe(
    "dry run, nothing has changed: 1 row, 1 event counted before and 2 after\n" +
      `  2026-01-15T10:00:00.000000Z "c": count 1 → 2, sum 2.000000 → 1000002.000000\n`,
  );
  const rest = ["remove", "--customer", "c", "--whole-windows", "--from", timestamp];
  const toNextHour = ["--to", new Date(hour + 3_600_000).toISOString()];
  expect((await command(...rest, ...toNextHour, ...decision, "--dry-run")).stdout).toContain(
    `"c": count 1 → 0, sum 2.000000 → 0.000000\n`,
  );
  expect(id, "a dry run takes no number").toBe("1");
  expect(await topic.query("SELECT last_value::integer AS number FROM amendment_id_seq")).toEqual([
    { number: 1 },
  ]);

  const shown = await command("show", id);
  expect(shown.stdout).toMatch(
    /remove consumption events of meter "mad", 2026-01-15T10:00:00.000000Z to .* by "ada"/,
  );
  expect(shown.stdout).toContain('"c": count 2 → 1, sum 1000002.000000 → 2.000000\n');
  expect(shown.stdout).not.toContain("\u001b");
  const amendment = {
    ...{
      id: Number(id),
      kind: "remove",
      stream: "consumption",
      selector: { meter: "mad" },
      correction: null,
    },
    ...{ span_from: "2026-01-15T10:00:00.000000Z", reason: "ran\u001b[2J mad", made_by: "ada", rows: 1 },
    ...{ reverts: null, reverted_by: null, count_before: 2, count_after: 1 },
  };
  const listed = await command("list", "--json");
  expect(JSON.parse(listed.stdout)).toEqual([expect.objectContaining(amendment)]);
  expect(listed.stdout).not.toContain("\u001b");
  expect(JSON.parse((await command("show", id, "--json")).stdout)).toMatchObject({
    ...amendment,
    changed_rows: [
      {
        ...{ window_start: "2026-01-15T10:00:00.000000Z", sensor_type: null, key: "c" },
        ...{ count_before: "2", count_after: "1", sum_before: "1000002.000000", sum_after: "2.000000" },
      },
    ],
  });
  expect(await command("revert", id, ...decision)).toMatchObject({ code: 0 });
  expect(await topic.rows("consumption")).toEqual(before);
  expect(await command("revert", id, ...decision)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("has been reverted before"),
  });
  expect(await command("list", "--limit", "1")).toMatchObject({
    stdout: expect.stringMatching(/^[^\n]+\n$/),
    stderr: "only the newest 1 are shown; --limit shows more\n",
  });
  expect((await command("list")).stdout.split("\n").map((line) => line.split(" ").slice(2, 3))).toEqual([
    ["revert"],
    ["remove"],
    [],
  ]);
});

test("a conflict is listed with both events, replaced, and shown as replaced", async () => {
  await topic.begin();
  const timestamp = new Date(hour).toISOString();
  const one = { event_id: "r", meter_id: "m", customer_id: "c", reading: 1, timestamp };
  await topic.send("consumption", 0, [one, { ...one, reading: 1.4 }]);
  const environment = {
    ...topic.database.environment,
    KAFKA_BROKER: topic.kafka.brokers,
    KAFKA_TOPIC_METER_READINGS: topic.tools.topics.consumption,
  };
  const listed = await runCommand("quarantine", ["conflicts", "--json"], environment);
  expect(listed.code, listed.stderr).toBe(0);
  const [conflict] = JSON.parse(listed.stdout);
  const name = `${topic.tools.topics.consumption}-0`;
  expect(conflict).toMatchObject({
    ...{
      amendment_id: null,
      counts_now: false,
      first_gone: false,
      dismissed_at: null,
      value_encoding: "utf8",
    },
    ...{ first_position: `${name}@0`, first_value: JSON.stringify(one) },
    ...{ position: `${name}@1`, value: JSON.stringify({ ...one, reading: 1.4 }) },
  });
  const args = ["replace", "--conflict", String(conflict.id), "--reason", "actual", "--by", "ada"];
  const replaced = await runCommand("amend", args, environment);
  expect(replaced.code, replaced.stderr).toBe(0);
  expect(replaced.stdout).toMatch(
    /^amendment \d+: 1 kWh of .* → 1.4 kWh of .*; 1 row, 1 event counted before and 1 after\n$/,
  );
  expect(await topic.rows("consumption")).toEqual([expect.stringContaining(",c,1.400000,")]);
  expect((await runCommand("quarantine", ["conflicts"], environment)).stdout).toMatch(
    /counts now .*@1 .*1\.4/,
  );
});

test("conflicts are dismissed with who, when and why, and all that counts them goes back to nothing", async () => {
  await topic.begin();
  const timestamp = new Date(hour).toISOString();
  const one = { event_id: "r", meter_id: "m", customer_id: "c", reading: 1, timestamp };
  await topic.send("consumption", 0, [one, ...[2, 3, 4, 5].map((kwh) => ({ ...one, reading: kwh }))]);
  const quarantine = (...args: string[]) => runCommand("quarantine", args, topic.database.environment);
  const open = async () => {
    const { conflicts } = await readGauges(topic.database.pool, { stuckAfterSeconds: 300, idleSeconds: 300 });
    const { streams } = await readBooks(topic.database.pool);
    const told = streams.map(({ openConflicts }) => openConflicts);
    return [conflicts.reduce((sum, gauge) => sum + gauge.open, 0), Math.max(...told)];
  };
  expect(await open()).toEqual([4, 4]);
  const listed: { id: number }[] = JSON.parse((await quarantine("conflicts", "--json")).stdout);
  expect(JSON.parse((await quarantine("conflicts", "--json", "--limit", "3")).stdout)).toEqual(
    listed.slice(0, 3),
  );
  const [newest, next] = listed.map(({ id }) => String(id));
  const decided = ["--by", "ada", "--note", "the meter was read twice"];

  expect(await quarantine("dismiss-conflicts", ...decided)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(
      "which conflicts? Name their numbers, a filter such as --until, or --all",
    ),
  });
  expect(await quarantine("dismiss-conflicts", newest ?? "", next ?? "", ...decided)).toMatchObject({
    code: 0,
    stdout: "2 of 2 dismissed\n",
  });
  expect((await quarantine("dismiss-conflicts", newest ?? "", newest ?? "", ...decided)).stdout).toBe(
    "0 of 1 dismissed; the rest was dismissed or replaced before\n",
  );
  expect(await open()).toEqual([2, 2]);
  const shown = await quarantine("conflicts", newest ?? "");
  expect(shown.stdout).toMatch(/^conflict \d+ .* \(dismissed \S+Z by "ada": "the meter was read twice"\)\n/);
  expect(shown.stdout).toMatch(/\n\n4 conflicts on record, 2 to look at\n$/);
  expect(JSON.parse((await quarantine("conflicts", "--open", "--json")).stdout)).toHaveLength(2);

  const later = ["--since", new Date(Date.now() + 60_000).toISOString()];
  expect((await quarantine("dismiss-conflicts", ...later, ...decided)).stdout).toBe("0 dismissed\n");
  expect((await quarantine("dismiss-conflicts", "--stream", "weather", ...decided)).stdout).toBe(
    "0 dismissed\n",
  );
  expect(await quarantine("dismiss-conflicts", "--stream", "consumpton", ...decided)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("Allowed choices are sensor, consumption, weather."),
  });
  expect((await quarantine("dismiss-conflicts", "--all", "--by", "ada")).stdout).toBe("2 dismissed\n");
  expect(await open()).toEqual([0, 0]);
  expect((await quarantine("conflicts", "--csv")).stdout.split("\r\n")).toHaveLength(6);
  expect(await forgetConflicts(topic.database.pool, 90)).toEqual({ resolved: 0, unresolved: 0 });
  expect(
    await topic.query("SELECT count(*)::int AS n, count(dismissed_by)::int AS by FROM conflict"),
  ).toEqual([{ n: 4, by: 4 }]);
  await topic.query("UPDATE conflict SET recorded_at = now() - interval '91 days'");
  expect(await forgetConflicts(topic.database.pool, 90)).toEqual({ resolved: 0, unresolved: 0 });
  await topic.query("UPDATE conflict SET dismissed_at = now() - interval '91 days'");
  expect(await forgetConflicts(topic.database.pool, 90)).toEqual({ resolved: 4, unresolved: 0 });
});

test("topics of which nothing was counted are refused with the topics that were, not answered with 'nothing to do'", async () => {
  const counted = topic.tools.topics.consumption;
  await topic.begin();
  const selection = ["--from", new Date(hour).toISOString(), "--to", new Date(hour + 1).toISOString()];
  const remove = (name: string) =>
    runCommand("amend", ["remove", "--meter", "m", ...selection, "--reason", "r", "--by", "ada"], {
      ...topic.database.environment,
      KAFKA_BROKER: topic.kafka.brokers,
      KAFKA_TOPIC_METER_READINGS: name,
    });
  expect(await remove(counted)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(
      `no event of the topic ${counted} was counted in this database; nothing was counted yet`,
    ),
  });
  await topic.send("consumption", 0, [
    {
      ...{ event_id: "a", meter_id: "n", customer_id: "c" },
      ...{ reading: 1, timestamp: new Date(hour).toISOString() },
    },
  ]);
  for (const name of [counted, "no-such-topic"])
    expect(await remove(name)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(
        `no event of the topic ${name} was counted in this database; it has counted those of ${topic.tools.topics.consumption}`,
      ),
    });
  expect(await remove(topic.tools.topics.consumption)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("no row changes"),
  });
});
