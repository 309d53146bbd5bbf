// What the failure destinations of this machine hold (18), to be listed and replayed: files, and Kafka topics. What has
// been replayed is kept in a folder `replayed` beside it, under the time of the replay.

import { mkdir, readdir, readFile, rename } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";
import { writeWhole } from "./destination.ts";
import { messageOf } from "./error-message.ts";
import { MissingTopicError } from "./kafka-errors.ts";
import { type RecordRange, readTopic } from "./read-offsets.ts";
import { isProperties } from "./settings.ts";

export interface FailedRange extends RecordRange {
  /** Of the record at the first offset, as an instant. */
  readonly firstTimestamp: string;
}

export interface StoredFailure {
  /** The request's. */
  readonly id: string;
  /** `sqs/QUEUE`, `sns/TOPIC`, `s3/BUCKET` or `kafka/TOPIC`. */
  readonly destination: string;
  /** When it was given up. */
  readonly at: string;
  readonly functionName: string;
  readonly condition: string;
  readonly invocations: number;
  readonly batchSize: number;
  readonly eventSourceArn: string | null;
  readonly bootstrapServers: string;
  readonly topic: string;
  readonly ranges: readonly FailedRange[];
  /** The event itself, which only S3 is given. */
  readonly payload: string | null;
  /** As AWS would have sent it. */
  readonly record: unknown;
  /** null: in a Kafka topic. */
  readonly file: string | null;
  readonly replayedAt: string | null;
}

type Place = Pick<StoredFailure, "destination" | "file" | "replayedAt">;

const REPLAYED = "replayed";

function text(value: unknown, field: string): string {
  if (typeof value !== "string") throw new Error(`no failure record: ${field} is no text`);
  return value;
}

function wholeNumber(value: unknown, field: string): number {
  const number = Number(value);
  if (value === null || value === "" || !Number.isSafeInteger(number))
    throw new Error(`no failure record: ${field} is no whole number`);
  return number;
}

function rangeOf(name: string, info: unknown): FailedRange & { readonly topic: string } {
  const [, topic, partition] = /^(.+)-(\d+)$/.exec(name) ?? [];
  if (topic === undefined || !isProperties(info))
    throw new Error(`no failure record: recordsInfo has ${JSON.stringify(name)}`);
  return {
    topic,
    partition: Number(partition),
    firstOffset: wholeNumber(info.firstRecordOffset, "firstRecordOffset"),
    lastOffset: wholeNumber(info.lastRecordOffset, "lastRecordOffset"),
    firstTimestamp: text(info.firstRecordTimestamp, "firstRecordTimestamp"),
  };
}

/** @throws Error naming the field that is missing or wrong */
function readFailure(record: unknown, place: Place): StoredFailure {
  const { requestContext: request, KafkaBatchInfo: info } = isProperties(record) ? record : {};
  if (
    !isProperties(record) ||
    !isProperties(request) ||
    !isProperties(info) ||
    !isProperties(info.recordsInfo)
  )
    throw new Error("no failure record: requestContext or KafkaBatchInfo.recordsInfo is missing");
  const ranges = Object.entries(info.recordsInfo).map(([name, one]) => rangeOf(name, one));
  const [first] = ranges;
  if (first === undefined) throw new Error("no failure record: recordsInfo is empty");
  return {
    ...place,
    id: text(request.requestId, "requestId"),
    at: text(record.timestamp, "timestamp"),
    functionName: text(request.functionArn, "functionArn").replace(/^.*:function:/, ""),
    condition: text(request.condition, "condition"),
    invocations: wholeNumber(request.approximateInvokeCount, "approximateInvokeCount"),
    batchSize: wholeNumber(info.batchSize, "batchSize"),
    eventSourceArn: info.eventSourceArn === null ? null : text(info.eventSourceArn, "eventSourceArn"),
    bootstrapServers: text(info.bootstrapServers, "bootstrapServers"),
    topic: first.topic,
    ranges,
    payload: record.payload === undefined ? null : text(record.payload, "payload"),
    record,
  };
}

/** SQS and SNS have it as text in a message of theirs. */
function recordIn(content: unknown): unknown {
  const message = isProperties(content) ? (content.Body ?? content.Message) : undefined;
  return typeof message === "string" ? JSON.parse(message) : content;
}

function placeOf(folder: string, file: string): Place {
  const [kind, name] = relative(folder, file).split(sep);
  // Colons are no part of a file's name everywhere: the destinations write 12.30.00 as well.
  const time = /^(.{10}T\d\d)\.(\d\d)\.(\d\d\.\d+Z)--/.exec(basename(file))?.slice(1).join(":");
  const isReplayed = basename(dirname(file)) === REPLAYED;
  return {
    destination: `${kind}/${name}`,
    file,
    replayedAt: isReplayed ? (time ?? "at an unknown time") : null,
  };
}

type OnUnreadable = (where: string, reason: string) => void;

async function listFiles(folder: string, onUnreadable: OnUnreadable): Promise<StoredFailure[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error) => {
    if (error.code === "ENOENT") return []; // nothing has failed yet
    throw error;
  });
  const files = entries.filter((entry) => entry.isFile() && !entry.name.endsWith(".part"));
  const failures: StoredFailure[] = [];
  for (const entry of files) {
    const file = join(entry.parentPath, entry.name);
    try {
      failures.push(readFailure(recordIn(JSON.parse(await readFile(file, "utf8"))), placeOf(folder, file)));
    } catch (error) {
      // Somebody else's file: the others can be listed all the same.
      onUnreadable(file, messageOf(error));
    }
  }
  return failures;
}

async function listTopic(
  brokers: readonly string[],
  topic: string,
  onUnreadable: OnUnreadable,
): Promise<StoredFailure[]> {
  const place = { destination: `kafka/${topic}`, file: null, replayedAt: null };
  // A topic that is not there (yet) holds nothing.
  const records = await readTopic(brokers, topic).catch((error) => {
    if (!(error instanceof MissingTopicError)) throw error;
    onUnreadable(`kafka/${topic}`, error.message);
    return [];
  });
  return records.flatMap(({ offset, value }) => {
    try {
      return [readFailure(JSON.parse(String(value)), place)];
    } catch (error) {
      // Anybody may write to a topic: the others can be listed all the same.
      onUnreadable(`kafka/${topic} ${offset}`, messageOf(error));
      return [];
    }
  });
}

/**
 * All that the folder of failure destinations and the failure topics hold, oldest first.
 * @param onUnreadable is told of files and records that hold no failure, and of topics that do not exist
 * @throws Error where the brokers cannot be reached
 */
export async function listFailures(
  folder: string,
  brokers: readonly string[],
  topics: readonly string[],
  onUnreadable: OnUnreadable,
): Promise<StoredFailure[]> {
  const failures = await listFiles(folder, onUnreadable);
  // What has been replayed from a topic is in a file as well.
  const known = new Set(failures.map(({ id }) => id));
  for (const topic of topics)
    failures.push(...(await listTopic(brokers, topic, onUnreadable)).filter(({ id }) => !known.has(id)));
  return failures.sort((a, b) => a.at.localeCompare(b.at));
}

/** Moves it to `replayed`, with the time; of one in a topic, a copy is kept there. */
export async function markReplayed(folder: string, failure: StoredFailure, nowMs: number): Promise<void> {
  const time = new Date(nowMs).toISOString().replaceAll(":", ".");
  if (failure.file === null) {
    const file = `${time}--${failure.id}.json`;
    await writeWhole(join(folder, failure.destination, REPLAYED, file), failure.record);
    return;
  }
  const beside = join(dirname(failure.file), REPLAYED);
  await mkdir(beside, { recursive: true });
  await rename(failure.file, join(beside, `${time}--${basename(failure.file)}`));
}
