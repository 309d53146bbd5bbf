// What `npm run audit` says after a run: it must know of nothing lost or doubled either, and of each log that was cut.

import { type AuditReport, audit, isClean } from "../../lib/audit/audit.ts";
import { acknowledgeBreaks } from "../../lib/audit/books.ts";
import { breakText } from "../../lib/audit/logs.ts";
import { readDatabaseSettings } from "../../lib/config/database.ts";
import { readKafkaSettings } from "../../lib/config/kafka.ts";
import { openArchive } from "../../lib/kafka/archive.ts";
import { openGroupReader } from "../../lib/kafka/groups.ts";
import { openOffsetReader } from "../../lib/kafka/offsets.ts";
import { openPool } from "../../lib/postgres/pool.ts";
import { verdictOf } from "../audit/report.ts";
import { type LoggedRecord, streams } from "./log.ts";
import { type Pipeline, topics } from "./pipeline.ts";
import type { Breach } from "./verdict.ts";

const STATEMENT_TIMEOUT_MS = 60_000;

/** `stream-partition` of each log that was cut, and what was cut after it had been counted. */
interface CutLogs {
  readonly cutLogs: ReadonlySet<string>;
  readonly counted: readonly LoggedRecord[];
}

/** Where the audit is silent of a log that was cut after it was counted, or tells of one that nothing happened to. */
function breaksBreaches(breaks: AuditReport["breaks"], { cutLogs, counted }: CutLogs): Breach[] {
  const nameOf = ({ topic, partition }: AuditReport["breaks"][number]) =>
    `${streams.find((stream) => topics[stream] === topic)}-${partition}`;
  const truncated = breaks.filter((one) => one.kind === "truncated" && cutLogs.has(nameOf(one)));
  const told = new Set(truncated.map(nameOf));
  const mustTell = new Set(counted.map(({ stream, partition }) => `${stream}-${partition}`));
  const untold = [...mustTell].filter((name) => !told.has(name));
  const invented = breaks.filter((one) => !truncated.includes(one));
  return [
    ...untold.map((name): Breach => ({ promise: "LOST", what: `audit: ${name} was cut, and nobody told` })),
    ...invented.map((one): Breach => ({ promise: "LOST", what: `audit: false: ${breakText(one)}` })),
  ];
}

export async function auditBreaches(
  pipeline: Pipeline,
  brokers: string,
  environment: Readonly<Record<string, string>>,
  cut: CutLogs,
): Promise<Breach[]> {
  const kafka = readKafkaSettings({ KAFKA_BROKER: brokers });
  const pool = openPool(readDatabaseSettings(environment), STATEMENT_TIMEOUT_MS);
  const offsets = openOffsetReader(kafka);
  const groups = openGroupReader(kafka);
  const archive = openArchive(kafka);
  try {
    const told = await audit(pipeline.audited, { pool, offsets, groups, archive });
    const breaches = breaksBreaches(told.breaks, cut);
    await acknowledgeBreaks(pool);
    const report = await audit(pipeline.audited, { pool, offsets, groups, archive });
    if (isClean(report)) return breaches;
    const verdict = verdictOf(report);
    return [
      ...breaches,
      { promise: verdict.includes("DOUBLED") ? "DOUBLED" : "LOST", what: `audit: ${verdict}` },
    ];
  } finally {
    await Promise.all([offsets.close(), groups.close(), archive.close(), pool.end()]);
  }
}
