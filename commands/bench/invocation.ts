// `node commands/bench/invocation.ts [payload KB…]`: what an invocation of a function that does nothing costs, through the Lambda
// endpoint of serverless-offline (HTTP) and in a worker thread of our own without HTTP (docs/decisions/0006).

import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Worker } from "node:worker_threads";
import { type CutBatch, cutBatch, type SourceRecord } from "../../localstack/event-source-mapping/event.ts";
import { type Invoke, invokeThrough } from "../../localstack/event-source-mapping/invoke.ts";
import { freePort } from "../../localstack/ports.ts";
import { startServer, untilReady } from "../../localstack/server-process.ts";

const ROUNDS = 40;
const PARTITIONS = 4;
const RECORD_BYTES = 250;
const BYTES_PER_RECORD_AS_JSON = 490;

function payloadOf(kilobytes: number): CutBatch {
  const count = Math.max(1, Math.round((kilobytes * 1000) / BYTES_PER_RECORD_AS_JSON));
  const value = Buffer.alloc(RECORD_BYTES, "x");
  const records = Array.from({ length: count }, (_, offset): SourceRecord => {
    return { offset, timestampMs: 1, timestampType: "CREATE_TIME", key: null, value, headers: [] };
  });
  const source = { eventSourceArn: "arn", bootstrapServers: "127.0.0.1:9092", topic: "topic" };
  return cutBatch(source, [{ partition: 0, records }], count);
}

/** An execution environment that parses the event, as Lambda's runtime does, and calls the function. */
const workerCode = `
const { parentPort } = require("node:worker_threads");
const handler = async () => undefined;
parentPort.on("message", async (text) => {
  await handler(JSON.parse(text));
  parentPort.postMessage("null");
});`;

/** One environment for each invocation at once, as Lambda has it. */
function invokeInWorkers(idle: Worker[]): Invoke {
  return async (_, payload) => {
    const worker = idle.pop();
    if (worker === undefined) throw new Error("more invocations at once than workers");
    const answer = await new Promise((resolve) => {
      worker.once("message", resolve);
      worker.postMessage(payload);
    });
    idle.push(worker);
    return answer;
  };
}

const serverlessYml = `
service: nothing
plugins: [serverless-offline]
provider: { name: aws, runtime: nodejs24.x, stage: local }
functions: { nothing: { handler: handler.handler } }
`;

async function startEndpoint(folder: string) {
  symlinkSync(resolve("node_modules"), join(folder, "node_modules"));
  writeFileSync(join(folder, "handler.mjs"), "export const handler = async () => undefined;\n");
  writeFileSync(join(folder, "serverless.yml"), serverlessYml);
  const port = await freePort();
  const server = {
    name: "serverless offline",
    command: "/bin/sh",
    args: [
      ...["-c", 'cd "$0" && exec "$@"', folder, process.execPath],
      ...[resolve("node_modules/serverless/bin/serverless.js"), "offline", "start", "--noSponsor"],
      ...["--host", "127.0.0.1", "--lambdaPort", String(port)],
    ],
    logFile: join(folder, "log"),
    pidFile: join(folder, "pid"),
    marker: "serverless.js offline start",
  };
  const started = startServer(server);
  const invoke = invokeThrough(`http://127.0.0.1:${port}`);
  const answers = () =>
    invoke("nothing-local-nothing", "{}").then(
      () => true,
      () => false,
    );
  await untilReady(server, started, answers);
  return { invoke, stop: () => started.stop("SIGINT") };
}

interface Figures {
  /** Median of one invocation after the other, ms. */
  readonly latencyMs: number;
  /** Of as many invocations at once as there are partitions. */
  readonly recordsPerSecond: number;
}

async function measure(invoke: Invoke, { payload, count }: CutBatch): Promise<Figures> {
  const call = () => invoke("nothing-local-nothing", payload);
  const times: number[] = [];
  for (let round = -5; round < ROUNDS; round++) {
    const startMs = performance.now();
    await call();
    if (round >= 0) times.push(performance.now() - startMs);
  }
  const partition = async () => {
    for (let round = 0; round < ROUNDS; round++) await call();
  };
  await Promise.all(Array.from({ length: PARTITIONS }, call)); // its environments
  const startMs = performance.now();
  await Promise.all(Array.from({ length: PARTITIONS }, partition));
  return {
    latencyMs: times.sort((a, b) => a - b)[ROUNDS / 2] ?? 0,
    recordsPerSecond: (1000 * ROUNDS * PARTITIONS * count) / (performance.now() - startMs),
  };
}

const sizes = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1, 100, 1000, 4900];
const folder = mkdtempSync(join(tmpdir(), "bench-invocation-"));
const endpoint = await startEndpoint(folder);
const workers = Array.from({ length: PARTITIONS }, () => new Worker(workerCode, { eval: true }));
const ways = [endpoint.invoke, invokeInWorkers([...workers])];
try {
  console.log(`payload KB, records: HTTP ms, records/s · worker ms, records/s (${PARTITIONS} at once)`);
  for (const kilobytes of sizes) {
    const batch = payloadOf(kilobytes);
    const figures: string[] = [];
    for (const invoke of ways) {
      const { latencyMs, recordsPerSecond } = await measure(invoke, batch);
      figures.push(`${latencyMs.toFixed(2)} ms, ${Math.round(recordsPerSecond)}/s`);
    }
    console.log(`${(batch.bytes / 1000).toFixed(0)} KB, ${batch.count}: ${figures.join(" · ")}`);
  }
} finally {
  await Promise.all([endpoint.stop(), ...workers.map((worker) => worker.terminate())]);
  rmSync(folder, { recursive: true });
}
