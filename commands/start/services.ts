// Kafka and PostgreSQL for `npm start`: started here under .local/, or the ones that the environment names.

import { rm } from "node:fs/promises";
import { join } from "node:path";
import { readDatabaseSettings } from "../../lib/config/database.ts";
import { readKafkaSettings, readTopics } from "../../lib/config/kafka.ts";
import { compactionWarnings } from "../../lib/kafka/compaction.ts";
import { openGroupReader } from "../../lib/kafka/groups.ts";
import { createTopics } from "../../lib/kafka/topics.ts";
import { connect } from "../../lib/postgres/connect.ts";
import { createLogins } from "../../lib/postgres/logins.ts";
import { migrate, readSchema } from "../../lib/postgres/migrate.ts";
import type { DatabaseSettings } from "../../lib/postgres/pool.ts";
import { streamSettings } from "../../lib/streams/declared.ts";
import { streamNames } from "../../lib/streams/stream.ts";
import { startKafka } from "../../localstack/kafka/server.ts";
import { freePort } from "../../localstack/ports.ts";
import { startPostgres } from "../../localstack/postgres/server.ts";
import { databaseVariables, namedDatabase } from "../running-stack/database-url.ts";
import { keptPasswords } from "./kept-passwords.ts";
import { terminal } from "./terminal.ts";

export interface Services {
  /** `host:port,…` */
  readonly brokers: string;
  /** The owner's connection. */
  readonly database: DatabaseSettings;
  /** The same as a URL. */
  readonly databaseUrl: string;
  /** The same for people; without its password where that is not this stack's own. */
  readonly shownDatabaseUrl: string;
  /** A URL with which people may look, and change nothing; null for a database of the user's own. */
  readonly readingUrl: string | null;
  /** Variables with which the functions reach both. */
  readonly environment: Readonly<Record<string, string>>;
  /** Resolves, with what happened, where one of them ends by itself. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

interface Started<T> {
  readonly address: T;
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

const never = new Promise<string>(() => undefined);
const local = { database: "smartgrid_db", user: "smartgrid", password: "smartgrid" };

/** The preferred port or the next free one, said clearly where it is another. */
export async function announcedPort(name: string, preferred: number): Promise<number> {
  const port = await freePort(preferred);
  if (port !== preferred) terminal.say(`${name}: port ${preferred} is taken, using ${port}`);
  return port;
}

async function kafkaService(folder: string, fresh: boolean): Promise<Started<string>> {
  const external = process.env.KAFKA_BROKER;
  if (external) return { address: external, ended: never, stop: async () => undefined };
  const kafka = await startKafka({
    dataDir: join(folder, "kafka"),
    port: () => announcedPort("Kafka", 9092),
    fresh,
  });
  return {
    address: kafka.brokers,
    ended: kafka.exited.then((how) => `Kafka ended (${how})`),
    stop: kafka.stop,
  };
}

async function postgresService(folder: string, fresh: boolean): Promise<Started<URL>> {
  const external = namedDatabase(process.env);
  if (external !== null) return { address: external, ended: never, stop: async () => undefined };
  const postgres = await startPostgres({
    dataDir: join(folder, "postgres"),
    port: () => announcedPort("PostgreSQL", 5432),
    fresh,
    ...local,
  });
  return {
    address: new URL(postgres.url),
    ended: postgres.exited.then((how) => `PostgreSQL ended (${how})`),
    stop: postgres.stop,
  };
}

/** Of a topic of many events, on this machine. */
const LOCAL_PARTITIONS = 4;

async function createOwnTopics(brokers: string): Promise<void> {
  const topics = readTopics(process.env);
  const settings = readKafkaSettings({ ...process.env, KAFKA_BROKER: brokers });
  await createTopics(
    settings,
    streamNames.map((stream) => ({
      topic: topics[stream],
      numPartitions: streamSettings[stream].partitions === 1 ? 1 : LOCAL_PARTITIONS,
    })),
  );
  const { isCompacted, close } = openGroupReader(settings);
  for (const warning of await compactionWarnings(Object.values(topics), isCompacted)) terminal.say(warning);
  await close();
}

/**
 * Migrates.
 * @param passwordFile null for a database of the user's own, whose users are his to make
 * @returns the functions' users
 */
async function prepareDatabase(
  settings: DatabaseSettings,
  passwordFile: string | null,
): Promise<Readonly<Record<string, string>>> {
  const client = await connect(settings);
  try {
    await migrate(client, await readSchema("lib/postgres"));
    if (passwordFile === null) return {};
    return await createLogins(client, "local", await keptPasswords(passwordFile));
  } finally {
    await client.end();
  }
}

function readingUrlOf(owner: URL, users: Readonly<Record<string, string>>): string | null {
  const { POSTGRES_USER_READ, POSTGRES_PASSWORD_READ } = users;
  if (POSTGRES_USER_READ === undefined || POSTGRES_PASSWORD_READ === undefined) return null;
  const url = new URL(owner);
  url.username = encodeURIComponent(POSTGRES_USER_READ);
  url.password = encodeURIComponent(POSTGRES_PASSWORD_READ);
  return url.href;
}

/**
 * Starts what the environment does not name, migrates and creates the topics.
 * @param folder where the data is kept between runs
 * @param fresh empties the data of the servers that are started here
 */
export async function startServices(folder: string, fresh: boolean): Promise<Services> {
  if (fresh) await rm(join(folder, "demo.json"), { force: true });
  const [kafka, postgres] = await Promise.all([kafkaService(folder, fresh), postgresService(folder, fresh)]);
  const url = postgres.address;
  const isOwn = !process.env.POSTGRES_HOST;
  const variables = databaseVariables(url);
  const database = readDatabaseSettings({ ...process.env, ...variables });
  const [users] = await Promise.all([
    prepareDatabase(database, isOwn ? join(folder, "postgres-passwords.json") : null),
    createOwnTopics(kafka.address),
  ]);
  const shown = new URL(url);
  if (!isOwn) shown.password = "";
  return {
    brokers: kafka.address,
    database,
    databaseUrl: url.href,
    shownDatabaseUrl: shown.href,
    readingUrl: readingUrlOf(url, users),
    environment: {
      KAFKA_BROKER: kafka.address,
      ...variables,
      ...users,
    },
    ended: Promise.race([kafka.ended, postgres.ended]),
    stop: async () => {
      await Promise.all([kafka.stop(), postgres.stop()]);
    },
  };
}
