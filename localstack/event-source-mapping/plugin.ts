// Serverless plugin: with `serverless offline start` the Kafka triggers and schedules of serverless.yml run, too.
// Before anything that needs the functions' code it has them built (custom.build: a module that exports `build`).

import type { Server } from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { invokeThrough } from "./invoke.ts";
import { type RunningMapping, startMapping } from "./mapping.ts";
import { readSchedules, startSchedule } from "./schedule.ts";
import { readMappings } from "./settings.ts";
import { startStatusServer } from "./status-server.ts";

/** The parts of Serverless that are used. */
interface Serverless {
  readonly serviceDir: string;
  readonly service: {
    readonly service: string;
    readonly functions: Readonly<
      Record<string, { readonly name: string; readonly events?: readonly unknown[] }>
    >;
    readonly custom?: {
      readonly build?: string;
      readonly localSchedules?: unknown;
      readonly "serverless-offline"?: { readonly lambdaPort?: number };
    };
  };
}

interface Options {
  readonly stage?: string;
  readonly lambdaPort?: number | string;
}

export default class EventSourceMappingPlugin {
  readonly hooks: Readonly<Record<string, () => Promise<void>>>;
  readonly #serverless: Serverless;
  readonly #options: Options;
  readonly #log: (message: string) => void;
  #mappings: RunningMapping[] = [];
  #schedules: (() => Promise<void>)[] = [];
  #statusServer: Server | null = null;

  constructor(serverless: Serverless, options: Options, { log }: { log: { notice(message: string): void } }) {
    this.#serverless = serverless;
    this.#options = options;
    this.#log = (message) => log.notice(`event source mapping: ${message}`);
    this.hooks = {
      "before:offline:start:init": () => this.#build(),
      "after:offline:start:init": () => this.#start(),
      "before:offline:start:end": () => this.#stop(),
      "before:invoke:local:invoke": () => this.#build(),
      "before:package:createDeploymentArtifacts": () => this.#build(),
    };
  }

  async #build(): Promise<void> {
    const path = this.#serverless.service.custom?.build;
    if (path === undefined) return;
    const module: { build(): Promise<unknown> } = await import(
      pathToFileURL(join(this.#serverless.serviceDir, path)).href
    );
    await module.build();
  }

  async #start(): Promise<void> {
    const { service } = this.#serverless;
    const brokers = (process.env.KAFKA_BROKER ?? "").split(",").filter((broker) => broker !== "");
    if (brokers.length === 0)
      throw new Error(
        "KAFKA_BROKER: expected host:port[,host:port…] of the Kafka whose topics trigger functions",
      );
    const lambdaPort = this.#options.lambdaPort ?? service.custom?.["serverless-offline"]?.lambdaPort ?? 3002;
    const invoke = invokeThrough(`http://127.0.0.1:${lambdaPort}`);
    const settings = readMappings({
      functions: service.functions,
      service: service.service,
      stage: this.#options.stage ?? "local",
    });
    this.#mappings = settings.map((mapping) => startMapping(mapping, brokers, invoke, this.#log));
    this.#schedules = readSchedules(service.custom?.localSchedules, service.functions).map((schedule) =>
      startSchedule(schedule, invoke, this.#log),
    );
    const clusterArn = settings.find((mapping) => mapping.eventSourceArn !== null)?.eventSourceArn ?? null;
    const cluster = clusterArn === null ? null : { arn: clusterArn, brokers: brokers.join(",") };
    this.#statusServer = await startStatusServer(
      Number(process.env.LOCALSTACK_CONTROL_PORT ?? 0),
      cluster,
      () => this.#mappings.map((mapping) => mapping.status),
    );
    this.#log(`${settings.length} Kafka triggers, ${this.#schedules.length} schedules`);
  }

  async #stop(): Promise<void> {
    this.#statusServer?.close();
    await Promise.all([
      ...this.#mappings.map((mapping) => mapping.stop()),
      ...this.#schedules.map((stop) => stop()),
    ]);
  }
}
