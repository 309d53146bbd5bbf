// The Lambda API's event source mappings (25), for AWS's own clients.

import {
  type ManagedMapping,
  MappingBusyError,
  type MappingRegistry,
} from "../event-source-mapping/registry.ts";
import {
  isProperties,
  MappingError,
  type Properties,
  readSettings,
} from "../event-source-mapping/settings.ts";
import { type ControlAnswer, type ControlRequest, fault } from "./answer.ts";
import { configurationOf } from "./mapping-configuration.ts";

const PAGE = 100;
/** What UpdateEventSourceMapping may change; the source and the group are fixed for ever. */
const CHANGEABLE = new Set([
  "BatchSize",
  "BisectBatchOnFunctionError",
  "DestinationConfig",
  "Enabled",
  "FilterCriteria",
  "FunctionName",
  "FunctionResponseTypes",
  "MaximumBatchingWindowInSeconds",
  "MaximumRecordAgeInSeconds",
  "MaximumRetryAttempts",
  "ProvisionedPollerConfig",
]);

/** `name`, `name:qualifier`, `account:function:name` or an ARN. */
function functionNameOf(text: unknown): string | null {
  if (typeof text !== "string") return null;
  const afterKeyword = /(?:^|:)function:([^:]+)/.exec(text)?.[1];
  return afterKeyword ?? text.split(":")[0] ?? null;
}

export interface LambdaControl {
  readonly registry: MappingRegistry;
  /** Names of the service's functions, for the check that AWS makes at creation. */
  readonly functionNames: readonly string[];
  readonly log: (message: string) => void;
}

function parseBody(body: string): Properties | null {
  try {
    const parsed: unknown = JSON.parse(body);
    return isProperties(parsed) ? parsed : null;
  } catch {
    // AWS names it a serialization error, whatever the parser says.
    return null;
  }
}

function settingsFrom(properties: Properties, functionName: string, where: string) {
  return readSettings({
    functionKey: functionName,
    functionName,
    where: () => where,
    defaultGroupId: (topic) => `${functionName}-${topic}`,
    properties,
  });
}

function list({ registry }: LambdaControl, query: URLSearchParams): ControlAnswer {
  const [source, name] = [query.get("EventSourceArn"), query.get("FunctionName")];
  const wanted = registry.all.filter(
    ({ settings }) =>
      (source === null || settings.eventSourceArn === source) &&
      (name === null || settings.functionName === functionNameOf(name)),
  );
  const from = Number(query.get("Marker") ?? 0);
  const size = Math.min(PAGE, Math.max(1, Number(query.get("MaxItems") ?? PAGE)));
  if (!Number.isInteger(from) || !Number.isInteger(size))
    return fault(400, "InvalidParameterValueException", "Marker and MaxItems must be whole numbers");
  return {
    status: 200,
    body: {
      EventSourceMappings: wanted.slice(from, from + size).map(configurationOf),
      ...(from + size < wanted.length ? { NextMarker: String(from + size) } : {}),
    },
  };
}

function create({ registry, functionNames }: LambdaControl, properties: Properties): ControlAnswer {
  const functionName = functionNameOf(properties.FunctionName);
  if (functionName === null || !functionNames.includes(functionName))
    return fault(404, "ResourceNotFoundException", `Function not found: ${String(properties.FunctionName)}`);
  // serverless.yml has a default for it, the API has none.
  if (properties.StartingPosition === undefined)
    throw new MappingError(
      "CreateEventSourceMapping",
      "StartingPosition",
      "TRIM_HORIZON, LATEST or AT_TIMESTAMP",
      undefined,
    );
  const settings = settingsFrom(properties, functionName, "CreateEventSourceMapping");
  const twin = registry.all.find(
    (one) =>
      one.settings.functionName === functionName &&
      one.settings.topic === settings.topic &&
      one.settings.eventSourceArn === settings.eventSourceArn,
  );
  const mapping = twin === undefined ? registry.create(settings, properties) : undefined;
  if (mapping === undefined)
    return fault(
      409,
      "ResourceConflictException",
      `An event source mapping with this source, function, topic or consumer group exists already${twin === undefined ? "" : `: ${twin.id}`}`,
    );
  return { status: 202, body: { ...configurationOf(mapping), State: "Creating" } };
}

function update(control: LambdaControl, mapping: ManagedMapping, changes: Properties): ControlAnswer {
  const fixed = Object.keys(changes).find((name) => name !== "UUID" && !CHANGEABLE.has(name));
  if (fixed !== undefined)
    return fault(
      400,
      "InvalidParameterValueException",
      `${fixed}: cannot be changed once the mapping exists`,
    );
  const functionName =
    changes.FunctionName === undefined ? mapping.settings.functionName : functionNameOf(changes.FunctionName);
  if (functionName === null || !control.functionNames.includes(functionName))
    return fault(404, "ResourceNotFoundException", `Function not found: ${String(changes.FunctionName)}`);
  const properties = { ...mapping.properties, ...changes };
  // The group stays: it must not follow a change of the function's name.
  const settings = {
    ...settingsFrom(properties, functionName, mapping.id),
    groupId: mapping.settings.groupId,
  };
  mapping.change(settings, properties).catch((error) => control.log(`${mapping.id}: ${String(error)}`));
  return { status: 202, body: configurationOf(mapping) };
}

function remove(control: LambdaControl, mapping: ManagedMapping): ControlAnswer {
  control.registry.delete(mapping).catch((error) => control.log(`${mapping.id}: ${String(error)}`));
  return { status: 202, body: { ...configurationOf(mapping), State: "Deleting" } };
}

function route(control: LambdaControl, request: ControlRequest, id: string | undefined): ControlAnswer {
  const { method, query } = request;
  if (id === undefined && method === "GET") return list(control, query);
  const properties = method === "POST" || method === "PUT" ? parseBody(request.body || "{}") : {};
  if (properties === null) return fault(400, "InvalidRequestContentException", "the body is no JSON object");
  if (id === undefined && method === "POST") return create(control, properties);
  const mapping = id === undefined ? undefined : control.registry.find(id);
  if (mapping === undefined)
    return fault(404, "ResourceNotFoundException", "The resource you requested does not exist.");
  if (method === "GET") return { status: 200, body: configurationOf(mapping) };
  if (method === "PUT") return update(control, mapping, properties);
  if (method === "DELETE") return remove(control, mapping);
  return fault(405, "InvalidRequestContentException", `${method} is not supported`);
}

/** @returns null where the path is not about event source mappings */
export function answerLambda(control: LambdaControl, request: ControlRequest): ControlAnswer | null {
  const [version, kind, id, ...more] = request.path;
  if (version !== "2015-03-31" || kind !== "event-source-mappings" || more.length > 0) return null;
  try {
    return route(control, request, id === "" ? undefined : id);
  } catch (error) {
    if (error instanceof MappingError) return fault(400, "InvalidParameterValueException", error.message);
    if (error instanceof MappingBusyError) return fault(400, "ResourceInUseException", error.message);
    throw error;
  }
}
