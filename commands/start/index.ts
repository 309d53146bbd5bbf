// `npm start`: the whole pipeline on this machine until Ctrl-C.

import { once } from "node:events";
import pg from "pg";
import { readKafkaSettings, readTopics } from "../../lib/config/kafka.ts";
import { readWeatherSettings } from "../../lib/config/rules.ts";
import { messageOf } from "../../lib/log.ts";
import { connectionOf } from "../../lib/postgres/pool.ts";
import { FOLDER, removeRunningStack, writeRunningStack } from "../running-stack/running-stack.ts";
import { ownServersText, readyText, rulesText } from "./announcements.ts";
import { openDemo } from "./demo/index.ts";
import { lockFolder } from "./folder-lock.ts";
import { readClusterArn, startFunctions } from "./functions.ts";
import { parseOptions, type StartOptions } from "./options.ts";
import { startServices } from "./services.ts";
import { failuresFolder, stackVariables } from "./stack-variables.ts";
import { startStatusLine } from "./status-line.ts";
import { terminal } from "./terminal.ts";

const SERVERS = "Kafka and PostgreSQL";
/** By which this process is known again. */
const PROGRAM = "commands/start/index.ts";

/** What has been started, to be stopped in the opposite order. */
const running: { readonly name: string; stop(): Promise<void> }[] = [];

/** Aborted by the first signal to stop, which is said at once: what is just starting is waited for, and then stopped. */
function untilSignal(): AbortSignal {
  const stopping = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(name, () => {
      if (!stopping.signal.aborted) terminal.say(`${name}: stopping`);
      stopping.abort();
    });
  return stopping.signal;
}

async function stopAll(): Promise<void> {
  for (const { name, stop } of running.reverse()) {
    try {
      await stop();
    } catch (error) {
      // The others still have to be stopped.
      terminal.say(`${name} did not stop in order: ${messageOf(error)}`);
    }
  }
}

/**
 * @returns what tells, with the reason, that something has ended by itself
 * @throws the signal's reason where it was aborted meanwhile; what has been started is in `running`
 */
async function start(
  options: StartOptions,
  startedMs: number,
  signal: AbortSignal,
): Promise<{ ended: Promise<string> }> {
  const { updateIntervalSeconds } = readWeatherSettings(process.env);
  const topics = readTopics(process.env);
  const rules = rulesText(process.env);
  if (process.env.KAFKA_BROKER) readKafkaSettings(process.env);
  const unlock = lockFolder(FOLDER, { pid: process.pid, program: PROGRAM });
  running.push({ name: "folder", stop: async () => unlock() });
  await removeRunningStack(); // one that a killed run has left
  terminal.say(rules);
  const ownServers = ownServersText(process.env, options.demo);
  if (ownServers !== null) terminal.say(ownServers);

  const services = await startServices(FOLDER, options.fresh);
  running.push({ name: SERVERS, stop: services.stop });
  signal.throwIfAborted();
  const demo = options.demo
    ? await openDemo({
        folder: FOLDER,
        brokers: services.brokers,
        topics,
        seed: options.seed,
        backfillMs: options.backfillMs,
        weatherSeconds: updateIntervalSeconds,
      })
    : null;
  await demo?.sendWeather();
  const functions = await startFunctions(
    FOLDER,
    options.port,
    {
      ...services.environment,
      WEATHER_SEED: String(options.seed),
      LOCALSTACK_FAILURES_DIR: failuresFolder(process.env, FOLDER),
      ...(options.demo ? {} : { SIMULATED_WEATHER: "off" }),
    },
    signal,
  );
  running.push({ name: "functions", stop: functions.stop });
  signal.throwIfAborted();
  const pool = new pg.Pool({ ...connectionOf(services.database), max: 1 });
  pool.on("error", () => undefined); // the status line says when PostgreSQL does not answer
  running.push({ name: "status connection", stop: () => pool.end() });

  const stack = {
    http: functions.httpUrl,
    kafka: services.brokers,
    postgres: services.databaseUrl,
    lambda: functions.lambdaUrl,
    mskEndpoint: functions.controlUrl,
    control: functions.controlUrl,
    pid: process.pid,
    program: PROGRAM,
    environment: stackVariables(
      { ...process.env, WEATHER_SEED: String(options.seed) },
      services.environment,
      await readClusterArn(functions.controlUrl),
      FOLDER,
    ),
  };
  await writeRunningStack(stack);
  running.push({ name: "stack file", stop: removeRunningStack });
  terminal.say(
    readyText({
      http: stack.http,
      kafka: stack.kafka,
      postgres: services.shownDatabaseUrl,
      readingUrl: services.readingUrl,
      seconds: (Date.now() - startedMs) / 1000,
      logFile: functions.logFile,
      isLive: terminal.isLive,
    }),
  );

  if (demo !== null) {
    running.push({ name: "demo", stop: demo.stop });
    void demo.start().then(
      (events) => {
        if (!signal.aborted) terminal.say(`demo: ${events} events of history sent, going on live`);
      },
      () => undefined, // said by the demo itself
    );
  }
  running.push({
    name: "status line",
    stop: startStatusLine(pool, functions.controlUrl, terminal, startedMs),
  });
  return { ended: Promise.race([services.ended, functions.ended]) };
}

const options = parseOptions(process.argv);
const signal = untilSignal();
try {
  const { ended } = await start(options, Date.now(), signal);
  signal.throwIfAborted();
  const endedByItself = ended.then((what) => Promise.reject(new Error(what)));
  await Promise.race([once(signal, "abort"), endedByItself]);
} catch (error) {
  if (error !== signal.reason) {
    terminal.endStatus();
    console.error(messageOf(error));
    if (running.some(({ name }) => name === SERVERS))
      console.error("Stopping; the next `npm start` goes on where this one stopped.");
    process.exitCode = 1;
  }
}
await stopAll();
process.exit();
