// The event source mappings of a Serverless service: its msk and kafka events with the template's extensions, so that
// the settings that are deployed are the local ones.

import { checkExtensions } from "./serverless-extensions.ts";
import { type EventPlace, pathsOf, type SettingPath } from "./serverless-lines.ts";
import {
  isProperties,
  MappingError,
  type MappingSettings,
  type Properties,
  readSettings,
} from "./settings.ts";

/** What a Serverless service tells, as far as it matters here. */
export interface ServiceView {
  readonly functions: Readonly<
    Record<string, { readonly name: string; readonly events?: readonly unknown[] }>
  >;
  readonly service: string;
  readonly stage: string;
  /** `resources` of serverless.yml: an object or a list of them, with Resources and extensions. */
  readonly resources?: unknown;
  /** Local only: function key → invocations at once. */
  readonly concurrency?: Readonly<Record<string, number>>;
  /** Line of serverless.yml where the first of the paths is written; null where it is not written there. */
  readonly lineOf?: (paths: readonly SettingPath[]) => number | null;
}

function parts(resources: unknown, name: "Resources" | "extensions"): Properties {
  const list: readonly unknown[] = Array.isArray(resources) ? resources : [resources];
  return Object.assign(
    {},
    ...list.map((one) => (isProperties(one) && isProperties(one[name]) ? one[name] : {})),
  );
}

// The logical ids are osls' own (lib/plugins/aws/lib/naming.js).
const alphaNumeric = (text: string) => text.replace(/[^0-9A-Za-z]/g, "");
const capitalized = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

function functionPart(key: string): string {
  return capitalized(key.replaceAll("-", "Dash").replaceAll("_", "Underscore"));
}

function clusterToken(arn: unknown): string {
  if (typeof arn === "string") return arn.split("/")[1] ?? "";
  const intrinsic = isProperties(arn) ? (arn.Ref ?? arn["Fn::ImportValue"]) : undefined;
  return typeof intrinsic === "string" ? intrinsic : "";
}

/** Logical id of the mapping in the compiled template. */
export function logicalIdOf(
  functionKey: string,
  event: { readonly msk?: unknown; readonly kafka?: unknown },
): string {
  const isMsk = isProperties(event.msk);
  const properties: Properties = isProperties(event.msk)
    ? event.msk
    : isProperties(event.kafka)
      ? event.kafka
      : {};
  const topic = capitalized(alphaNumeric(String(properties.topic)));
  const part = functionPart(functionKey);
  if (!isMsk) return `${part}EventSourceMappingKafka${topic.slice(0, 158)}`;
  const cluster = capitalized(alphaNumeric(clusterToken(properties.arn)));
  return `${part}EventSourceMappingMSK${cluster.slice(0, 79)}${topic.slice(0, 79)}`;
}

const localArns: Readonly<Record<string, (name: string) => string>> = {
  "AWS::SQS::Queue": (name) => `arn:aws:sqs:local:000000000000:${name}`,
  "AWS::SNS::Topic": (name) => `arn:aws:sns:local:000000000000:${name}`,
  "AWS::S3::Bucket": (name) => `arn:aws:s3:::${name}`,
};

/** Replaces `!GetAtt Queue.Arn` and `!Ref Topic` of the template's own queues, topics and buckets by local ARNs. */
function withLocalArns(value: unknown, resources: Properties): unknown {
  if (Array.isArray(value)) return value.map((one) => withLocalArns(one, resources));
  if (!isProperties(value)) return value;
  const reference = value["Fn::GetAtt"] ?? value.Ref;
  const id = Array.isArray(reference)
    ? reference[0]
    : typeof reference === "string"
      ? reference.split(".")[0]
      : undefined;
  const resource = typeof id === "string" ? resources[id] : undefined;
  if (Object.keys(value).length === 1 && isProperties(resource)) {
    const given: Properties = isProperties(resource.Properties) ? resource.Properties : {};
    const name = given.QueueName ?? given.TopicName ?? given.BucketName;
    const arn = localArns[String(resource.Type)]?.(typeof name === "string" ? name : String(id));
    if (arn !== undefined) return arn;
  }
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withLocalArns(one, resources)]));
}

/** The event's properties under AWS's names; what it leaves out stays out. */
function awsProperties(event: Properties, isMsk: boolean): Properties {
  const patterns = Array.isArray(event.filterPatterns) ? event.filterPatterns : undefined;
  const pollers: Properties | undefined = isProperties(event.provisionedPollerConfig)
    ? event.provisionedPollerConfig
    : undefined;
  const group = event.consumerGroupId === undefined ? undefined : { ConsumerGroupId: event.consumerGroupId };
  const all: Properties = {
    EventSourceArn: isMsk ? event.arn : undefined,
    SelfManagedEventSource: isMsk
      ? undefined
      : { Endpoints: { KafkaBootstrapServers: event.bootstrapServers } },
    Topics: event.topic === undefined ? undefined : [event.topic],
    BatchSize: event.batchSize,
    MaximumBatchingWindowInSeconds: event.maximumBatchingWindow,
    Enabled: event.enabled,
    StartingPosition: event.startingPosition,
    StartingPositionTimestamp: event.startingPositionTimestamp,
    [isMsk ? "AmazonManagedKafkaEventSourceConfig" : "SelfManagedKafkaEventSourceConfig"]: group,
    FilterCriteria: patterns && {
      Filters: patterns.map((pattern) => ({ Pattern: JSON.stringify(pattern) })),
    },
    ProvisionedPollerConfig: pollers && {
      MinimumPollers: pollers.minimumPollers,
      MaximumPollers: pollers.maximumPollers,
    },
    DestinationConfig:
      event.onFailureDestination === undefined
        ? undefined
        : { OnFailure: { Destination: event.onFailureDestination } },
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

function linePrefix(view: ServiceView, paths: readonly SettingPath[]): string {
  const line = view.lineOf?.(paths) ?? null;
  return line === null ? "" : `serverless.yml:${line}: `;
}

/** The property's place for an error message: line, function and event. */
function placeOf(view: ServiceView, place: EventPlace, property: string): string {
  const prefix = linePrefix(view, pathsOf(place, property));
  return `${prefix}functions.${place.functionKey}.events.${place.kind}`;
}

/** Every msk and kafka event of the functions, with the place and logical id of its mapping. */
function eventsOf(view: ServiceView): { place: EventPlace; properties: Properties; functionName: string }[] {
  return Object.entries(view.functions).flatMap(([functionKey, { name, events = [] }]) =>
    events.flatMap((event, index) => {
      if (!isProperties(event)) return [];
      const properties = event.msk ?? event.kafka;
      if (!isProperties(properties)) return [];
      const kind = event.msk === undefined ? "kafka" : "msk";
      const place: EventPlace = { functionKey, index, kind, logicalId: logicalIdOf(functionKey, event) };
      return [{ place, properties, functionName: name }];
    }),
  );
}

function checkConcurrency(view: ServiceView, functionKeys: readonly string[]): void {
  for (const key of Object.keys(view.concurrency ?? {}))
    if (!functionKeys.includes(key))
      throw new MappingError(
        `${linePrefix(view, [["custom", "eventSourceMapping", "concurrency", key]])}custom.eventSourceMapping`,
        "concurrency",
        `functions with a Kafka trigger, which are ${functionKeys.join(", ")}`,
        key,
      );
}

export interface DeclaredMapping {
  readonly settings: MappingSettings;
  /** The same in AWS's names, as declared. */
  readonly properties: Properties;
}

/** Reads every msk and kafka event, also the disabled ones. @throws MappingError for what AWS would refuse (23) */
export function readMappings(view: ServiceView): DeclaredMapping[] {
  const extensions = parts(view.resources, "extensions");
  const resources = parts(view.resources, "Resources");
  const events = eventsOf(view);
  const ids = events.map(({ place }) => place.logicalId);
  checkExtensions(extensions, resources, ids, (path) => `${linePrefix(view, [path])}resources.extensions`);
  checkConcurrency(view, [...new Set(events.map(({ place }) => place.functionKey))]);
  const groups = new Set<string>();
  return events.map(({ place, properties, functionName }): DeclaredMapping => {
    const { functionKey, logicalId } = place;
    const extension = extensions[logicalId];
    const extra = isProperties(extension) && isProperties(extension.Properties) ? extension.Properties : {};
    const merged = withLocalArns({ ...awsProperties(properties, place.kind === "msk"), ...extra }, resources);
    const all: Properties = isProperties(merged) ? merged : {};
    const concurrency = view.concurrency?.[functionKey];
    const settings = readSettings({
      functionKey,
      functionName,
      where: (property) => placeOf(view, place, property),
      defaultGroupId: (topic) => `${view.service}-${view.stage}-${functionKey}-${topic}`,
      properties: all,
      ...(concurrency === undefined ? {} : { concurrency }),
    });
    if (groups.has(settings.groupId))
      throw new MappingError(
        placeOf(view, place, "ConsumerGroupId"),
        "ConsumerGroupId",
        "a group of its own for each mapping",
        settings.groupId,
      );
    groups.add(settings.groupId);
    return { settings, properties: all };
  });
}
