// The settings of an event source mapping in AWS's names, and what AWS refuses of them (23). Numbers in brackets are
// the rules of docs/event-source-mapping.md.

import { type Destination, parseDestination } from "./destination-name.ts";
import { compileFilter, PatternError } from "./filter.ts";

export type StartingPosition = "TRIM_HORIZON" | "LATEST" | "AT_TIMESTAMP";

/** What happens to a batch that fails (13–18). */
export interface FailureHandling {
  /** −1: for ever. The first call does not count. */
  readonly maximumRetryAttempts: number;
  /** null: records never grow too old. */
  readonly maximumRecordAgeMs: number | null;
  readonly bisects: boolean;
  readonly reportsItemFailures: boolean;
  readonly destination: Destination | null;
}

export interface MappingSettings {
  /** Key of the function in serverless.yml, for messages. */
  readonly functionKey: string;
  /** Full name under which it is invoked. */
  readonly functionName: string;
  /** MSK's ARN; null for a self-managed source. */
  readonly eventSourceArn: string | null;
  readonly topic: string;
  readonly groupId: string;
  readonly batchSize: number;
  readonly batchingWindowMs: number;
  readonly startingPosition: StartingPosition;
  /** ms since the epoch, with AT_TIMESTAMP only. */
  readonly startingTimestampMs: number | null;
  /** Absent: tried again for ever. */
  readonly failureHandling?: FailureHandling;
  readonly filterPatterns?: readonly string[];
  /** Provisioned mode only. */
  readonly pollers?: { readonly minimum: number; readonly maximum: number };
  /** false: it starts disabled. */
  readonly isEnabled?: boolean;
  /** Invocations at once; partitions that share one may share a payload. Absent: one for each partition. */
  readonly concurrency?: number;
}

/** A setting that AWS would refuse. */
export class MappingError extends Error {
  readonly property: string;

  constructor(where: string, property: string, expected: string, actual: unknown) {
    super(`${where}: ${property}: expected ${expected}, got ${JSON.stringify(actual) ?? "nothing"}`);
    this.name = "MappingError";
    this.property = property;
  }
}

export type Properties = Readonly<Record<string, unknown>>;

export function isProperties(value: unknown): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export interface MappingSource {
  readonly functionKey: string;
  readonly functionName: string;
  /** Where a property was given, to begin an error message with: `functions.f.events.msk`, with its line if known. */
  readonly where: (property: string) => string;
  readonly defaultGroupId: (topic: string) => string;
  /** Of AWS::Lambda::EventSourceMapping, or the body of CreateEventSourceMapping. */
  readonly properties: Properties;
  readonly concurrency?: number;
}

const INFINITE = -1;
/** AWS's limit where a failure destination meets infinite retries (14). */
const RETRIES_BEFORE_DESTINATION = 10;
const REFUSED_FOR_KAFKA = ["ParallelizationFactor", "TumblingWindowInSeconds", "Queues"];

interface Reader {
  readonly properties: Properties;
  refuse(property: string, expected: string, actual: unknown): never;
}

function wholeNumber(
  reader: Reader,
  name: string,
  fallback: number,
  min: number,
  max: number,
  from = reader.properties,
) {
  const value = from[name] ?? fallback;
  if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max)
    return reader.refuse(name, `a whole number from ${min} to ${max}`, value);
  return value;
}

function flag(reader: Reader, name: string, fallback: boolean): boolean {
  const value = reader.properties[name] ?? fallback;
  return typeof value === "boolean" ? value : reader.refuse(name, "true or false", value);
}

function topicOf(reader: Reader): string {
  const { Topics: topics } = reader.properties;
  if (!Array.isArray(topics) || topics.length !== 1 || typeof topics[0] !== "string" || topics[0] === "")
    return reader.refuse("Topics", "exactly one topic (a plain value in the local stage)", topics);
  return topics[0];
}

function arnOf(reader: Reader): string | null {
  const { EventSourceArn: arn, SelfManagedEventSource: selfManaged } = reader.properties;
  if (arn === undefined && selfManaged !== undefined) return null;
  if (typeof arn === "string" && arn !== "") return arn;
  return reader.refuse("EventSourceArn", "an ARN (a plain value in the local stage)", arn);
}

function groupOf(reader: Reader, fallback: string): string {
  const config =
    reader.properties.AmazonManagedKafkaEventSourceConfig ??
    reader.properties.SelfManagedKafkaEventSourceConfig;
  const id = (isProperties(config) ? config.ConsumerGroupId : undefined) ?? fallback;
  if (typeof id !== "string" || !/^[a-zA-Z0-9\-/*:_+=.@]{1,200}$/.test(id))
    return reader.refuse("ConsumerGroupId", "1 to 200 of a–z A–Z 0–9 - / * : _ + = . @", id);
  return id;
}

function startOf(reader: Reader): Pick<MappingSettings, "startingPosition" | "startingTimestampMs"> {
  const { StartingPosition: position = "TRIM_HORIZON", StartingPositionTimestamp: given } = reader.properties;
  if (position !== "TRIM_HORIZON" && position !== "LATEST" && position !== "AT_TIMESTAMP")
    return reader.refuse("StartingPosition", "TRIM_HORIZON, LATEST or AT_TIMESTAMP", position);
  if (position !== "AT_TIMESTAMP") {
    if (given !== undefined)
      return reader.refuse("StartingPositionTimestamp", "nothing without AT_TIMESTAMP", given);
    return { startingPosition: position, startingTimestampMs: null };
  }
  if (typeof given !== "number" || !(given >= 0 && given * 1000 <= Date.now()))
    return reader.refuse("StartingPositionTimestamp", "Unix seconds, not in the future", given);
  return { startingPosition: position, startingTimestampMs: Math.round(given * 1000) };
}

function pollersOf(reader: Reader): MappingSettings["pollers"] {
  const config = reader.properties.ProvisionedPollerConfig;
  if (config === undefined || config === null || (isProperties(config) && Object.keys(config).length === 0))
    return undefined;
  if (!isProperties(config)) return reader.refuse("ProvisionedPollerConfig", "an object", config);
  const minimum = wholeNumber(reader, "MinimumPollers", 1, 1, 200, config);
  const maximum = wholeNumber(reader, "MaximumPollers", Math.max(200, minimum), 1, 2_000, config);
  if (minimum > maximum)
    return reader.refuse("MinimumPollers", `at most MaximumPollers (${maximum})`, minimum);
  return { minimum, maximum };
}

function destinationOf(reader: Reader, isProvisioned: boolean): Destination | null {
  const config = reader.properties.DestinationConfig;
  if (config === undefined || config === null) return null;
  const onFailure = isProperties(config) ? config.OnFailure : undefined;
  const name = isProperties(onFailure) ? onFailure.Destination : undefined;
  if (name === undefined || name === "") return null;
  const destination = typeof name === "string" ? parseDestination(name) : null;
  if (destination === null)
    return reader.refuse(
      "Destination",
      "the ARN of an SQS queue, SNS topic or S3 bucket, or kafka://topic",
      name,
    );
  if (destination.kind === "kafka" && !isProvisioned)
    return reader.refuse("Destination", "no Kafka topic without ProvisionedPollerConfig", name);
  return destination;
}

function reportsItemFailures(reader: Reader): boolean {
  const types = reader.properties.FunctionResponseTypes ?? [];
  if (!Array.isArray(types) || types.some((type) => type !== "ReportBatchItemFailures"))
    return reader.refuse("FunctionResponseTypes", "[] or [ReportBatchItemFailures]", types);
  return types.length > 0;
}

function failureHandlingOf(reader: Reader, isProvisioned: boolean): FailureHandling {
  const age = wholeNumber(reader, "MaximumRecordAgeInSeconds", INFINITE, INFINITE, 604_800);
  if (age !== INFINITE && age < 60)
    reader.refuse("MaximumRecordAgeInSeconds", "−1 or from 60 to 604800", age);
  const attempts = wholeNumber(reader, "MaximumRetryAttempts", INFINITE, INFINITE, 10_000);
  const destination = destinationOf(reader, isProvisioned);
  const handling = {
    maximumRetryAttempts:
      destination !== null && attempts === INFINITE ? RETRIES_BEFORE_DESTINATION : attempts,
    maximumRecordAgeMs: age === INFINITE ? null : age * 1000,
    bisects: flag(reader, "BisectBatchOnFunctionError", false),
    reportsItemFailures: reportsItemFailures(reader),
    destination,
  };
  const provisionedOnly: readonly (readonly [name: string, isUsed: boolean])[] = [
    ["MaximumRetryAttempts", attempts !== INFINITE],
    ["MaximumRecordAgeInSeconds", age !== INFINITE],
    ["BisectBatchOnFunctionError", handling.bisects],
    ["FunctionResponseTypes", handling.reportsItemFailures],
  ];
  const used = provisionedOnly.find(([, isUsed]) => isUsed);
  if (!isProvisioned && used !== undefined)
    reader.refuse(used[0], "nothing without ProvisionedPollerConfig", reader.properties[used[0]]);
  return handling;
}

function filtersOf(reader: Reader): readonly string[] {
  const criteria = reader.properties.FilterCriteria;
  const filters = (isProperties(criteria) ? criteria.Filters : undefined) ?? [];
  if (!Array.isArray(filters)) return reader.refuse("Filters", "a list of { Pattern }", filters);
  const patterns = filters.map((filter: unknown) => (isProperties(filter) ? filter.Pattern : undefined));
  const texts = patterns.filter((pattern) => typeof pattern === "string");
  if (texts.length !== patterns.length)
    return reader.refuse("Filters", "a list of { Pattern: text }", filters);
  try {
    compileFilter(texts);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    return reader.refuse("FilterCriteria", `patterns that AWS accepts (${error.message})`, texts);
  }
  return texts;
}

/** Reads one mapping's settings. @throws MappingError naming the property, the value and what is allowed (23) */
export function readSettings(source: MappingSource): MappingSettings {
  const reader: Reader = {
    properties: source.properties,
    refuse(property, expected, actual) {
      throw new MappingError(source.where(property), property, expected, actual);
    },
  };
  for (const name of REFUSED_FOR_KAFKA) {
    const value = source.properties[name];
    if (value !== undefined && value !== null) reader.refuse(name, "nothing for a Kafka source", value);
  }
  const topic = topicOf(reader);
  const pollers = pollersOf(reader);
  const window = source.properties.MaximumBatchingWindowInSeconds;
  return {
    functionKey: source.functionKey,
    functionName: source.functionName,
    eventSourceArn: arnOf(reader),
    topic,
    groupId: groupOf(reader, source.defaultGroupId(topic)),
    batchSize: wholeNumber(reader, "BatchSize", 100, 1, 10_000),
    batchingWindowMs:
      window === undefined ? 500 : 1000 * wholeNumber(reader, "MaximumBatchingWindowInSeconds", 0, 0, 300),
    ...startOf(reader),
    failureHandling: failureHandlingOf(reader, pollers !== undefined),
    filterPatterns: filtersOf(reader),
    ...(pollers === undefined ? {} : { pollers }),
    isEnabled: flag(reader, "Enabled", true),
    ...(source.concurrency === undefined ? {} : { concurrency: source.concurrency }),
  };
}
