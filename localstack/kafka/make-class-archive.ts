// Part of the set-up: runs a broker once, so that Java writes down the classes it needs and later starts are faster.
// Not made, it is only slower, so nothing here fails the set-up.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../ports.ts";
import { startKafka } from "./server.ts";

const dataDir = await mkdtemp(join(tmpdir(), "smartgrid-kafka-"));
try {
  const kafka = await startKafka({ dataDir, port: await freePort(), makesClassArchive: true });
  await kafka.stop();
} catch (error) {
  console.error(`no class archive for Kafka: ${error instanceof Error ? error.message : error}`);
} finally {
  await rm(dataDir, { recursive: true, force: true });
}
