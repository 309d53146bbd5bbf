// Promise 1, from outside: 200,000 records over 4 partitions, and the function's process killed (−9) again and again
// while it consumes them. The tables equal those of an undisturbed run, byte for byte.
import { type ChildProcess, fork } from "node:child_process";
import { randomInt } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { invokeThrough } from "../../../localstack/event-source-mapping/invoke.ts";
import { startMapping } from "../../../localstack/event-source-mapping/mapping.ts";
import { createDatabase, snapshot, type TestDatabase } from "../database.ts";
import { connectKafka, type TestKafka, until } from "../topics.ts";

const EVENTS = 200_000;
const SENSORS = 300;
const KILLS = 20;
const start = Date.UTC(2026, 0, 15, 10);

let kafka: TestKafka;
let topic: string;
beforeAll(async () => {
  kafka = await connectKafka();
  topic = await kafka.createTopic(4);
  for (let from = 0; from < EVENTS; from += 10_000) {
    const messages = Array.from({ length: 10_000 }, (_, k) => {
      const i = from + k;
      const id = `sensor-${(i * 7919) % SENSORS}`;
      const value = Math.round((230 + Math.sin(i) * 10) * 1e6) / 1e6;
      const timestamp = new Date(start + Math.floor((i / EVENTS) * 3_600_000)).toISOString().slice(0, -1);
      // One in a thousand is poison, which must be quarantined once, too.
      const text = JSON.stringify({
        event_id: `${id}_${i}`,
        sensor_id: id,
        sensor_type: "voltage",
        value,
        timestamp,
      });
      return { key: id, value: i % 1_000 === 999 ? text.slice(1) : text };
    });
    await kafka.producer.send({ topic, messages });
  }
});
afterAll(() => kafka.close());

/** The function's process: started anew whenever it has been killed. */
class FunctionProcess {
  readonly #environment: Readonly<Record<string, string>>;
  #child: ChildProcess | null = null;
  #port: Promise<number>;

  constructor(environment: Readonly<Record<string, string>>) {
    this.#environment = environment;
    this.#port = this.#start();
  }

  #start(): Promise<number> {
    const child = fork(
      join(import.meta.dirname, "../../../commands/chaos/function-process.ts"),
      ["aggregate-sensor"],
      {
        env: { ...process.env, ...this.#environment },
        execArgv: [],
        stdio: ["ignore", "ignore", "inherit", "ipc"],
      },
    );
    this.#child = child;
    const port = new Promise<number>((resolve, reject) => {
      child.once("message", (message: { port: number }) => resolve(message.port));
      child.once("exit", () => reject(new Error("the function's process was killed")));
    });
    port.catch(() => undefined); // whoever invokes it meanwhile is told
    return port;
  }

  async invoke(payload: string): Promise<void> {
    const response = await fetch(`http://127.0.0.1:${await this.#port}`, { method: "POST", body: payload });
    if (response.headers.has("x-amz-function-error")) throw new Error(await response.text());
  }

  kill(): void {
    this.#child?.kill("SIGKILL");
    this.#port = this.#start();
  }

  stop(): void {
    this.#child?.kill("SIGKILL");
  }
}

async function consume(database: TestDatabase, groupId: string, kills: number): Promise<number> {
  const lambda = new FunctionProcess(database.environment);
  const kill = new AbortController();
  let invocations = 0;
  let killed = 0;
  const settings = {
    functionKey: "aggregate-sensor",
    functionName: "aggregate-sensor",
    eventSourceArn: "arn:aws:kafka:local:000000000000:cluster/test/1",
    topic,
    groupId,
    batchSize: 1_000,
    batchingWindowMs: 0,
    startingPosition: "TRIM_HORIZON",
    startingTimestampMs: null,
  } as const;
  const invoke = async (_: string, payload: string) => {
    // Some way into every few invocations, wherever that is: before, within or after its transaction.
    if (killed < kills && ++invocations % 5 === 0) {
      killed++;
      setTimeout(() => kill.signal.aborted || lambda.kill(), randomInt(0, 60));
    }
    await lambda.invoke(payload);
  };
  const mapping = startMapping(settings, [kafka.brokers], invoke, () => undefined);
  try {
    await until(
      async () =>
        Number((await database.pool.query("SELECT coalesce(sum(records), 0) AS n FROM ledger")).rows[0].n),
      (records) => records >= EVENTS,
      110_000,
    );
  } finally {
    kill.abort();
    await mapping.stop();
    lambda.stop();
  }
  return killed;
}

test("200,000 records, the function killed 20 times: the tables of an undisturbed run", {
  timeout: 240_000,
}, async () => {
  const [calm, disturbed] = await Promise.all([createDatabase(), createDatabase()]);
  try {
    await consume(calm, "calm", 0);
    expect(await consume(disturbed, "disturbed", KILLS)).toBeGreaterThanOrEqual(KILLS);
    const [expected, actual] = await Promise.all([snapshot(calm.pool), snapshot(disturbed.pool)]);
    expect(actual).toEqual(expected);
    expect(expected.sensor.length).toBeGreaterThanOrEqual(12 * SENSORS);
    expect(expected.quarantine).toHaveLength(EVENTS / 1_000);
    const { rows } = await disturbed.pool.query("SELECT sum(count) AS n FROM sensor_aggregates_realtime");
    expect(Number(rows[0].n)).toBe(EVENTS - EVENTS / 1_000);
  } finally {
    await Promise.all([calm.close(), disturbed.close()]);
  }
});

test("an endpoint that is not there is a failure of the invocation, not of the mapping", async () => {
  await expect(invokeThrough("http://127.0.0.1:1")("f", "{}")).rejects.toThrow("f: ");
});
