// The simulation shows only what its schedules reach: each kind of trouble comes up in hundreds of 100,000.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { LedgerRow } from "../../simulation/memory-ledger.ts";
import { runSchedule } from "../../simulation/run.ts";
import { schedules } from "../../simulation/schedule.ts";

describe("the schedules", () => {
  test("reach what they are for: amendments, both kinds of lateness, repetitions, crashes, idle partitions, …", async () => {
    const reached = {
      amended: 0,
      tooLate: 0,
      inFuture: 0,
      duplicates: 0,
      conflicts: 0,
      killed: 0,
      newTopics: 0,
      cutLogs: 0,
      laterRangeFirst: 0,
      idleWithOthersActive: 0,
    };
    for (const schedule of fc.sample(schedules, { seed: 1, numRuns: 4_000 })) {
      const { database, trace } = await runSchedule(schedule);
      const first = trace.filter((event) => event.kind === "commit").map((event) => event.offsets[0]);
      if (database.history.length > 0) reached.amended++;
      if (database.tooLate.length > 0) reached.tooLate++;
      if (database.quarantine.some((row) => row.reason === "in_future")) reached.inFuture++;
      if (database.ledger.some((row) => row.duplicates > 0)) reached.duplicates++;
      if (database.conflicts.length > 0) reached.conflicts++;
      const topicBefore = (row: LedgerRow) =>
        database.ledger.find((b) => b.partition === row.partition && b.incarnation === row.incarnation - 1)
          ?.topicId;
      const broken = database.ledger.filter((row) => row.incarnation > 0);
      if (broken.some((row) => row.topicId !== topicBefore(row))) reached.newTopics++;
      if (broken.some((row) => row.topicId === topicBefore(row))) reached.cutLogs++;
      if (first.some((range, i) => (range?.from ?? 0) < (first[i - 1]?.from ?? 0))) reached.laterRangeFirst++;
      if (trace.some((event) => event.kind === "died")) reached.killed++;
      if (trace.some((event) => event.kind === "move" && event.heldBy !== null && event.idle > 0))
        reached.idleWithOthersActive++;
    }
    for (const [what, schedulesThatDo] of Object.entries(reached))
      expect(schedulesThatDo, `${what} of ${JSON.stringify(reached)}`).toBeGreaterThan(15);
  });
});
