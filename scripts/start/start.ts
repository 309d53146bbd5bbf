// `npm start`: the whole pipeline on this machine until Ctrl-C.

import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import pg from "pg";
import { readKafkaSettings, readTopics } from "../../lib/config/kafka.ts";
import { readLatenessRules, readWatermarkSettings, readWeatherSettings } from "../../lib/config/rules.ts";
import { readTimeZones } from "../../lib/config/time-zones.ts";
import { messageOf } from "../../lib/log.ts";
import { connectionOf } from "../../lib/store/pool.ts";
import { FOLDER, removeRunningStack, writeRunningStack } from "../running-stack.ts";
import { openDemo } from "./demo.ts";
import { startFunctions } from "./functions.ts";
import { parseOptions, type StartOptions } from "./options.ts";
import { startServices } from "./services.ts";
import { startStatusLine } from "./status-line.ts";
import { terminal } from "./terminal.ts";

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
  await removeRunningStack();
}

/** Says the settings that decide when windows become final, and refuses wrong ones before anything is started. */
function announceSettings(): void {
  const { delayUs, idleUs } = readWatermarkSettings(process.env);
  const { futureSkewUs, amendmentHorizonUs } = readLatenessRules(process.env);
  if (process.env.KAFKA_BROKER) readKafkaSettings(process.env);
  terminal.say(
    `watermark: delay ${delayUs / 1e6} s (WATERMARK_DELAY_SECONDS), idle after ${idleUs / 1e6} s (WATERMARK_IDLE_SECONDS), ` +
      `future skew ${futureSkewUs / 1e6} s (FUTURE_SKEW_SECONDS), ` +
      `amendments for ${amendmentHorizonUs / 86_400e6} days (AMENDMENT_HORIZON_DAYS)`,
  );
  const zones = Object.entries(readTimeZones(process.env)).map(([stream, zone]) => `${stream} ${zone}`);
  terminal.say(`times without a zone are ${zones.join(", ")} (EVENT_TIME_ZONE_…)`);
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
  announceSettings();
  const { updateIntervalSeconds } = readWeatherSettings(process.env);
  const topics = readTopics(process.env);
  await mkdir(FOLDER, { recursive: true });

  const services = await startServices(FOLDER, options.fresh);
  running.push({ name: "Kafka and PostgreSQL", stop: services.stop });
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
  };
  await writeRunningStack(stack);
  terminal.say(`ready ${stack.http} kafka ${stack.kafka} postgres ${services.shownDatabaseUrl}`);
  terminal.say(
    `(after ${((Date.now() - startedMs) / 1000).toFixed(1)} s; logs of the functions: ${functions.logFile})`,
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
  running.push({ name: "status line", stop: startStatusLine(pool, functions.controlUrl, terminal) });
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
    console.error(`\n${messageOf(error)}\nStopping; the next \`npm start\` goes on where this one stopped.`);
    process.exitCode = 1;
  }
}
await stopAll();
process.exit();
