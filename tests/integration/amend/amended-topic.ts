// A topic of a test's own whose records are committed as they are sent, and amendments of it.

import { amend, emptyWindows, revert } from "../../../lib/amend/amend.ts";
import { type AmendableName, amendableStreams } from "../../../lib/amend/amendable.ts";
import type { Amendment } from "../../../lib/amend/entry.ts";
import type { AmendmentTools } from "../../../lib/amend/from-topic.ts";
import { readTimeZones } from "../../../lib/config/time-zones.ts";
import type { LogRecord } from "../../../lib/core/log-record.ts";
import { type Archive, openArchive } from "../../../lib/kafka/archive.ts";
import { postgresJudge } from "../../../lib/postgres/judge.ts";
import type { StreamZones } from "../../../lib/streams/stream.ts";
import { commitRecords, type LatenessRules } from "../../../lib/windows/commit.ts";
import { createDatabase, emptyTables, snapshot, type TestDatabase } from "../database.ts";
import { connectKafka, type TestKafka } from "../topics.ts";

export const hour = Date.UTC(2026, 0, 15, 10);
export const hourUs = hour * 1000;
export const rules: LatenessRules = { futureSkewUs: 600e6, amendmentHorizonUs: 7 * 86_400e6 };
const decision = { reason: "ran mad", by: "ada", dryRun: false };

export interface AmendedTopic {
  readonly kafka: TestKafka;
  readonly database: TestDatabase;
  readonly tools: AmendmentTools;
  /** Starts over: a topic of its own, and no rows. */
  begin(partitions?: number): Promise<void>;
  /** Nothing has been applied or amended; what the topic holds is as if it had not come yet. */
  forget(): Promise<void>;
  /** Sends values to a partition and commits them unless told not to. */
  send(
    name: AmendableName,
    partition: number,
    values: readonly object[],
    how?: { readonly isCommitted?: boolean; readonly recordTimeMs?: number },
  ): Promise<LogRecord[]>;
  /** The cluster has another name from now on; the log of partition 0 ends at this offset. Its entry is the first one. */
  rename(source: string, end: number): Promise<void>;
  /** As when retention passes: partition 0 begins at this offset. */
  cut(offset: number): Promise<void>;
  commit(
    name: AmendableName,
    partition: number,
    records: readonly LogRecord[],
    zones?: StreamZones,
  ): Promise<void>;
  amend(
    amendment: Partial<Amendment> & Pick<Amendment, "selector">,
    dryRun?: boolean,
  ): ReturnType<typeof amend>;
  empty(amendment: Partial<Amendment> & Pick<Amendment, "selector">): ReturnType<typeof amend>;
  revert(id: number | null): ReturnType<typeof revert>;
  /** The rows without their revision, as PostgreSQL writes them. */
  rows(name: AmendableName): Promise<string[]>;
  query(sql: string): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}

export async function openAmendedTopic(): Promise<AmendedTopic> {
  const [kafka, database] = await Promise.all([connectKafka(), createDatabase()]);
  const archive: Archive = openArchive({
    brokers: [kafka.brokers],
    clusterArn: null,
    clientId: "tests",
    iam: false,
  });
  let topic = "";
  let source = "test";
  const tools = {
    pool: database.pool,
    archive,
    get topics() {
      return { sensor: topic, consumption: topic };
    },
    zones: readTimeZones({}),
    onRead: () => undefined,
  };
  const whole = { correction: null, fromUs: hourUs, toUs: hourUs + 3_600e6 };
  const commit: AmendedTopic["commit"] = async (name, partition, records, zones = readTimeZones({})) => {
    const address = { source, topic, partition };
    const { stream } = amendableStreams[name];
    await commitRecords(postgresJudge(database.pool), stream, address, records, { ...rules, zones });
  };
  const forget = async () => {
    await emptyTables(database.pool);
    await database.pool.query("TRUNCATE amendment CASCADE");
  };
  return {
    kafka,
    database,
    tools,
    commit,
    async begin(partitions = 1) {
      topic = await kafka.createTopic(partitions);
      source = "test";
      await forget();
    },
    forget,
    async send(name, partition, values, { isCommitted = true, recordTimeMs = Date.now() } = {}) {
      const texts = values.map((value) => Buffer.from(JSON.stringify(value)));
      const timestamp = String(recordTimeMs);
      const [sent] = await kafka.producer.send({
        topic,
        messages: texts.map((value) => ({ partition, value, timestamp })),
      });
      const first = Number(sent?.baseOffset);
      const records = texts.map((value, i) => ({ offset: first + i, recordTimeMs, value }));
      if (isCommitted) await commit(name, partition, records);
      return records;
    },
    async rename(name, end) {
      const observe = "SELECT observe_log($1, $2, 0, 0, NULL, NULL, 'cluster', 'id', 1, $3)";
      for (const one of [source, name]) await database.pool.query(observe, [one, topic, end]);
      source = name;
    },
    async cut(offset) {
      await kafka.admin.fetchTopicOffsets(topic); // else the client does not know the partition's leader
      await kafka.admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(offset) }] });
    },
    amend: (amendment, dryRun = false) => amend(tools, { ...whole, ...amendment }, { ...decision, dryRun }),
    empty: (amendment) => emptyWindows(tools, { ...whole, ...amendment }, decision),
    revert: (id) => revert(tools, id ?? -1, { ...decision, reason: "it had not" }),
    async rows(name) {
      return (await snapshot(database.pool))[name].map((row) => row.replace(/,\d+\)$/, ")"));
    },
    async query(sql) {
      return (await database.pool.query<Record<string, unknown>>(sql)).rows;
    },
    async close() {
      await archive.close();
      await Promise.all([kafka.close(), database.close()]);
    },
  };
}
