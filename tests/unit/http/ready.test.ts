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
