// `GET /health`: the function runs. `GET /ready`: what it depends on answers, too.

import type { Hono } from "hono";
import { log, messageOf } from "../log.ts";
import { createApp } from "./app.ts";

export interface HealthDependencies {
  readonly service: string;
  /** ms since the epoch. */
  readonly now: () => number;
  /** Each resolves where its dependency answers, and rejects with the reason where it does not. */
  readonly checks: Readonly<Record<string, () => Promise<unknown>>>;
}

export function healthApp({ service, now, checks }: HealthDependencies): Hono {
  const app = createApp();
  app.get("/health", (c) => c.json({ status: "healthy", service, timestamp: new Date(now()).toISOString() }));
  app.get("/ready", async (c) => {
    const results = await Promise.all(
      Object.entries(checks).map(async ([name, check]) => {
        try {
          await check();
          return [name, "ok"] as const;
        } catch (error) {
          // Not answering is what this route is there to report; the reason goes to the log, not to the caller.
          log("error", `${name} does not answer`, { error: messageOf(error) });
          return [name, "not answering"] as const;
        }
      }),
    );
    const ready = results.every(([, result]) => result === "ok");
    return c.json(
      {
        status: ready ? "ready" : "not ready",
        ...Object.fromEntries(results),
        timestamp: new Date(now()).toISOString(),
      },
      ready ? 200 : 503,
    );
  });
  return app;
}
