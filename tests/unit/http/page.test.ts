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
  expect(html).not.toMatch(/<script|<img|<link|style=|(src|href)="https?:/);
});

const example = async (url: string, headers: Record<string, string>) => {
  const answer = await app.request(url, { headers });
  return /(\S+)\/api\/v1\/ingest\/meter \\/.exec(await answer.text())?.[1];
};

test.each([
  ["http://127.0.0.1:5007/", {}, "http://127.0.0.1:5007"],
  ["https://offline/", { host: "localhost:5006" }, "http://localhost:5006"],
  [
    "https://a.example.org/",
    { host: "a.example.org", "x-forwarded-proto": "https" },
    "https://a.example.org",
  ],
  ["http://x/", { host: "[::1]:5006" }, "http://[::1]:5006"],
  ["http://x:1/", { host: "<script>alert(1)</script>" }, "http://x:1"],
  ["http://x:1/", { host: "a b;rm -rf", "x-forwarded-proto": "javascript" }, "http://x:1"],
])("the example runs as pasted: %s, %o", async (url, headers, origin) => {
  expect(await example(url, headers)).toBe(origin);
});
