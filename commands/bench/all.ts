// `npm run bench` without a part: what an event costs on its way, and how fast a whole batch is folded and committed. Figures are
// for comparison within one run on one machine; docs/performance.md keeps them.

import { readKafkaEvent } from "../../lib/lambda/kafka-event.ts";
import { postgresJudge } from "../../lib/postgres/judge.ts";
import { sensorStream } from "../../lib/streams/streams.ts";
import { commitRecords } from "../../lib/windows/commit.ts";
import { foldRecords, noFacts } from "../../lib/windows/fold.ts";
import { cutBatch } from "../../localstack/event-source-mapping/event.ts";
import { sensorRecords } from "./records.ts";
import { rules } from "./scale/measure.ts";
import { startDatabase } from "./scale/server.ts";

const BATCH = 10_000;
const ROUNDS = 15;

function report(what: string, microsecondsPerEvent: number[]): void {
  const sorted = [...microsecondsPerEvent].sort((a, b) => a - b);
  const at = (q: number) => (sorted[Math.floor(q * (sorted.length - 1))] ?? 0).toFixed(2).padStart(7);
  console.log(`${what.padEnd(58)} min ${at(0)}  median ${at(0.5)}  max ${at(1)} µs/event`);
}

async function measure(what: string, run: (round: number) => unknown): Promise<void> {
  const costs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const startMs = performance.now();
    await run(round);
    costs.push(((performance.now() - startMs) * 1000) / BATCH);
  }
  report(what, costs);
}

const source = {
  eventSourceArn: "arn:aws:kafka:local:0:cluster/bench/1",
  bootstrapServers: "127.0.0.1:9092",
  topic: "bench",
};
const records = sensorRecords(0, BATCH, 1_000);
console.log(
  `Node ${process.version}, batches of ${BATCH} sensor events of ${records[0]?.value?.length} bytes, ${ROUNDS} rounds\n`,
);

const payload = cutBatch(source, [{ partition: 0, records }], BATCH);
console.log(`payload of ${payload.count} records: ${payload.bytes} bytes`);
await measure("poller: records to the event's JSON", () =>
  cutBatch(source, [{ partition: 0, records }], BATCH),
);
await measure("runtime: JSON.parse of the event", () => JSON.parse(payload.payload));
await measure("function: base64 to records", () => readKafkaEvent(JSON.parse(payload.payload)));
await measure("function: JSON.parse of the values alone", () => {
  for (const record of records) JSON.parse(record.value?.toString("utf8") ?? "");
});
await measure("function: decode and fold into partials", () => foldRecords(sensorStream, records, noFacts));

const database = await startDatabase();
const pool = database.openPool(1);
const judge = postgresJudge(pool);
try {
  for (const sensors of [200, 1_000, 100_000]) {
    const batches = Array.from({ length: ROUNDS }, (_, round) =>
      sensorRecords(round * BATCH, BATCH, sensors),
    );
    const address = { source: "bench", topic: `sensors-${sensors}`, partition: 0 };
    await pool.query("TRUNCATE sensor_window");
    await measure(`fold and commit, ${sensors} sensors`, (round) =>
      commitRecords(judge, sensorStream, address, batches[round] ?? [], rules),
    );
  }
  const { rows } = await pool.query(
    "SELECT sum(n_tup_upd) AS updates, sum(n_tup_hot_upd) AS hot FROM pg_stat_user_tables WHERE relname LIKE 'sensor_window_%'",
  );
  console.log(`\nupdates of rows: ${rows[0]?.updates}, of them heap-only: ${rows[0]?.hot}`);
} finally {
  await database.stop();
}
