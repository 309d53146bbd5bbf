// The log as it stands in the topics: what the oracle judges by. It is read with Java's own consumer, the reference:
// kafkajs takes aborted records for good ones where transactions end in another order than they began. Each record
// says in a header what must become of it, as its producer knew it, so that nothing of the pipeline's decoding is used.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

export const streams = ["sensor", "consumption", "weather"] as const;

export type StreamName = (typeof streams)[number];

/** `count`, `too_late`, or the reason for quarantine, with its field after a colon. */
export const FATE_HEADER = "fate";

export interface LoggedRecord {
  readonly stream: StreamName;
  readonly partition: number;
  readonly offset: number;
  readonly value: Buffer | null;
  readonly fate: string;
}

/** Longer than a transaction that was left open keeps those behind it from being read, and than joining a group takes. */
const END_OF_LOG_MS = 12_000;
/** What the console consumer is told to print for a record without a value; nobody sends it. */
const TOMBSTONE = "(tombstone)";
const jars = join(import.meta.dirname, "../../localstack/kafka/jars/*");

/** As Java's `Bytes` writes itself: what is not printable, and the backslash, as `\xNN`. */
function bytesOf(text: string): Buffer {
  const raw = text.replaceAll(/\\x([0-9A-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(raw, "latin1");
}

/** @throws Error for a line that is no record, such as a message of the consumer's own */
export function parseLine(stream: StreamName, line: string): LoggedRecord {
  const match = /^Partition:(\d+)\tOffset:(\d+)\tfate:([^\t]*)\t(.*)$/.exec(line);
  if (match === null) throw new Error(`not a record of the console consumer: ${line.slice(0, 200)}`);
  const [, partition, offset, fate = "", text = ""] = match;
  const value = text === TOMBSTONE ? null : bytesOf(text);
  return { stream, partition: Number(partition), offset: Number(offset), value, fate };
}

/** @param patienceMs how long it waits for a record before it takes the log for ended */
async function readTopic(
  brokers: string,
  stream: StreamName,
  topic: string,
  patienceMs: number,
): Promise<LoggedRecord[]> {
  const properties = {
    "print.partition": true,
    "print.offset": true,
    "print.headers": true,
    "null.literal": TOMBSTONE,
    "value.deserializer": "org.apache.kafka.common.serialization.BytesDeserializer",
  };
  const child = spawn(
    "java",
    [
      ...["-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-cp", jars],
      ...["org.apache.kafka.tools.consumer.ConsoleConsumer", "--bootstrap-server", brokers, "--topic", topic],
      ...["--from-beginning", "--isolation-level", "read_committed", "--timeout-ms", String(patienceMs)],
      ...Object.entries(properties).flatMap(([name, value]) => ["--property", `${name}=${value}`]),
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  const closed = once(child, "close");
  const records: LoggedRecord[] = [];
  for await (const line of createInterface({ input: child.stdout })) records.push(parseLine(stream, line));
  await closed; // now it has said all
  if (!said.includes(`Processed a total of ${records.length} messages`))
    throw new Error(
      `${topic}: read ${records.length} records, but the console consumer says: ${said.slice(0, 2_000)}`,
    );
  return records;
}

/** On a busy machine joining its group takes the consumer longer than it waits; each try waits twice as long. */
const TRIES = 4;

/**
 * Reads all committed records.
 * @param countRecords of a topic, by another way
 * @throws Error where what Java says is no record, or it reads another number of them again and again
 */
export async function readLog(
  brokers: string,
  topics: Readonly<Record<StreamName, string>>,
  countRecords: (topic: string) => Promise<number>,
): Promise<LoggedRecord[]> {
  const read = async (stream: StreamName) => {
    const topic = topics[stream];
    for (let tries = 1; ; tries++) {
      const records = await readTopic(brokers, stream, topic, END_OF_LOG_MS * 2 ** (tries - 1));
      const count = await countRecords(topic);
      if (records.length === count) return records;
      if (tries === TRIES)
        throw new Error(
          `${topic}: the console consumer reads ${records.length} records, its files hold ${count}`,
        );
    }
  };
  return (await Promise.all(streams.map(read))).flat();
}
