// The settings of event source mappings, read from what is deployed: the msk and kafka events of serverless.yml and
// the template's extensions. Numbers in brackets are the rules of docs/event-source-mapping.md.

export type StartingPosition = "TRIM_HORIZON" | "LATEST" | "AT_TIMESTAMP";

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
}

/** What a Serverless service tells of a function's events, as far as it matters here. */
export interface ServiceView {
  readonly functions: Readonly<
    Record<string, { readonly name: string; readonly events?: readonly unknown[] }>
  >;
  readonly service: string;
  readonly stage: string;
}

/** A setting that AWS would refuse. */
export class MappingError extends Error {
  constructor(functionKey: string, property: string, expected: string, actual: unknown) {
    super(
      `functions.${functionKey}.events: ${property}: expected ${expected}, got ${JSON.stringify(actual)}`,
    );
    this.name = "MappingError";
  }
}

type Properties = Readonly<Record<string, unknown>>;

function isProperties(value: unknown): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function wholeNumber(
  key: string,
  properties: Properties,
  name: string,
  fallback: number,
  min: number,
  max: number,
) {
  const value = properties[name] ?? fallback;
  if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max)
    throw new MappingError(key, name, `a whole number from ${min} to ${max}`, value);
  return value;
}

function text(key: string, properties: Properties, name: string, fallback?: string): string {
  const value = properties[name] ?? fallback;
  if (typeof value !== "string" || value === "")
    throw new MappingError(key, name, "text (a plain value in the local stage)", value);
  return value;
}

function startingPosition(
  key: string,
  properties: Properties,
): Pick<MappingSettings, "startingPosition" | "startingTimestampMs"> {
  const position = properties.startingPosition ?? "TRIM_HORIZON";
  const seconds = properties.startingPositionTimestamp;
  if (position !== "TRIM_HORIZON" && position !== "LATEST" && position !== "AT_TIMESTAMP")
    throw new MappingError(key, "startingPosition", "TRIM_HORIZON, LATEST or AT_TIMESTAMP", position);
  if (position !== "AT_TIMESTAMP" && seconds !== undefined)
    throw new MappingError(key, "startingPositionTimestamp", "nothing without AT_TIMESTAMP", seconds);
  if (
    position === "AT_TIMESTAMP" &&
    !(typeof seconds === "number" && seconds >= 0 && seconds * 1000 <= Date.now())
  )
    throw new MappingError(key, "startingPositionTimestamp", "Unix seconds, not in the future", seconds);
  return {
    startingPosition: position,
    startingTimestampMs: typeof seconds === "number" ? seconds * 1000 : null,
  };
}

/** Reads every msk and kafka event that is not disabled. @throws MappingError for what AWS would refuse (23) */
export function readMappings(view: ServiceView): MappingSettings[] {
  return Object.entries(view.functions).flatMap(([key, definition]) =>
    (definition.events ?? []).flatMap((event): MappingSettings[] => {
      if (!isProperties(event)) return [];
      const properties = event.msk ?? event.kafka;
      if (!isProperties(properties) || properties.enabled === false) return [];
      const topic = text(key, properties, "topic");
      return [
        {
          functionKey: key,
          functionName: definition.name,
          eventSourceArn: event.msk === undefined ? null : text(key, properties, "arn"),
          topic,
          groupId: text(key, properties, "consumerGroupId", `${view.service}-${view.stage}-${key}-${topic}`),
          batchSize: wholeNumber(key, properties, "batchSize", 100, 1, 10_000),
          batchingWindowMs:
            properties.maximumBatchingWindow === undefined
              ? 500
              : 1000 * wholeNumber(key, properties, "maximumBatchingWindow", 0, 0, 300),
          ...startingPosition(key, properties),
        },
      ];
    }),
  );
}
