// On a broker of the test's own: not there at first, with offsets beyond 32 bits, with a damaged log (rules 21, 22).

import { mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Kafka, logLevel, Partitioners } from "kafkajs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createOn } from "../../lib/kafka/topics.ts";
import { type KafkaServer, startKafka } from "../../localstack/kafka/server.ts";
import { freePort } from "../../localstack/ports.ts";
import { deliveriesOf, settingsFor, trigger } from "./esm-trigger.ts";
import { until } from "./topics.ts";

let folder: string;
let port: number;
let broker: KafkaServer | undefined;
beforeAll(async () => {
  [folder, port] = await Promise.all([mkdtemp(join(tmpdir(), "esm-broker-")), freePort()]);
});
afterAll(async () => {
  await broker?.stop();
  await rm(folder, { recursive: true, force: true });
});

const start = () => startKafka({ dataDir: join(folder, "kafka"), port, heapMb: 256 });
const logFolder = (topic: string, partition: number) => join(folder, "kafka/log", `${topic}-${partition}`);

/** Makes the topic where it is not there, and sends values to a partition, each in a batch of its own. */
async function send(topic: string, partitions: number, partition: number, values: readonly string[]) {
  const kafka = new Kafka({ brokers: [`127.0.0.1:${port}`], logLevel: logLevel.NOTHING });
  const [admin, producer] = [
    kafka.admin(),
    kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner }),
  ];
  await Promise.all([admin.connect(), producer.connect()]);
  await createOn(admin, [{ topic, numPartitions: partitions }]);
  for (const value of values) await producer.send({ topic, messages: [{ partition, value }] });
  await Promise.all([admin.disconnect(), producer.disconnect()]);
}

test("a broker that is not there at start is waited for; it is said once, and delivery goes on by itself", async () => {
  const { log, mapping, records } = trigger(`127.0.0.1:${port}`, settingsFor("awaited"));
  await until(
    async () => mapping.status.lastProcessingResult,
    (result) => result.startsWith("PROBLEM: "),
  );
  const unreachable = [...log];
  // Meanwhile it tries several times more.
  broker = await start();
  await send("awaited", 1, 0, ["v"]);
  await until(
    async () => records.length,
    (count) => count === 1,
  );
  await until(
    async () => mapping.status.lastProcessingResult,
    (result) => result === "OK",
  );
  await mapping.stop();
  expect(unreachable).toHaveLength(1);
  expect(unreachable[0]).toContain(`127.0.0.1:${port}`);
  expect(log.filter((line) => line === unreachable[0])).toHaveLength(1);
});

test("rule 22, rule 9: offsets beyond 32 bits are delivered, committed and found again", async () => {
  const first = 2 ** 32 + 5;
  await send("far", 1, 0, []);
  await broker?.stop();
  // A log's first offset is its first segment's name; this one is still empty.
  for (const name of await readdir(logFolder("far", 0)))
    if (/^0{20}\./.test(name))
      await rename(
        join(logFolder("far", 0), name),
        join(logFolder("far", 0), name.replace(/^0{20}/, String(first).padStart(20, "0"))),
      );
  broker = await start();
  await send("far", 1, 0, ["a", "b"]);
  const settings = settingsFor("far", { batchSize: 1 });
  const before = trigger(broker.brokers, settings);
  await until(
    async () => before.mapping.status.partitions[0]?.nextOffset,
    (offset) => offset === first + 2,
  );
  await before.mapping.stop();
  await send("far", 1, 0, ["c"]);
  const after = trigger(broker.brokers, settings);
  await until(
    async () => after.records.length,
    (count) => count > 0,
  );
  await after.mapping.stop();
  expect(deliveriesOf(before.events, 0)).toEqual([[first], [first + 1]]);
  expect(after.records).toEqual([{ partition: 0, offset: first + 2, value: "c" }]);
});

test("rule 21: a record batch that is damaged in the log stops its partition with a clear message, the others go on", async () => {
  await send("damaged", 2, 0, ["good", "to be damaged", "behind it"]);
  await send("damaged", 2, 1, ["other"]);
  const file = join(logFolder("damaged", 0), `${"0".repeat(20)}.log`);
  const bytes = await readFile(file);
  const at = bytes.indexOf("to be damaged");
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  await writeFile(file, bytes, { flag: "r+" });
  const { log, mapping, records } = trigger(broker?.brokers ?? "", settingsFor("damaged"));
  await until(
    async () => log.length,
    (count) => count > 0,
  );
  await send("damaged", 2, 1, ["another"]);
  await until(
    async () => records.filter((one) => one.partition === 1).length,
    (count) => count === 2,
  );
  const { lastProcessingResult, partitions } = mapping.status;
  await mapping.stop();
  expect(records.filter((one) => one.partition === 0).map((one) => one.value)).toEqual(["good"]);
  expect(partitions.map((one) => one.nextOffset)).toEqual([1, 2]);
  expect(lastProcessingResult).toContain("PROBLEM: damaged-0: the records at offset 1 cannot be read");
  expect(log).toEqual([
    expect.stringMatching(
      /damaged-0: .* offset 1 is corrupt: CRC-32C \d+ .*; this partition stops here, the others/,
    ),
  ]);
});
