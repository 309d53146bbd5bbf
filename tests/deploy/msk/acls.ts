// A role's policy as ACLs of Kafka's own authorizer, by MSK's table of actions (Amazon MSK Developer Guide, "Semantics of
// IAM authorization policy actions and resources"), which names for each action the ACL that it equals. Kafka is wider
// where `implying` says so and in IDEMPOTENT_WRITE, which writing to any topic includes since 3.0 (KIP-679): that the front
// judges. MSK may be narrower in ReadData: its table requires AlterGroup with it, which Kafka asks only of members of a group.

import {
  type AclEntry,
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  ResourcePatternTypes,
} from "kafkajs";

const { ALLOW, DENY } = AclPermissionTypes;

/** `kafka-cluster:Connect` is the front's to judge: Kafka has no ACL for logging in. */
const operations: Readonly<Record<string, AclOperationTypes>> = {
  WriteDataIdempotently: AclOperationTypes.IDEMPOTENT_WRITE,
  DescribeClusterDynamicConfiguration: AclOperationTypes.DESCRIBE_CONFIGS,
  DescribeTopicDynamicConfiguration: AclOperationTypes.DESCRIBE_CONFIGS,
  CreateTopic: AclOperationTypes.CREATE,
  DescribeTopic: AclOperationTypes.DESCRIBE,
  ReadData: AclOperationTypes.READ,
  WriteData: AclOperationTypes.WRITE,
  DescribeGroup: AclOperationTypes.DESCRIBE,
  AlterGroup: AclOperationTypes.READ,
};

const resourceTypes: Readonly<Record<string, AclResourceTypes>> = {
  cluster: AclResourceTypes.CLUSTER,
  topic: AclResourceTypes.TOPIC,
  group: AclResourceTypes.GROUP,
};

/**
 * Where Kafka is wider than MSK: reading or writing a topic, and reading a group, include describing it; MSK's actions
 * include nothing ("you must also include the required actions"). Where describing is not allowed it is denied, then.
 */
const implying: Readonly<Record<string, string>> = {
  ReadData: "DescribeTopic",
  WriteData: "DescribeTopic",
  AlterGroup: "DescribeGroup",
};

/** One of `action on ARN`. @throws Error for an action that this table does not know */
function ruleOf(allowed: string): {
  action: string;
  resource: string;
  entry: Omit<AclEntry, "permissionType" | "principal">;
} {
  const [, action = "", resource = "", kind = "", name = ""] =
    /^kafka-cluster:(\w+) on (arn:\w+:kafka:[^:]+:\d+:(\w+)\/[^/]+\/[^/]+(?:\/(.+))?)$/.exec(allowed) ?? [];
  const [operation, resourceType] = [operations[action], resourceTypes[kind]];
  if (operation === undefined || resourceType === undefined) throw new Error(`no ACL for ${allowed}`);
  const resourceName = kind === "cluster" ? "kafka-cluster" : name; // Kafka's name for itself
  return {
    action,
    resource,
    entry: {
      operation,
      resourceType,
      resourceName,
      resourcePatternType: ResourcePatternTypes.LITERAL,
      host: "*",
    },
  };
}

/** Whether the policy has an action that the front judges. */
export const may = (action: "Connect" | "WriteDataIdempotently", allowed: readonly string[]) =>
  allowed.some((one) => one.startsWith(`kafka-cluster:${action} on `));

/** @param allowed the policy, as `action on ARN`; what is not Kafka's is passed over */
export function aclsOf(principal: string, allowed: readonly string[]): AclEntry[] {
  const rules = allowed
    .filter((one) => one.startsWith("kafka-cluster:") && !one.startsWith("kafka-cluster:Connect "))
    .map(ruleOf);
  const named = { principal: `User:${principal}` };
  const denials = rules.flatMap(({ action, resource, entry }) => {
    const describing = implying[action];
    const isAllowed = rules.some((rule) => rule.action === describing && rule.resource === resource);
    if (describing === undefined || isAllowed) return [];
    return [{ ...entry, ...named, operation: AclOperationTypes.DESCRIBE, permissionType: DENY }];
  });
  return [...rules.map(({ entry }) => ({ ...entry, ...named, permissionType: ALLOW })), ...denials];
}
