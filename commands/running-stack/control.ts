// The control server of what runs here (localstack/control-plane), found and asked.

import { Option } from "commander";
import { messageOf } from "../../lib/log.ts";
import type { PartitionStatus } from "../../localstack/event-source-mapping/lane-member.ts";
import { findRunningStack } from "./running-stack.ts";

/** EventSourceMappingConfiguration of the Lambda API, as far as it is shown. */
export interface MappingConfiguration {
  readonly UUID: string;
  readonly FunctionArn: string;
  readonly Topics: readonly [string];
  readonly State: string;
  readonly LastProcessingResult: string;
  readonly FunctionResponseTypes: readonly string[];
  readonly FilterCriteria?: { readonly Filters: readonly { readonly Pattern: string }[] };
  readonly DestinationConfig: { readonly OnFailure: { readonly Destination?: string } };
  readonly [setting: string]: unknown;
}

interface Status {
  readonly bootstrapServers: string;
  readonly mappings: readonly { readonly uuid: string; readonly partitions: readonly PartitionStatus[] }[];
}

export interface Control {
  readonly url: string;
  status(): Promise<Status>;
  /** All event source mappings. */
  list(): Promise<MappingConfiguration[]>;
  get(uuid: string): Promise<MappingConfiguration>;
  update(uuid: string, changes: Readonly<Record<string, unknown>>): Promise<MappingConfiguration>;
}

export const MAPPINGS = "2015-03-31/event-source-mappings";
export const functionNameOf = ({ FunctionArn }: MappingConfiguration) =>
  FunctionArn.replace(/^.*:function:/, "");

export const controlUrl = new Option(
  "--url <url>",
  "control server (LOCALSTACK_CONTROL_URL); by default that of the running `npm start`",
);

const howToStart =
  "start one with `npm start` or `serverless offline start`, and name it by --url or LOCALSTACK_CONTROL_URL " +
  "where it is not this folder's `npm start`";

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false; // a page of some other server
  }
}

async function findUrl(given: string | undefined): Promise<string> {
  const { stack, left } = await findRunningStack();
  const named = given || process.env.LOCALSTACK_CONTROL_URL;
  if (named) {
    if (!URL.canParse(named)) throw new Error(`control server: expected a URL, got ${JSON.stringify(named)}`);
    if (!given && stack !== null && new URL(named).href !== new URL(stack.control).href)
      console.error(
        `LOCALSTACK_CONTROL_URL: ${named} here, ${stack.control} in the running \`npm start\`; ${named} is used`,
      );
    return named;
  }
  if (stack === null)
    throw new Error(`${left === null ? "" : `${left}\n`}no control server is running: ${howToStart}`);
  return stack.control;
}

/**
 * @param given URL of the control server; absent: that of the environment, else that of the running `npm start`
 * @throws Error where there is none
 */
export async function openControl(given: string | undefined): Promise<Control> {
  const url = await findUrl(given);

  async function call<T>(method: string, path: string, changes?: unknown): Promise<T> {
    const body = changes === undefined ? {} : { body: JSON.stringify(changes) };
    const response = await fetch(new URL(path, url), { method, ...body }).catch((error) => {
      throw new Error(
        `no control server answers at ${url} (${messageOf(error.cause ?? error)}): ${howToStart}`,
      );
    });
    const text = await response.text();
    const answer = isJson(text) ? JSON.parse(text) : null;
    if (response.ok && answer !== null) return answer;
    const kind = response.headers.get("x-amzn-errortype");
    if (kind === null || typeof answer?.message !== "string")
      throw new Error(
        `${url} is no control server: it answers ${method} /${path} with HTTP ${response.status} ${response.statusText}; ${howToStart}`,
      );
    throw new Error(`${kind}: ${answer.message}`);
  }

  return {
    url,
    status: () => call("GET", "status"),
    async list() {
      const mappings: MappingConfiguration[] = [];
      for (let marker: string | undefined = "0"; marker !== undefined; ) {
        const page: { EventSourceMappings: MappingConfiguration[]; NextMarker?: string } = await call(
          "GET",
          `${MAPPINGS}/?Marker=${marker}`,
        );
        mappings.push(...page.EventSourceMappings);
        marker = page.NextMarker;
      }
      return mappings;
    },
    get: (uuid) => call("GET", `${MAPPINGS}/${uuid}`),
    update: (uuid, changes) => call("PUT", `${MAPPINGS}/${uuid}`, changes),
  };
}

/** @throws Error where it names none or several; it says what there is */
export function pickMapping(mappings: readonly MappingConfiguration[], wanted: string): MappingConfiguration {
  const matching = mappings.filter((mapping) => {
    const name = functionNameOf(mapping);
    return mapping.UUID === wanted || name === wanted || name.endsWith(`-${wanted}`);
  });
  const [mapping] = matching;
  if (mapping !== undefined && matching.length === 1) return mapping;
  const shown = matching.length > 1 ? matching : mappings;
  const lines = shown.map((one) => `  ${one.UUID}  ${functionNameOf(one)}  ${one.Topics[0]}`);
  throw new Error(
    `${matching.length > 1 ? "more than one" : "no"} event source mapping is called ${wanted}; there ${
      lines.length === 0 ? "is none at all" : `are:\n${lines.join("\n")}`
    }`,
  );
}
