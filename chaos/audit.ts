// What `npm run audit` says after a run: it must know of nothing lost or doubled, either.

import { audit, isClean } from "../lib/audit/audit.ts";
import { verdictOf } from "../lib/audit/report.ts";
import { readDatabaseSettings } from "../lib/config/database.ts";
import { readKafkaSettings } from "../lib/config/kafka.ts";
import { openArchive } from "../lib/kafka/archive.ts";
import { openGroupReader } from "../lib/kafka/groups.ts";
import { openOffsetReader } from "../lib/kafka/offsets.ts";
import { openPool } from "../lib/store/pool.ts";
import type { Pipeline } from "./pipeline.ts";
import type { Breach } from "./verdict.ts";

const STATEMENT_TIMEOUT_MS = 60_000;

export async function auditBreaches(
  pipeline: Pipeline,
  brokers: string,
  environment: Readonly<Record<string, string>>,
): Promise<Breach[]> {
  const kafka = readKafkaSettings({ KAFKA_BROKER: brokers });
  const pool = openPool(readDatabaseSettings(environment), STATEMENT_TIMEOUT_MS);
  const offsets = openOffsetReader(kafka);
  const groups = openGroupReader(kafka);
  const archive = openArchive(kafka);
  try {
    const report = await audit(pipeline.audited, { pool, offsets, groups, archive });
    if (isClean(report)) return [];
    const verdict = verdictOf(report);
    return [{ promise: verdict.includes("DOUBLED") ? "DOUBLED" : "LOST", what: `audit: ${verdict}` }];
  } finally {
    await Promise.all([offsets.close(), groups.close(), archive.close(), pool.end()]);
  }
}
