// Lines of serverless.yml, so that a setting that is refused can be found where it was written (23).

import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from "yaml";

/** Keys and indices from the top. */
export type SettingPath = readonly (string | number)[];

const startOf = (node: unknown) => (isNode(node) ? (node.range?.[0] ?? null) : null);

/** @returns the line, from 1, of the first of the paths that the text has; null where it has none of them */
export function lineOf(yaml: string, paths: readonly SettingPath[]): number | null {
  const lines = new LineCounter();
  // CloudFormation's own tags (!GetAtt) are no business of ours.
  const document = parseDocument(yaml, { lineCounter: lines, logLevel: "silent", merge: true });

  function offsetOf(node: unknown, [step, ...rest]: SettingPath, found: number | null): number | null {
    if (step === undefined) return found;
    if (isAlias(node)) return offsetOf(node.resolve(document), [step, ...rest], found);
    if (isSeq(node)) {
      // `resources` may be a list of parts: a key is looked for in each.
      const items = typeof step === "number" ? node.items.slice(step, step + 1) : node.items;
      const path = typeof step === "number" ? rest : [step, ...rest];
      return items.map((item) => offsetOf(item, path, startOf(item))).find((at) => at !== null) ?? null;
    }
    const pair = isMap(node) ? node.items.find(({ key }) => isScalar(key) && key.value === step) : undefined;
    return pair === undefined ? null : offsetOf(pair.value, rest, startOf(pair.key));
  }

  for (const path of paths) {
    const offset = offsetOf(document.contents, path, null);
    if (offset !== null) return lines.linePos(offset).line;
  }
  return null;
}

// Where AWS's properties are in an event, and in an extension where it is not at the top.
const eventPaths: Readonly<Record<string, SettingPath>> = {
  EventSourceArn: ["arn"],
  Topics: ["topic"],
  BatchSize: ["batchSize"],
  MaximumBatchingWindowInSeconds: ["maximumBatchingWindow"],
  Enabled: ["enabled"],
  StartingPosition: ["startingPosition"],
  StartingPositionTimestamp: ["startingPositionTimestamp"],
  ConsumerGroupId: ["consumerGroupId"],
  FilterCriteria: ["filterPatterns"],
  MinimumPollers: ["provisionedPollerConfig", "minimumPollers"],
  MaximumPollers: ["provisionedPollerConfig", "maximumPollers"],
  Destination: ["onFailureDestination"],
};
const extensionPaths: Readonly<Record<string, SettingPath>> = {
  ConsumerGroupId: ["AmazonManagedKafkaEventSourceConfig", "ConsumerGroupId"],
  MinimumPollers: ["ProvisionedPollerConfig", "MinimumPollers"],
  MaximumPollers: ["ProvisionedPollerConfig", "MaximumPollers"],
  Destination: ["DestinationConfig", "OnFailure", "Destination"],
};

export interface EventPlace {
  readonly functionKey: string;
  /** Among the function's events. */
  readonly index: number;
  readonly kind: "msk" | "kafka";
  readonly logicalId: string;
}

/** Where a property of a mapping may be written, the place that wins first; at last its function. */
export function pathsOf(
  { functionKey, index, kind, logicalId }: EventPlace,
  property: string,
): SettingPath[] {
  const extension = ["extensions", logicalId, "Properties", ...(extensionPaths[property] ?? [property])];
  const event = ["functions", functionKey, "events", index, kind];
  return [
    ["resources", ...extension],
    [...event, ...(eventPaths[property] ?? [property])],
    event,
    ["functions", functionKey],
  ];
}
