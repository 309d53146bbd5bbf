// `GET /`, for people: static, nothing from elsewhere.

import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { healthApp } from "../../../lib/http/health.ts";

const never = () => Promise.reject(new Error("the page asks nobody"));
const app = healthApp({
  service: "smartgrid-pipeline",
  now: Date.now,
  checks: { kafka: never, postgres: never },
  trouble: never,
  isSwept: never,
  kept: never,
  gauges: never,
});

test("is a page with links, routes and queries, whatever is down", async () => {
  const answer = await app.request("/");
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("text/html; charset=UTF-8");
  const html = await answer.text();
  for (const route of ["/health", "/ready", "/metrics"]) expect(html).toContain(`<a href="${route}">`);
  for (const route of ["sensor", "meter"]) expect(html).toContain(`POST /api/v1/ingest/${route}`);
  for (const table of ["consumption", "sensor", "weather"])
    expect(html).toContain(`FROM ${table}_aggregates_realtime`);
});

test("its policy lets in its own style and nothing else, and there is nothing else", async () => {
  const answer = await app.request("/");
  const html = await answer.text();
  const style = /<style>([\s\S]*)<\/style>/.exec(html)?.[1] ?? "";
  const hash = createHash("sha256").update(style).digest("base64");
  expect(answer.headers.get("content-security-policy")).toBe(
    `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  );
  expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
  expect(html).not.toMatch(/<script|<img|<link|style=|https?:\/\//);
});
