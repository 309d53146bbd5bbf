// `npm start`: the whole pipeline on this machine until Ctrl-C.

import { mkdir } from "node:fs/promises";
import pg from "pg";
import {
  readKafkaSettings,
  readLatenessRules,
  readTopics,
  readWatermarkSettings,
  readWeatherSettings,
} from "../../lib/config.ts";
import { messageOf } from "../../lib/log.ts";
import { connectionOf } from "../../lib/store/pool.ts";
import { FOLDER, removeRunningStack, writeRunningStack } from "../running-stack.ts";
import { openDemo } from "./demo.ts";
import { startFunctions } from "./functions.ts";
import { parseOptions, type StartOptions } from "./options.ts";
import { startServices } from "./services.ts";
import { startStatusLine } from "./status-line.ts";

/** What has been started, to be stopped in the opposite order. */
const running: { readonly name: string; stop(): Promise<void> }[] = [];

function untilSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => resolve(signal));
  });
}

async function stopAll(): Promise<void> {
  for (const { name, stop } of running.reverse()) {
    try {
      await stop();
    } catch (error) {
      // The others still have to be stopped.
      console.error(`${name} did not stop in order: ${messageOf(error)}`);
    }
  }
  await removeRunningStack();
}

/** Says the settings that decide when windows become final, and refuses wrong ones before anything is started. */
function announceSettings(): void {
  const { delayUs, idleUs } = readWatermarkSettings(process.env);
  const { futureSkewUs, amendmentHorizonUs } = readLatenessRules(process.env);
  if (process.env.KAFKA_BROKER) readKafkaSettings(process.env);
  console.log(
    `watermark: delay ${delayUs / 1e6} s (WATERMARK_DELAY_SECONDS), idle after ${idleUs / 1e6} s (WATERMARK_IDLE_SECONDS), ` +
      `future skew ${futureSkewUs / 1e6} s (FUTURE_SKEW_SECONDS), ` +
      `amendments for ${amendmentHorizonUs / 86_400e6} days (AMENDMENT_HORIZON_DAYS)`,
  );
}

/** @returns what tells, with the reason, that something has ended by itself */
async function start(options: StartOptions, startedMs: number): Promise<{ ended: Promise<string> }> {
  announceSettings();
  const { updateIntervalSeconds } = readWeatherSettings(process.env);
  const topics = readTopics(process.env);
  await mkdir(FOLDER, { recursive: true });

  const services = await startServices(FOLDER, options.fresh);
  running.push({ name: "Kafka and PostgreSQL", stop: services.stop });
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
  const functions = await startFunctions(FOLDER, options.port, {
    ...services.environment,
    WEATHER_SEED: String(options.seed),
  });
  running.push({ name: "functions", stop: functions.stop });
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
  console.log(`ready ${stack.http} kafka ${stack.kafka} postgres ${services.shownDatabaseUrl}`);
  console.log(
    `(after ${((Date.now() - startedMs) / 1000).toFixed(1)} s; logs of the functions: ${functions.logFile})`,
  );

  if (demo !== null) {
    running.push({ name: "demo", stop: demo.stop });
    void demo.start().then(
      (events) => console.log(`demo: ${events} events of history sent, going on live`),
      () => undefined, // said by the demo itself
    );
  }
  running.push({ name: "status line", stop: startStatusLine(pool, functions.controlUrl) });
  return { ended: Promise.race([services.ended, functions.ended]) };
}

const options = parseOptions(process.argv);
const signalled = untilSignal();
try {
  // A signal during the start waits for it: what is half started could not be stopped in order.
  const { ended } = await start(options, Date.now());
  const outcome = await Promise.race([signalled, ended.then((what) => new Error(what))]);
  if (outcome instanceof Error) throw outcome;
  console.log(`\n${outcome}: stopping`);
} catch (error) {
  console.error(`\n${messageOf(error)}\nStopping; the next \`npm start\` goes on where this one stopped.`);
  process.exitCode = 1;
}
await stopAll();
process.exit();
