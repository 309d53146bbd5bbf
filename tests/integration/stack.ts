// One Kafka broker and one PostgreSQL server for the whole run, on free ports, in a folder of their own; or the ones
// that the environment names. Each test file takes topics of its own and a database of its own.

import { lstat, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { namedDatabase } from "../../commands/running-stack/database-url.ts";
import { startKafka } from "../../localstack/kafka/server.ts";
import { freePort } from "../../localstack/ports.ts";
import { type PostgresOptions, startPostgres } from "../../localstack/postgres/server.ts";
import { isRunning } from "../../localstack/processes.ts";
import { stopOrphan } from "../../localstack/server-process.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** `host:port` */
    kafkaBrokers: string;
    /** URL of a superuser's connection. */
    postgresUrl: string;
  }
}

interface Started {
  readonly address: string;
  stop(): Promise<void>;
}

const FOLDER = "smartgrid-test-";

function releaseNamed(name: string | undefined): Pick<PostgresOptions, "release"> {
  if (name === undefined || name === "18") return {};
  if (name === "17") return { release: 17 };
  if (name === "15") return { release: 15 };
  throw new Error(`TEST_POSTGRES_RELEASE: expected 15, 17 or 18, got ${JSON.stringify(name)}`);
}

/** commands/test/index.ts asks for the older ones. */
export const postgresRelease = releaseNamed(process.env.TEST_POSTGRES_RELEASE);

async function kafkaFor(folder: string): Promise<Started> {
  const external = process.env.KAFKA_BROKER;
  if (external) return { address: external, stop: async () => undefined };
  const kafka = await startKafka({
    dataDir: join(folder, "kafka"),
    port: await freePort(),
    settings: {
      "log.cleaner.backoff.ms": 250, // compacts at once what a test wants compacted
      "log.retention.ms": -1, // else records with time stamps of years ago would go, now and then before they are read
    },
  });
  return { address: kafka.brokers, stop: kafka.stop };
}

async function postgresFor(folder: string): Promise<Started> {
  const external = namedDatabase(process.env);
  if (external !== null) return { address: external.href, stop: async () => undefined };
  const postgres = await startPostgres({
    dataDir: join(folder, "postgres"),
    port: await freePort(),
    database: "smartgrid_db",
    user: "smartgrid",
    password: "test",
    settings: { fsync: "off" }, // the tests kill connections and functions, not the machine
    ...postgresRelease,
  });
  return { address: postgres.url, stop: postgres.stop };
}

/** A run that was killed could not stop its servers; the folder's name tells whose they are. */
async function cleanUpAfterKilledRuns(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const runPid = Number(new RegExp(`^${FOLDER}(\\d+)-`).exec(name)?.[1] ?? Number.NaN);
    if (Number.isNaN(runPid) || isRunning(runPid)) continue;
    const folder = join(tmpdir(), name);
    const { uid } = (await lstat(folder).catch(() => null)) ?? {}; // another run may have just removed it
    if (uid !== process.getuid?.()) continue; // another user's
    await stopOrphan(join(folder, "kafka/kafka.pid"), join(folder, "kafka"), "SIGKILL");
    await stopOrphan(join(folder, "postgres/postgres.pid"), join(folder, "postgres"), "SIGQUIT");
    await rm(folder, { recursive: true, force: true });
  }
}

export default async function startStack(project: TestProject): Promise<() => Promise<void>> {
  await cleanUpAfterKilledRuns();
  const folder = await mkdtemp(join(tmpdir(), `${FOLDER}${process.pid}-`));
  const starts = await Promise.allSettled([kafkaFor(folder), postgresFor(folder)]);
  const tearDown = async () => {
    await Promise.all(starts.map((start) => (start.status === "fulfilled" ? start.value.stop() : undefined)));
    await rm(folder, { recursive: true, force: true });
  };
  const [kafka, postgres] = starts;
  if (kafka.status === "rejected" || postgres.status === "rejected") {
    await tearDown();
    throw kafka.status === "rejected" ? kafka.reason : postgres.status === "rejected" && postgres.reason;
  }
  project.provide("kafkaBrokers", kafka.value.address);
  project.provide("postgresUrl", postgres.value.address);
  return tearDown;
}
