// Broker and database themselves: killed, frozen, cut, set back, read-only, full of sessions, locked, migrated.

import pg from "pg";
import { pause } from "../../../localstack/event-source-mapping/waiting.ts";
import { FATE_HEADER, type LoggedRecord, streams } from "../log.ts";
import { cleanCuts, committedRecords, type StoredBatch } from "../log-file.ts";
import { canJudge } from "../oracle-cut.ts";
import type { Random } from "../random.ts";
import { drawDurationMs, type Fault, type World } from "./fault.ts";

/** Four seconds of the load, so that some of what is cut had been counted and some not. */
const MOST_BATCHES = 16;

/** Cuts the last batches off some partitions' logs, no more than the oracle can judge. */
async function cutSome({ broker, topics, upheavals }: World, random: Random): Promise<void> {
  const { gone, cutLogs } = upheavals;
  for (const stream of streams)
    for (const partition of await broker.partitionsOf(topics[stream])) {
      if (random.chance(0.4)) continue;
      const most = random.between(1, MOST_BATCHES);
      const recordsOf = (batches: readonly StoredBatch[]): LoggedRecord[] =>
        committedRecords(batches).map(({ offset, value, headers }) => ({
          ...{ stream, partition, offset, value, fate: headers.get(FATE_HEADER) ?? "" },
        }));
      const cut = await broker.cutLog(topics[stream], partition, (batches) => {
        const cuts = cleanCuts(batches).slice(-most);
        return cuts.find((at) => canJudge([...gone, ...recordsOf(batches.slice(at))])) ?? batches.length;
      });
      if (cut.length > 0) cutLogs.add(`${stream}-${partition}`);
      gone.push(...recordsOf(cut));
    }
}

export const serverFaults = {
  brokerKilled: {
    on: "broker",
    async inject({ broker, signal }, random) {
      await broker.kill();
      await pause(random.between(0, 3_000), signal);
      await broker.restart();
    },
  },
  /** What it had answered for was never on the disk: logs without their ends, and new records in the old offsets. */
  brokerPowerCut: {
    on: "broker",
    async inject(world, random) {
      const { broker, upheavals, signal } = world;
      await broker.kill();
      try {
        upheavals.cuts++;
        await cutSome(world, random);
        await pause(random.between(0, 3_000), signal);
      } finally {
        await broker.restart();
      }
    },
  },
  brokerFrozen: {
    on: "broker",
    async inject({ broker, signal }, random) {
      broker.freeze();
      await pause(drawDurationMs(random), signal);
      broker.wake();
    },
  },
  databaseKilled: {
    on: "database",
    async inject({ database, signal }, random) {
      await database.kill();
      await pause(random.between(0, 3_000), signal);
      await database.restart();
    },
  },
  /** An operator restores an older copy; what the triggers have committed to Kafka stays. */
  databaseRestored: {
    on: "database",
    async inject({ database, upheavals, signal }, random) {
      await database.copy();
      await pause(random.between(1_000, 12_000), signal);
      await database.restoreCopy(() => {
        upheavals.restores++;
      });
    },
  },
  databaseFrozen: {
    on: "database",
    async inject({ database, signal }, random) {
      await database.freeze();
      await pause(drawDurationMs(random), signal);
      database.wake();
    },
  },
  sessionsTerminated: {
    on: "database",
    async inject({ database, signal }, random) {
      for (let times = random.between(1, 4); times > 0; times--) {
        await database.use((client) =>
          client.query(
            `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`,
          ),
        );
        await pause(random.between(50, 1_000), signal);
      }
    },
  },
  /** A failover that leaves connections on what is a replica now: 25006. */
  databaseReadOnly: {
    on: "database",
    async inject({ database, signal }, random) {
      await database.use(async (client) => {
        await client.query("SET default_transaction_read_only = off");
        await client.query("ALTER SYSTEM SET default_transaction_read_only = on");
        await client.query("SELECT pg_reload_conf()");
        await pause(drawDurationMs(random), signal);
        await client.query("ALTER SYSTEM RESET default_transaction_read_only");
        await client.query("SELECT pg_reload_conf()");
      });
    },
  },
  /** 53300: others hold every connection, and the functions' own are ended. */
  noConnectionFree: {
    on: "database",
    async inject({ database, signal }, random) {
      const taken: pg.Client[] = [];
      try {
        for (let refused = 0; refused < 3 && taken.length < 60; ) {
          const client = new pg.Client({ connectionString: database.url });
          client.on("error", () => undefined); // ended with the run
          try {
            await client.connect();
            taken.push(client);
          } catch (error) {
            if (!(error instanceof pg.DatabaseError) || error.code !== "53300") throw error;
            refused++;
          }
        }
        database.proxy.cut();
        await pause(drawDurationMs(random), signal);
      } finally {
        await Promise.all(taken.map((client) => client.end()));
      }
    },
  },
  /** Longer than the functions wait for a lock, now and then. */
  lockHeld: {
    on: "database",
    async inject({ database, signal }, random) {
      await database.use(async (client) => {
        await client.query("BEGIN");
        const table = random.pick(["ledger", "sensor_window", "stream_state", "seen_event"]);
        await client.query(`LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
        await pause(random.between(500, 7_000), signal);
        await client.query("ROLLBACK");
      });
    },
  },
  /** A migration with a short wait for its lock, while old and new code run. */
  migrationUnderLoad: {
    on: "database",
    async inject({ database, signal }, random) {
      await database.use(async (client) => {
        await client.query("SET lock_timeout = '2s'");
        const table = random.pick(["ledger", "sensor_window", "consumption_window"]);
        await client.query(`ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS chaos integer DEFAULT 0`);
        await pause(random.between(200, 2_000), signal);
        await client.query(`ALTER TABLE ${table} DROP COLUMN IF EXISTS chaos`);
      });
    },
  },
} as const satisfies Readonly<Record<string, Fault>>;
