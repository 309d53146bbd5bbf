// Groups, compression and transactions with other clients than ours (rules 7, 9, 21).

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { CompressionTypes, Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { settingsFor, type Trigger, trigger } from "./esm-trigger.ts";
import { connectKafka, type TestKafka, until } from "./topics.ts";

let kafka: TestKafka;
beforeAll(async () => {
  kafka = await connectKafka();
});
afterAll(() => kafka.close());

const jars = join(import.meta.dirname, "../../localstack/kafka/jars/*");
const keyOf = (one: { readonly partition: number; readonly offset: number }) =>
  `${one.partition}:${one.offset}`;

/** Java's own producer; each line is a record. */
async function produceWithJava(topic: string, compression: string, lines: readonly string[]): Promise<void> {
  const java = promisify(execFile)("java", [
    ...["-XX:TieredStopAtLevel=1", "-cp", jars, "org.apache.kafka.tools.ConsoleProducer"],
    ...["--bootstrap-server", kafka.brokers, "--topic", topic, "--compression-codec", compression],
  ]);
  java.child.stdin?.end(`${lines.join("\n")}\n`);
  await java;
}

/** Sends numbered records over four partitions until told to stop. */
function load(topic: string): () => Promise<Map<number, number>> {
  const sent = new Map<number, number>();
  let isOver = false;
  const loop = (async () => {
    for (let i = 0; !isOver; i++) {
      const partition = i % 4;
      await kafka.producer.send({
        topic,
        messages: Array.from({ length: 25 }, () => ({ partition, value: "x" })),
      });
      sent.set(partition, (sent.get(partition) ?? 0) + 25);
      await new Promise((resolve) => setTimeout(resolve, 5)); // slower than the members together
    }
  })();
  return async () => {
    isOver = true;
    await loop;
    return sent;
  };
}

/** The keys of a topic's records as another client's consumer counts them, in the order of each partition. */
async function countedByKafkaJs(topic: string, total: number): Promise<string[]> {
  const client = new Kafka({ brokers: [kafka.brokers], logLevel: logLevel.NOTHING });
  const consumer = client.consumer({ groupId: `count-${topic}` });
  const keys: string[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ partition, message }) => {
      keys.push(keyOf({ partition, offset: Number(message.offset) }));
    },
  });
  await until(
    async () => keys.length,
    (count) => count >= total,
  );
  await consumer.disconnect();
  return keys;
}

function missing(sent: ReadonlyMap<number, number>, seen: ReadonlySet<string>): string[] {
  return [...sent].flatMap(([partition, count]) =>
    Array.from({ length: count }, (_, offset) => `${partition}:${offset}`).filter((key) => !seen.has(key)),
  );
}

describe("compression and transactions", () => {
  test.each(["none", "gzip", "snappy", "lz4", "zstd"])(
    "rule 21: %s, as Java's console producer sends it",
    async (compression) => {
      const topic = await kafka.createTopic(1);
      const lines = Array.from({ length: 500 }, (_, i) => `line ${i} ${"ab".repeat(i % 50)}`);
      await produceWithJava(topic, compression, lines);
      const { mapping, records } = trigger(kafka.brokers, settingsFor(topic));
      await until(
        async () => records.length,
        (count) => count >= 500,
      );
      await mapping.stop();
      expect(records.map((one) => one.value)).toEqual(lines);
    },
  );

  test("rule 21: neither aborted records nor control records reach the function; read_uncommitted shows the aborted", async () => {
    const topic = await kafka.createTopic(1);
    const client = new Kafka({ brokers: [kafka.brokers], logLevel: logLevel.NOTHING });
    const producer = client.producer({ transactionalId: topic, maxInFlightRequests: 1, idempotent: true });
    await producer.connect();
    for (const [value, ending] of [
      ["a", "commit"],
      ["b", "abort"],
      ["c", "abort"],
      ["d", "commit"],
    ] as const) {
      const transaction = await producer.transaction();
      await transaction.send({
        topic,
        compression: CompressionTypes.GZIP,
        messages: [{ partition: 0, value }],
      });
      await transaction[ending]();
    }
    await producer.disconnect();
    const committed = trigger(kafka.brokers, settingsFor(topic));
    const all = trigger(kafka.brokers, settingsFor(topic), undefined, { readsUncommitted: true });
    await until(
      async () => [committed.records.length, all.records.length],
      ([a, b]) => a === 2 && b === 4,
    );
    await until(
      async () => committed.mapping.status.partitions[0]?.lag,
      (lag) => lag === 0,
    );
    await Promise.all([committed.mapping.stop(), all.mapping.stop()]);
    expect(committed.records.map((one) => [one.offset, one.value])).toEqual([
      [0, "a"],
      [6, "d"],
    ]);
    expect(all.records.map((one) => one.value)).toEqual(["a", "b", "c", "d"]);
  });
});

describe("groups", () => {
  test("rule 7, rule 9: 24 rebalances under load: nothing lost and each partition in order, as an independent consumer counts them", async () => {
    const topic = await kafka.createTopic(4);
    const settings = settingsFor(topic, { batchSize: 50 });
    const delivered: string[] = [];
    const member = (): Trigger =>
      trigger(kafka.brokers, settings, async (event) => {
        for (const records of Object.values(event.records))
          for (const one of records) delivered.push(keyOf(one));
        await new Promise((resolve) => setTimeout(resolve, 5));
      });
    const stay = member();
    const hasPartitions = (one: Trigger, expected: number) =>
      until(
        async () => one.mapping.status.partitions.length,
        (count) => count === expected,
      );
    await hasPartitions(stay, 4);
    const endLoad = load(topic);
    // Each guest's coming and going is a rebalance of its own: it is over before the next.
    for (let i = 0; i < 12; i++) {
      const guest = member();
      await Promise.all([hasPartitions(guest, 2), hasPartitions(stay, 2)]);
      await until(
        async () => guest.records.length,
        (count) => count > 0,
      );
      await guest.mapping.stop();
      await hasPartitions(stay, 4);
    }
    const sent = await endLoad();
    const seen = await until(
      async () => new Set(delivered),
      (keys) => missing(sent, keys).length === 0,
      60_000,
    );
    await stay.mapping.stop();
    const total = [...sent.values()].reduce((sum, count) => sum + count, 0);
    const counted = await countedByKafkaJs(topic, total);
    const ofPartition = (keys: Iterable<string>, partition: number) =>
      [...keys].filter((key) => key.startsWith(`${partition}:`));
    // What is seen for the first time comes in the order of its partition: nothing was skipped and made up for later.
    for (const partition of sent.keys())
      expect(ofPartition(seen, partition)).toEqual(ofPartition(counted, partition));
    // A rebalance lets the running invocations end and commits them first, so nobody is given them again.
    expect(delivered.length).toBe(total);
  });

  test("rule 9: a member that is killed −9 is replaced within its session's time-out, nothing lost", async () => {
    const topic = await kafka.createTopic(4);
    const settings = settingsFor(topic);
    const seen = new Set<string>();
    const script = fileURLToPath(new URL("esm-member.ts", import.meta.url));
    const child = spawn(process.execPath, [script, kafka.brokers, topic, settings.groupId], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    createInterface({ input: child.stdout }).on("line", (line) => seen.add(line));
    const endLoad = load(topic);
    await until(
      async () => seen.size,
      (size) => size > 500,
    );
    const other = trigger(kafka.brokers, settings, (event) => {
      for (const records of Object.values(event.records)) for (const one of records) seen.add(keyOf(one));
    });
    await until(
      async () => other.mapping.status.partitions.length,
      (count) => count === 2,
    );
    child.kill("SIGKILL");
    await once(child, "exit");
    await until(
      async () => other.mapping.status.partitions.length,
      (count) => count === 4,
      30_000,
    );
    const sent = await endLoad();
    await until(
      async () => missing(sent, seen).length,
      (count) => count === 0,
    );
    await other.mapping.stop();
  });
});
