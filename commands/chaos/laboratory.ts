// One run: the pipeline under load and faults, then calm, then the verdict. Whatever happens, it leaves no process.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { faultKinds as triggerFaults } from "../../localstack/event-source-mapping/faults.ts";
import { pause } from "../../localstack/event-source-mapping/waiting.ts";
import { auditBreaches } from "./audit.ts";
import { EventGenerator } from "./events.ts";
import type { LaboratoryError } from "./execution-environments.ts";
import type { World } from "./faults/fault.ts";
import { type Injected, injectAll, noteFault } from "./injection.ts";
import { type LoadCounts, runLoad } from "./load.ts";
import { type LoggedRecord, readLog } from "./log.ts";
import { committedRecords } from "./log-file.ts";
import { expectTables } from "./oracle.ts";
import { type Lateness, Pipeline, topics } from "./pipeline.ts";
import { randomOf } from "./random.ts";
import { judgeSamples, type Sample, watch } from "./samples.ts";
import { Broker, Database } from "./servers.ts";
import { settle } from "./settling.ts";
import { readTables } from "./tables.ts";
import type { Upheavals } from "./upheavals.ts";
import { type Breach, compareTables } from "./verdict.ts";

const HOUR_MS = 3_600_000;
const lateness: Lateness = { delayMs: 600_000, idleMs: 12_000 };
/** How many of the triggers' batches each of their faults strikes. */
const TRIGGER_FAULT_PROBABILITY = 0.03;

export interface RunOptions {
  readonly seed: number;
  readonly durationMs: number;
  readonly faults: readonly string[];
  readonly say: (message: string) => void;
  /** Ends the run early; there is no verdict then. */
  readonly signal: AbortSignal;
}

export interface Report {
  readonly breaches: readonly Breach[];
  readonly injected: Injected;
  readonly load: LoadCounts;
  readonly log: readonly LoggedRecord[];
  /** Records that power cuts took out of the log; so many of their events had been counted before, and are only there. */
  readonly cut: { readonly records: number; readonly counted: number };
  readonly samples: number;
  readonly amendments: number;
}

/** All windows of the events are over, and their watermark can pass them, when the run ends. */
function spanOf(nowMs: number) {
  const toMs = Math.floor((nowMs - lateness.delayMs) / HOUR_MS) * HOUR_MS;
  return { fromMs: toMs - 6 * HOUR_MS, toMs };
}

async function torture(
  pipeline: Pipeline,
  broker: Broker,
  database: Database,
  options: RunOptions,
  onTrouble: World["onTrouble"],
) {
  const { seed, durationMs, say } = options;
  const injected: Injected = { counts: new Map(), failures: [] };
  const load: LoadCounts = { confirmed: 0, unconfirmed: 0 };
  const upheavals: Upheavals = { cuts: 0, restores: 0, cutLogs: new Set(), gone: [] };
  const samples: Sample[] = [];
  const over = AbortSignal.any([options.signal, AbortSignal.timeout(durationMs)]);
  const startMs = performance.now();
  const events = new EventGenerator(randomOf(seed, "events"), spanOf(Date.now()));
  const world: World = {
    broker,
    database,
    aggregators: Object.values(pipeline.aggregators),
    sweeper: pipeline.sweeper,
    topics,
    events,
    upheavals,
    progress: () => Math.min(1, (performance.now() - startMs) / durationMs),
    startTriggers: () => pipeline.startTriggers(),
    sweep: () => pipeline.sweep(),
    onTrouble,
    signal: over,
  };
  const kinds = triggerFaults.filter((kind) => options.faults.includes(kind));
  pipeline.useTriggerFaults(
    {
      seed,
      probability: Object.fromEntries(kinds.map((kind) => [kind, TRIGGER_FAULT_PROBABILITY])),
      delayMs: 1_500,
    },
    (message) => noteFault(injected, /^fault (\w+)/.exec(message)?.[1] ?? message),
  );
  const watched = new AbortController();
  const watching = watch(
    database,
    broker.direct,
    topics,
    lateness.delayMs,
    (sinceMs) => pipeline.oldestSweepMs(sinceMs),
    upheavals,
    (sample) => samples.push(sample),
    watched.signal,
  );
  await Promise.all([
    injectAll(world, seed, options.faults, injected, say),
    runLoad(
      {
        brokers: broker.direct,
        topics,
        events,
        random: randomOf(seed, "load"),
        durationMs,
        hasWatermark: (stream) => samples.at(-1)?.[stream].watermarkMs != null,
      },
      load,
      over,
    ),
    pause(durationMs, over),
  ]);
  pipeline.useTriggerFaults(null, () => undefined);
  const endWatching = async () => {
    watched.abort();
    await watching;
  };
  return { injected, load, samples, upheavals, endWatching };
}

async function findBreaches(
  pipeline: Pipeline,
  broker: Broker,
  database: Database,
  { say }: RunOptions,
  endWatching: () => Promise<void>,
  samples: readonly Sample[],
  { cutLogs, gone }: Upheavals,
) {
  say("calm: no more faults, no more events; reading the log");
  const log = await readLog(broker.direct, topics, async (topic) => {
    const partitions = await broker.partitionsOf(topic);
    const batches = await Promise.all(partitions.map((partition) => broker.batchesOf(topic, partition)));
    return batches.flatMap(committedRecords).length;
  });
  const unsettled = await settle({
    database,
    topics,
    log,
    readCommitted: () => pipeline.readCommitted(),
    // Stuck is what goes on no more: a batch that failed again and again comes after a minute at the latest.
    applyingStandstillMs: 75_000,
    finalisingStandstillMs: lateness.idleMs + 30_000,
  });
  await endWatching();
  const { tables, amendments } = await database.use(async (client) => {
    const { rows } = await client.query<{ n: number }>("SELECT coalesce(sum(late), 0)::int AS n FROM ledger");
    return { tables: await readTables(client, topics), amendments: rows[0]?.n ?? 0 };
  });
  const expected = expectTables(log, { records: gone, actual: tables });
  const breaches = [
    ...compareTables(expected.tables, tables),
    ...unsettled,
    ...judgeSamples(samples, log, gone, lateness.delayMs),
    ...(await auditBreaches(pipeline, broker.direct, database.environment, {
      cutLogs,
      counted: expected.counted,
    })),
  ];
  return { breaches, log, amendments, cut: { records: gone.length, counted: expected.counted.length } };
}

/**
 * @returns null where the signal ended it before there was a verdict
 * @throws LaboratoryError where a function cannot be started; what the start of a server throws
 */
export async function runChaos(options: RunOptions): Promise<Report | null> {
  // Named and laid out as the integration tests' folders: they clean up after runs that were killed.
  const folder = await mkdtemp(join(tmpdir(), `smartgrid-test-${process.pid}-chaos-`));
  const started: { stop(): Promise<void> }[] = [];
  const keep = <T extends { stop(): Promise<void> }>(one: T): T => {
    started.push(one);
    return one;
  };
  try {
    const starting = [
      Broker.start(join(folder, "kafka")).then(keep),
      Database.start(join(folder, "postgres")).then(keep),
    ] as const;
    await Promise.allSettled(starting); // where one fails, the other has to be stopped
    const [broker, database] = await Promise.all(starting);
    const trouble = new AbortController();
    const onTrouble = (error: LaboratoryError) => trouble.abort(error);
    const signal = AbortSignal.any([options.signal, trouble.signal]);
    const pipeline = keep(
      new Pipeline(broker, database, lateness, randomOf(options.seed, "clocks"), () => undefined, onTrouble),
    );
    await pipeline.createTopics();
    await pipeline.startFunctions();
    const ended = new AbortController();
    const sweeping = pipeline.sweepOnSchedule(ended.signal);
    keep({
      async stop() {
        ended.abort();
        await sweeping;
      },
    });
    for (const mapping of pipeline.startTriggers()) keep(mapping);
    const { injected, load, samples, upheavals, endWatching } = await torture(
      pipeline,
      broker,
      database,
      { ...options, signal },
      onTrouble,
    );
    keep({ stop: endWatching });
    trouble.signal.throwIfAborted();
    if (options.signal.aborted) return null;
    const verdict = await findBreaches(pipeline, broker, database, options, endWatching, samples, upheavals);
    trouble.signal.throwIfAborted();
    return { ...verdict, injected, load, samples: samples.length };
  } finally {
    // What was started last is stopped first: the triggers before the functions before the servers.
    for (const one of started.reverse()) await one.stop();
    // A session that outlives its server for a moment still writes.
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}
