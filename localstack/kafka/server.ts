// A real Kafka broker (KRaft, one node) on one machine, from the jars that pom.xml names.

import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort, onChosenPort, type PortChoice } from "../ports.ts";
import {
  runToEnd,
  type ServerCommand,
  type ServerProcess,
  startServer,
  stopOrphan,
  untilReady,
} from "../server-process.ts";

const jars = join(dirname(fileURLToPath(import.meta.url)), "jars");
const classPath = ["-cp", join(jars, "*")];
/** Java's loaded classes in the form of memory: halves the time to start. The set-up makes it; another Java ignores it. */
const classArchive = join(jars, "kafka.jsa");

export interface KafkaOptions {
  /** Kept between starts; formatted when it is new. */
  readonly dataDir: string;
  /** Or how to choose one, once a broker that an earlier run has left there was stopped. */
  readonly port: PortChoice;
  readonly heapMb?: number;
  /** Empties the directory first, after a broker that an earlier run has left on it was stopped. */
  readonly fresh?: boolean;
  /** Makes the class archive when the broker stops, instead of using it. */
  readonly makesClassArchive?: boolean;
  /** A second listener that tells its clients to come to another port: that of a proxy in front of it. */
  readonly proxied?: { readonly port: number; readonly advertisedPort: number };
  /** Lines of server.properties that replace or add to ours. */
  readonly settings?: Readonly<Record<string, string | number>>;
}

export interface KafkaServer extends ServerProcess {
  /** `127.0.0.1:port` */
  readonly brokers: string;
  stop(): Promise<void>;
}

/** In the data directory, where the broker works: a path of the user's may hold a comma, which Kafka takes for two folders. */
const LOG_FOLDER = "log";

/** Java reads paths in the encoding of the locale. */
function localeOf(env: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  const named = env.LC_ALL || env.LC_CTYPE || env.LANG || "C";
  return /utf-?8/i.test(named) ? {} : { LC_ALL: "C.UTF-8" };
}

function propertiesOf(options: KafkaOptions, port: number, controllerPort: number): string {
  const { proxied } = options;
  const proxiedListener = proxied ? `,PROXIED://127.0.0.1:${proxied.port}` : "";
  const proxiedAddress = proxied ? `,PROXIED://127.0.0.1:${proxied.advertisedPort}` : "";
  const settings = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.quorum.voters": `1@127.0.0.1:${controllerPort}`,
    "controller.listener.names": "CONTROLLER",
    listeners: `PLAINTEXT://127.0.0.1:${port}${proxiedListener},CONTROLLER://127.0.0.1:${controllerPort}`,
    "advertised.listeners": `PLAINTEXT://127.0.0.1:${port}${proxiedAddress}`,
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "log.dirs": LOG_FOLDER,
    "auto.create.topics.enable": false,
    "delete.topic.enable": true,
    "message.max.bytes": 10_485_760,
    "replica.fetch.max.bytes": 10_485_760,
    "log.retention.hours": 336,
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 4,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "transaction.state.log.num.partitions": 1,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    // After a kill the controller waits this long before it takes the broker back (default 9 s).
    "broker.session.timeout.ms": 2_000,
    "broker.heartbeat.interval.ms": 500,
    "group.initial.rebalance.delay.ms": 0,
    "group.min.session.timeout.ms": 1_000,
    "num.network.threads": 2,
    "num.io.threads": 4,
    "log.cleaner.dedupe.buffer.size": 8_388_608,
    ...options.settings,
  };
  return `${Object.entries(settings)
    .map(([name, value]) => `${name}=${value}`)
    .join("\n")}\n`;
}

async function formatStorage(dataDir: string, kafka: ServerCommand, configFile: string): Promise<void> {
  // A format that was killed half-way left something here that no second one would accept.
  await rm(join(dataDir, LOG_FOLDER), { recursive: true, force: true });
  const clusterId = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64url");
  const flags = ["-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", ...classPath];
  // An id may begin with "-", which apart from its option would be taken for another one.
  const format = ["kafka.tools.StorageTool", "format", `--cluster-id=${clusterId}`, "-c", configFile];
  await runToEnd({ ...kafka, name: "Kafka's format of its storage", args: [...flags, ...format] });
  await writeFile(join(dataDir, "formatted"), `${clusterId}\n`);
}

/**
 * Starts a broker, or takes over the data of one that was killed; one whose parent was killed is stopped first.
 * @throws Error with the end of its log where it does not start; where one runs on the data for a living process
 */
export async function startKafka(options: KafkaOptions): Promise<KafkaServer> {
  const dataDir = resolve(options.dataDir);
  const configFile = join(dataDir, "server.properties");
  const pidFile = join(dataDir, "kafka.pid");
  await stopOrphan(pidFile, configFile, "SIGTERM");
  if (options.fresh) await rm(dataDir, { recursive: true, force: true });
  await mkdir(dataDir, { recursive: true });
  const heapMb = options.heapMb ?? 512;
  const archiveFlag = options.makesClassArchive ? "ArchiveClassesAtExit" : "SharedArchiveFile";
  const server: ServerCommand = {
    name: "Kafka",
    command: "java",
    args: [
      `-Xmx${heapMb}m`,
      "-XX:+UseSerialGC",
      ...(options.makesClassArchive || existsSync(classArchive)
        ? [`-XX:${archiveFlag}=${classArchive}`]
        : []),
      "-Djava.awt.headless=true",
      "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
      "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
      "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.utils.AppInfoParser=error",
      ...classPath,
      "kafka.Kafka",
      configFile,
    ],
    env: localeOf(process.env),
    cwd: dataDir,
    logFile: join(dataDir, "kafka.log"),
    pidFile,
    marker: configFile,
  };
  return onChosenPort(options.port, async (port) => {
    await writeFile(configFile, propertiesOf(options, port, await freePort()));
    if (!existsSync(join(dataDir, "formatted"))) await formatStorage(dataDir, server, configFile);
    const started = startServer(server);
    await untilReady(server, started, async () =>
      (await readFile(server.logFile, "utf8")).includes("Kafka Server started"),
    );
    return { ...started, brokers: `127.0.0.1:${port}`, stop: () => started.stop("SIGTERM") };
  });
}
