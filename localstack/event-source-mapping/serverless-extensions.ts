// What `resources.extensions` says about mappings. A deployment refuses an extension of something that is not there; here
// a misspelt logical id would leave the mapping without its settings.

import type { SettingPath } from "./serverless-lines.ts";
import { isProperties, MappingError, type Properties } from "./settings.ts";

/** Of AWS::Lambda::EventSourceMapping; true: no other resource that osls generates has it. */
const properties: Readonly<Record<string, boolean>> = {
  AmazonManagedKafkaEventSourceConfig: true,
  BatchSize: true,
  BisectBatchOnFunctionError: true,
  DestinationConfig: true,
  DocumentDBEventSourceConfig: true,
  Enabled: false,
  EventSourceArn: true,
  FilterCriteria: true,
  FunctionName: false,
  FunctionResponseTypes: true,
  KmsKeyArn: false,
  LoggingConfig: false,
  MaximumBatchingWindowInSeconds: true,
  MaximumRecordAgeInSeconds: true,
  MaximumRetryAttempts: true,
  MetricsConfig: false,
  ParallelizationFactor: true,
  ProvisionedPollerConfig: true,
  Queues: true,
  ScalingConfig: false,
  SelfManagedEventSource: true,
  SelfManagedKafkaEventSourceConfig: true,
  SourceAccessConfigurations: true,
  StartingPosition: true,
  StartingPositionTimestamp: true,
  Tags: false,
  Topics: true,
  TumblingWindowInSeconds: true,
};
/** Attributes of a resource that osls lets an extension have. */
const ATTRIBUTES = [
  "Properties",
  "Condition",
  "CreationPolicy",
  "DeletionPolicy",
  "DependsOn",
  "Metadata",
  "UpdatePolicy",
  "UpdateReplacePolicy",
];
const OTHER_SOURCES = /EventSourceMapping(SQS|Kinesis|Dynamodb|ActiveMQ|RabbitMQ)/;
/** Asynchronous invocations have retries and a destination as well. */
const INVOKE_CONFIG = /LambdaEvConf$/;

function isAboutMapping(id: string, extension: unknown): boolean {
  if (OTHER_SOURCES.test(id) || INVOKE_CONFIG.test(id)) return false;
  if (/EventSourceMapping/i.test(id)) return true;
  const given = isProperties(extension) ? extension : {};
  const names = [
    ...Object.keys(given),
    ...Object.keys(isProperties(given.Properties) ? given.Properties : {}),
  ];
  return names.some((name) => properties[name] === true);
}

/**
 * @param ids logical ids of the mappings
 * @param where the extension's place, to begin an error message with
 * @throws MappingError for an extension that is about a mapping but belongs to none, or has what no mapping has
 */
export function checkExtensions(
  extensions: Properties,
  resources: Properties,
  ids: readonly string[],
  where: (path: SettingPath) => string,
): void {
  for (const [id, extension] of Object.entries(extensions)) {
    if (Object.hasOwn(resources, id)) continue;
    const path = ["resources", "extensions", id];
    if (!ids.includes(id)) {
      if (!isAboutMapping(id, extension)) continue;
      const known = ids.length === 0 ? "but there is none" : `which are ${ids.join(", ")}`;
      throw new MappingError(where(path), "logical id", `a mapping's, ${known}`, id);
    }
    if (!isProperties(extension))
      throw new MappingError(`${where(path)}.${id}`, "Properties", "settings of the mapping", extension);
    for (const name of Object.keys(extension))
      if (!ATTRIBUTES.includes(name))
        throw new MappingError(
          `${where([...path, name])}.${id}`,
          name,
          `one of ${ATTRIBUTES.join(", ")}`,
          name,
        );
    if (extension.Properties === undefined) continue;
    if (!isProperties(extension.Properties))
      throw new MappingError(`${where(path)}.${id}`, "Properties", "an object", extension.Properties);
    for (const name of Object.keys(extension.Properties))
      if (!Object.hasOwn(properties, name))
        throw new MappingError(
          `${where([...path, "Properties", name])}.${id}`,
          name,
          "a property of AWS::Lambda::EventSourceMapping",
          name,
        );
  }
}
