// The status that `GET /ready` gives to what is known, and to what is not known yet.

import { expect, test } from "vitest";
import { healthApp } from "../../../lib/http/health.ts";
import type { Trouble } from "../../../lib/postgres/trouble.ts";

const lost: Trouble = { kind: "records_lost", place: "t-0", since: "2026-01-15T10:00:00Z", why: "LOST 3" };
const unasked = () => Promise.reject(new Error("nobody asks this here"));

async function readiness(trouble: readonly Trouble[], isSwept: () => Promise<boolean>) {
  const app = healthApp({
    service: "s",
    now: Date.now,
    checks: { kafka: async () => [], postgres: async () => [] },
    trouble: async () => trouble,
    isSwept,
    kept: async () => [],
    gauges: unasked,
  });
  const answer = await app.request("/ready");
  const { status }: { status: string } = JSON.parse(await answer.text());
  return [answer.status, status];
}

test("starting before the first sweep, ready after it; trouble that is known is told in any case", async () => {
  expect(await readiness([], async () => false)).toEqual([200, "starting"]);
  expect(await readiness([], async () => true)).toEqual([200, "ready"]);
  expect(await readiness([lost], unasked)).toEqual([200, "stuck"]);
});

test("records to look at are information: named by stream, with what lists them, and ready all the same", async () => {
  const nothing = { quarantined: 0, tooLate: 0, conflicts: 0, doubtful: 0 };
  const app = healthApp({
    service: "s",
    now: Date.now,
    checks: {},
    trouble: async () => [],
    isSwept: async () => true,
    kept: async () => [
      { ...nothing, stream: "consumption", quarantined: 3, tooLate: 1 },
      { ...nothing, stream: "sensor", quarantined: 1, conflicts: 2 },
      { ...nothing, stream: "weather", doubtful: 5 },
    ],
    gauges: unasked,
  });
  const answer = await app.request("/ready");
  expect([answer.status, await answer.json()]).toMatchObject([
    200,
    {
      status: "ready",
      to_look_at: [
        "quarantined: consumption 3, sensor 1 (npm run quarantine -- list)",
        "conflicts: sensor 2 (npm run quarantine -- conflicts)",
        "too late in the last 24 hours: consumption 1 (SELECT * FROM too_late_readable)",
        "doubtful in the last 24 hours: weather 5 (npm run quarantine -- doubtful)",
      ],
    },
  ]);
});
