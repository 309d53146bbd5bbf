// Serverless plugin: with `serverless offline start` the Kafka triggers and schedules of serverless.yml run, too.
// Before anything that needs the functions' code it has them built (custom.build: a module that exports `build`).

import { existsSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Server } from "node:http";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { startControlServer } from "../control-plane/server.ts";
import { localSink } from "./destination.ts";
import { type FaultPlan, readFaultPlan, switchableFaults } from "./faults.ts";
import { handOverBytes } from "./http-bodies.ts";
import { invokeThrough } from "./invoke.ts";
import { type Cluster, openCluster } from "./kafka-cluster.ts";
import { type LimitedFunction, limitFunctions } from "./limited-lambda.ts";
import { logMetrics } from "./metrics.ts";
import { MappingRegistry } from "./registry.ts";
import { readSchedules, type Schedule, startSchedule } from "./schedule.ts";
import { lineOf } from "./serverless-lines.ts";
import { type DeclaredMapping, readMappings } from "./serverless-mappings.ts";
import { MappingError } from "./settings.ts";

/** The parts of Serverless that are used. */
interface Serverless {
  readonly serviceDir: string;
  readonly classes: { readonly Error: new (message: string, code: string) => Error };
  readonly service: {
    readonly service: string;
    readonly functions: Readonly<Record<string, LimitedFunction & { readonly name: string }>>;
    readonly resources?: unknown;
    readonly custom?: {
      readonly build?: string;
      readonly localSchedules?: unknown;
      readonly httpBodies?: string;
      readonly eventSourceMapping?: { readonly concurrency?: Readonly<Record<string, number>> };
      readonly "serverless-offline"?: { readonly httpPort?: number; readonly lambdaPort?: number };
    };
  };
}

/** What is known before anything is started. */
interface PluginSettings {
  readonly brokers: readonly string[];
  readonly declared: readonly DeclaredMapping[];
  readonly schedules: readonly Schedule[];
  readonly faultPlan: FaultPlan | null;
}

interface Options {
  readonly stage?: string;
  readonly httpPort?: number | string;
  readonly lambdaPort?: number | string;
}

export default class EventSourceMappingPlugin {
  readonly hooks: Readonly<Record<string, () => Promise<void>>>;
  readonly #serverless: Serverless;
  readonly #options: Options;
  readonly #write: (line: string) => void;
  readonly #log: (message: string) => void;
  #running: { readonly registry: MappingRegistry; readonly cluster: Cluster } | null = null;
  #schedules: (() => Promise<void>)[] = [];
  #controlServer: Server | null = null;
  #stopMetrics: () => void = () => undefined;
  #stopBodies: () => void = () => undefined;

  constructor(serverless: Serverless, options: Options, { log }: { log: { notice(message: string): void } }) {
    this.#serverless = serverless;
    this.#options = options;
    this.#write = (line) => log.notice(line);
    this.#log = (message) => this.#write(`event source mapping: ${message}`);
    let settings: PluginSettings | null = null;
    this.hooks = {
      "before:offline:start:init": async () => {
        settings = await this.#readSettings();
        await this.#build();
        await limitFunctions(serverless.serviceDir, serverless.service.functions, (message) =>
          this.#write(`functions: ${message}`),
        );
      },
      "after:offline:start:init": async () => {
        if (settings !== null) await this.#start(settings);
      },
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

  /** Before anything is started: what is wrong here would leave servers running that nobody uses. */
  async #readSettings(): Promise<PluginSettings> {
    const { service, classes } = this.#serverless;
    const brokers = (process.env.KAFKA_BROKER ?? "").split(",").filter((broker) => broker !== "");
    if (brokers.length === 0)
      throw new classes.Error(
        "KAFKA_BROKER: expected host:port[,host:port…] of the Kafka whose topics trigger functions",
        "KAFKA_BROKER_MISSING",
      );
    const planFile = process.env.LOCALSTACK_FAULT_PLAN;
    return {
      brokers,
      declared: this.#readMappings(),
      schedules: readSchedules(service.custom?.localSchedules, service.functions),
      faultPlan: planFile ? readFaultPlan(JSON.parse(await readFile(planFile, "utf8"))) : null,
    };
  }

  #readMappings(): readonly DeclaredMapping[] {
    const { service, serviceDir, classes } = this.#serverless;
    const configFile = join(serviceDir, "serverless.yml");
    try {
      return readMappings({
        functions: service.functions,
        service: service.service,
        stage: this.#options.stage ?? "local",
        resources: service.resources,
        concurrency: service.custom?.eventSourceMapping?.concurrency ?? {},
        lineOf: (paths) => (existsSync(configFile) ? lineOf(readFileSync(configFile, "utf8"), paths) : null),
      });
    } catch (error) {
      if (!(error instanceof MappingError)) throw error;
      // The service's own fault: said without a stack.
      throw new classes.Error(error.message, "EVENT_SOURCE_MAPPING_REFUSED");
    }
  }

  async #start({ brokers, declared, schedules, faultPlan }: PluginSettings): Promise<void> {
    const { service, serviceDir } = this.#serverless;
    if (service.custom?.httpBodies === "base64") {
      const httpPort = this.#options.httpPort ?? service.custom["serverless-offline"]?.httpPort ?? 3000;
      this.#stopBodies = handOverBytes(Number(httpPort));
    }
    const lambdaPort = this.#options.lambdaPort ?? service.custom?.["serverless-offline"]?.lambdaPort ?? 3002;
    const lambdaEndpoint = `http://127.0.0.1:${lambdaPort}`;
    const invoke = invokeThrough(lambdaEndpoint);
    const cluster = openCluster(brokers);
    const faults = switchableFaults(faultPlan, this.#log);
    const failures = resolve(serviceDir, process.env.LOCALSTACK_FAILURES_DIR || ".local/failures");
    const sink = localSink(failures, cluster.sendToTopic);
    const registry = new MappingRegistry({ brokers, invoke, log: this.#log, sink, faults });
    for (const { settings, properties } of declared) registry.create(settings, properties);
    this.#running = { registry, cluster };
    this.#schedules = schedules.map((schedule) => startSchedule(schedule, invoke, this.#log));
    this.#controlServer = await startControlServer({
      port: Number(process.env.LOCALSTACK_CONTROL_PORT ?? 0),
      lambdaEndpoint,
      faults,
      lambda: {
        registry,
        functionNames: Object.values(service.functions).map(({ name }) => name),
        log: this.#log,
      },
      msk: {
        clusterArns: [...new Set(declared.flatMap(({ settings }) => settings.eventSourceArn ?? []))],
        bootstrapServers: brokers.join(","),
        brokers: cluster.brokers,
        startedMs: Date.now(),
      },
    });
    this.#stopMetrics = logMetrics(() => registry.metrics(), this.#write);
    const address = this.#controlServer.address();
    const port = address !== null && typeof address === "object" ? address.port : 0;
    this.#log(
      `${declared.length} Kafka triggers, ${this.#schedules.length} schedules, control http://127.0.0.1:${port}`,
    );
  }

  async #stop(): Promise<void> {
    this.#stopMetrics();
    this.#stopBodies();
    this.#controlServer?.close();
    this.#controlServer?.closeAllConnections();
    await Promise.all([this.#running?.registry.close(), ...this.#schedules.map((stop) => stop())]);
    await this.#running?.cluster.close();
  }
}
