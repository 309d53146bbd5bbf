// `npm run bench:esm`: what the local trigger can do (docs/performance.md): records per second with a function that
// does nothing, memory with a long lag, delay from append to invocation, start and stop. A broker of its own.

import { type ChildProcess, execFileSync, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Kafka, logLevel, Partitioners } from "kafkajs";
import { createOn } from "../../lib/kafka/topics.ts";
import { startKafka } from "../../localstack/kafka/server.ts";
import { freePort } from "../../localstack/ports.ts";
import type { Progress, StandInOptions } from "./event-source-mapping/stand-in.ts";
import "../../lib/kafka/request-queue.ts";

const PARTITIONS = 4;
const RECORD_BYTES = 250;
const { values } = parseArgs({
  options: {
    records: { type: "string", default: "2000000" },
    lag: { type: "string", default: "10000000" },
    rounds: { type: "string", default: "3" },
    delays: { type: "string", default: "3000" },
  },
});
const records = Number(values.records);
const lag = Number(values.lag);
const rounds = Number(values.rounds);
const delays = Number(values.delays);
/** Left to itself, V8 lets garbage lie until the heap is large; with these it collects as it goes. */
const STAND_IN_FLAGS = ["--max-old-space-size=96", "--max-semi-space-size=8"];

interface Run {
  readonly child: ChildProcess;
  readonly startedAtMs: number;
  firstDeliveryAtMs: number;
  last: Progress;
  peakRssMb: number;
  readonly delaysMs: number[];
}

function start(options: StandInOptions): Run {
  const script = join(import.meta.dirname, "event-source-mapping/stand-in.ts");
  const run: Run = {
    child: fork(script, [JSON.stringify(options)], {
      execArgv: STAND_IN_FLAGS,
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    }),
    startedAtMs: Date.now(),
    firstDeliveryAtMs: Number.NaN,
    last: { delivered: 0, rssMb: 0, cpuSeconds: 0, delaysMs: [] },
    peakRssMb: 0,
    delaysMs: [],
  };
  run.child.on("message", (message: Progress | { firstDeliveryAtMs: number }) => {
    if ("firstDeliveryAtMs" in message) {
      run.firstDeliveryAtMs = message.firstDeliveryAtMs;
      return;
    }
    run.last = message;
    run.peakRssMb = Math.max(run.peakRssMb, message.rssMb);
    run.delaysMs.push(...message.delaysMs);
  });
  return run;
}

async function untilDelivered(run: Run, count: number): Promise<number> {
  while (run.last.delivered < count) await once(run.child, "message");
  return Date.now();
}

/** @returns ms that stopping took */
async function stop(run: Run): Promise<number> {
  const fromMs = performance.now();
  run.child.send("stop");
  await once(run.child, "exit");
  return performance.now() - fromMs;
}

/** Fills a topic with Kafka's own load generator. */
async function fill(brokers: string, topic: string, count: number): Promise<void> {
  const jars = join(import.meta.dirname, "../../localstack/kafka/jars/*");
  const args = [
    ...["-Xmx256m", "-cp", jars, "org.apache.kafka.tools.ProducerPerformance"],
    ...["--topic", topic, "--num-records", String(count), "--record-size", String(RECORD_BYTES)],
    ...["--throughput", "-1"],
    ...["--producer-props", `bootstrap.servers=${brokers}`, "batch.size=262144", "linger.ms=20"],
  ];
  const [code] = await once(spawn("java", args, { stdio: "ignore" }), "exit");
  if (code !== 0) throw new Error(`ProducerPerformance ended with ${code}`);
}

const quantile = (sorted: readonly number[], q: number) =>
  sorted[Math.floor(q * (sorted.length - 1))] ?? Number.NaN;
const line = (what: string, figures: string) => console.log(`${what.padEnd(64)} ${figures}`);

const folder = await mkdtemp(join(tmpdir(), "smartgrid-esm-bench-"));
const kafka = await startKafka({ dataDir: folder, port: await freePort(), heapMb: 1024 });
const client = new Kafka({ brokers: [kafka.brokers], clientId: "bench", logLevel: logLevel.NOTHING });
const admin = client.admin();
const producer = client.producer({ createPartitioner: Partitioners.DefaultPartitioner });
// A Lambda endpoint that takes the payload and does nothing.
const endpoint = createServer((request, response) => {
  request.resume().once("end", () => response.end("null"));
});

async function throughput(topic: string, what: string, url: string | null): Promise<void> {
  for (let round = 1; round <= rounds; round++) {
    const run = start({
      ...{
        brokers: kafka.brokers,
        topic,
        groupId: `throughput-${url === null ? "here" : "http"}-${round}`,
        batchSize: 10_000,
        windowMs: 1_000,
      },
      ...{ endpoint: url, functionMs: 0, tellsDelays: false },
    });
    const endMs = await untilDelivered(run, records);
    const seconds = (endMs - run.firstDeliveryAtMs) / 1000;
    const stopMs = await stop(run);
    line(
      `${records} records, batches of 10,000, ${what}, round ${round}`,
      `${Math.round(records / seconds)} records/s, ${((run.last.cpuSeconds / records) * 1e6).toFixed(2)} µs CPU each, ` +
        `peak ${Math.round(run.peakRssMb)} MB; start to first delivery ${run.firstDeliveryAtMs - run.startedAtMs} ms, stop ${Math.round(stopMs)} ms`,
    );
  }
}

async function memory(topic: string, functionMs: number): Promise<void> {
  const run = start({
    ...{ brokers: kafka.brokers, topic, groupId: `lag-${functionMs}`, batchSize: 10_000, windowMs: 1_000 },
    ...{ endpoint: null, functionMs, tellsDelays: false },
  });
  if (functionMs === 0) await untilDelivered(run, lag);
  else await sleep(20_000);
  await stop(run);
  line(
    `lag of ${lag}, function of ${functionMs} ms`,
    `peak ${Math.round(run.peakRssMb)} MB, ${run.last.delivered} delivered`,
  );
}

async function delay(topic: string): Promise<void> {
  const run = start({
    ...{ brokers: kafka.brokers, topic, groupId: "delay", batchSize: 100, windowMs: 0 },
    ...{ endpoint: null, functionMs: 0, tellsDelays: true },
  });
  const value = "x".repeat(RECORD_BYTES);
  const warmUp = 200;
  for (let sent = 0, startMs = performance.now(); sent < warmUp + delays; sent++) {
    await sleep(Math.max(0, startMs + sent * 10 - performance.now()));
    void producer.send({ topic, acks: 1, messages: [{ value, key: String(sent) }] });
  }
  await untilDelivered(run, warmUp + delays);
  await stop(run);
  const sorted = run.delaysMs.slice(warmUp).sort((a, b) => a - b);
  line(
    `${sorted.length} records at 100/s, window 0, append to invocation`,
    `median ${quantile(sorted, 0.5)} ms, p99 ${quantile(sorted, 0.99)} ms, longest ${sorted.at(-1)} ms`,
  );
}

try {
  await Promise.all([admin.connect(), producer.connect()]);
  endpoint.listen(0, "127.0.0.1");
  await once(endpoint, "listening");
  const address = endpoint.address();
  const url = address !== null && typeof address === "object" ? `http://127.0.0.1:${address.port}` : null;
  await createOn(
    admin,
    ["throughput", "lag", "delay"].map((topic) => ({ topic, numPartitions: PARTITIONS })),
  );
  console.log(`load ${execFileSync("cat", ["/proc/loadavg"], { encoding: "utf8" }).trim()}`);
  await delay("delay");
  await fill(kafka.brokers, "throughput", records);
  await throughput("throughput", "function in the process", null);
  await throughput("throughput", "function behind HTTP", url);
  await fill(kafka.brokers, "lag", lag);
  await memory("lag", 0);
  await memory("lag", 1_000);
} finally {
  await Promise.all([admin.disconnect(), producer.disconnect()]);
  endpoint.close();
  await kafka.stop();
  await rm(folder, { recursive: true, force: true });
}
