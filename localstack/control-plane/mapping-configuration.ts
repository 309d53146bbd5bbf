// An event source mapping as the Lambda API shows it (25).

import { functionArn } from "../event-source-mapping/failure-record.ts";
import type { ManagedMapping } from "../event-source-mapping/registry.ts";
import type { Properties } from "../event-source-mapping/settings.ts";

/** EventSourceMappingConfiguration. */
export function configurationOf(mapping: ManagedMapping): Properties {
  const { settings, properties, state } = mapping;
  const handling = settings.failureHandling;
  const { startingTimestampMs } = settings;
  const group = { ConsumerGroupId: settings.groupId };
  return {
    UUID: mapping.id,
    EventSourceMappingArn: `arn:aws:lambda:local:000000000000:event-source-mapping:${mapping.id}`,
    ...(settings.eventSourceArn === null
      ? {
          SelfManagedEventSource: properties.SelfManagedEventSource,
          SelfManagedKafkaEventSourceConfig: group,
        }
      : { EventSourceArn: settings.eventSourceArn, AmazonManagedKafkaEventSourceConfig: group }),
    FunctionArn: functionArn(settings.functionName),
    Topics: [settings.topic],
    StartingPosition: settings.startingPosition,
    ...(startingTimestampMs === null ? {} : { StartingPositionTimestamp: startingTimestampMs / 1000 }),
    BatchSize: settings.batchSize,
    ...(properties.MaximumBatchingWindowInSeconds === undefined
      ? {}
      : { MaximumBatchingWindowInSeconds: settings.batchingWindowMs / 1000 }),
    BisectBatchOnFunctionError: handling?.bisects ?? false,
    MaximumRetryAttempts: properties.MaximumRetryAttempts ?? -1,
    MaximumRecordAgeInSeconds: properties.MaximumRecordAgeInSeconds ?? -1,
    FunctionResponseTypes: handling?.reportsItemFailures === true ? ["ReportBatchItemFailures"] : [],
    DestinationConfig: {
      OnFailure: handling?.destination == null ? {} : { Destination: handling.destination.text },
    },
    ...(settings.filterPatterns === undefined || settings.filterPatterns.length === 0
      ? {}
      : { FilterCriteria: { Filters: settings.filterPatterns.map((Pattern) => ({ Pattern })) } }),
    ...(settings.pollers === undefined
      ? {}
      : {
          ProvisionedPollerConfig: {
            MinimumPollers: settings.pollers.minimum,
            MaximumPollers: settings.pollers.maximum,
          },
        }),
    State: state,
    StateTransitionReason: "USER_INITIATED",
    LastProcessingResult: mapping.status.lastProcessingResult,
    LastModified: mapping.lastModifiedMs / 1000,
  };
}
