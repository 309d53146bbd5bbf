// One Kafka broker and one PostgreSQL server for the whole run, on free ports, in a folder of their own.
// Each test file takes topics of its own and a database of its own.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { startKafka } from "../../localstack/kafka/server.ts";
import { freePort } from "../../localstack/ports.ts";
import { startPostgres } from "../../localstack/postgres/server.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** `host:port` */
    kafkaBrokers: string;
    /** URL of a superuser's connection. */
    postgresUrl: string;
  }
}

export default async function startStack(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "smartgrid-test-"));
  const [kafkaPort, postgresPort] = [await freePort(), await freePort()];
  const [kafka, postgres] = await Promise.all([
    startKafka({ dataDir: join(folder, "kafka"), port: kafkaPort }),
    startPostgres({
      dataDir: join(folder, "postgres"),
      port: postgresPort,
      database: "smartgrid_db",
      user: "smartgrid",
      password: "test",
      settings: { fsync: "off" }, // the tests kill connections and functions, not the machine
    }),
  ]);
  project.provide("kafkaBrokers", kafka.brokers);
  project.provide("postgresUrl", postgres.url);
  return async () => {
    await Promise.all([kafka.stop(), postgres.stop()]);
    await rm(folder, { recursive: true, force: true });
  };
}
