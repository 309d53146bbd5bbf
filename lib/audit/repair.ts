// Redelivers what the audit found lost, through the commit that every delivery takes: what is there already is not
// counted again, and the rows become what they would have been.

import type { Pool } from "pg";
import type { Archive } from "../kafka/archive.ts";
import { commitRecords, type LatenessRules } from "../store/commit.ts";
import { postgresJudge } from "../store/judge.ts";
import type { LogRecord } from "../streams/fold.ts";
import { streams } from "../streams/streams.ts";
import type { AuditReport } from "./audit.ts";

const BATCH_RECORDS = 2_500;

/** Why nothing may be redelivered: where the books themselves are wrong, counting again could double. Else null. */
export function reasonNotToRepair({ problems, streams }: AuditReport): string | null {
  const [problem] = problems;
  if (problem !== undefined) return problem;
  const wrong = streams.find(({ difference }) => difference !== null);
  return wrong === undefined ? null : `${wrong.stream}: ${wrong.difference}`;
}

/**
 * Redelivers each lost range.
 * @returns how many records were redelivered
 * @throws Error where the books are wrong, or broker or database are away; what was redelivered until then stays
 */
export async function repair(
  report: AuditReport,
  pool: Pool,
  archive: Archive,
  rules: LatenessRules,
): Promise<number> {
  const reason = reasonNotToRepair(report);
  if (reason !== null) throw new Error(`nothing was redelivered, because the books do not add up: ${reason}`);
  const judge = postgresJudge(pool);
  let redelivered = 0;
  for (const { stream, topic, partition, lost } of report.partitions)
    for (const range of lost) {
      const address = { source: report.source, topic, partition };
      // A piece settles from its first to its last record. The next one takes its last record along, which is not
      // counted again, so that a hole between two pieces is settled as well.
      let last: LogRecord[] = [];
      for await (const piece of archive.read(topic, partition, [range]))
        for (let from = 0; from < piece.length; from += BATCH_RECORDS) {
          const records = piece.slice(from, from + BATCH_RECORDS);
          await commitRecords(judge, streams[stream], address, [...last, ...records], rules);
          last = records.slice(-1);
          redelivered += records.length;
        }
    }
  return redelivered;
}
