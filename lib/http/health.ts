// `GET /`: a page for people. `GET /health`: the function runs. `GET /ready`: what it depends on answers, too, and whether all goes on. `GET /metrics`:
// the same in figures. What does not answer is 503; trouble is not, for taking the API away would not help: it makes the
// status "stuck" and is listed. Before the first sweep since PostgreSQL's start nobody knows of trouble: "starting".

import { log, messageOf } from "../log.ts";
import { type KeptCounts, keptTexts } from "../postgres/kept.ts";
import { type Gauges, type Trouble, troubleText } from "../postgres/trouble.ts";
import { type App, createApp } from "./app.ts";
import { prometheusText } from "./metrics.ts";

/** Records that came too late or are doubtful are told for so long. */
const TOLD_FOR_MS = 24 * 3_600_000;

export interface HealthDependencies {
  readonly service: string;
  /** ms since the epoch. */
  readonly now: () => number;
  /** Each resolves where its dependency answers, and rejects with the reason where it does not. */
  readonly checks: Readonly<Record<string, () => Promise<unknown>>>;
  /** What does not go on; asked only where all checks passed. */
  readonly trouble: () => Promise<readonly Trouble[]>;
  /** Whether there was a sweep of each stream since the database started; asked as trouble is. */
  readonly isSwept: () => Promise<boolean>;
  /** What people should look at; it makes nothing less ready. Asked as trouble is. */
  readonly kept: (since: Date) => Promise<readonly KeptCounts[]>;
  readonly gauges: () => Promise<Gauges>;
}

export function healthApp({ service, now, checks, trouble, isSwept, kept, gauges }: HealthDependencies): App {
  /** Of a pipeline whose servers answer. */
  async function statusOf(troubles: readonly Trouble[]): Promise<"stuck" | "ready" | "starting"> {
    if (troubles.length > 0) return "stuck";
    return (await isSwept()) ? "ready" : "starting";
  }

  const app = createApp();
  app.get("/", async (c) => {
    const { pageOf } = await import("./page.ts"); // only here: people ask for it, monitors do not
    const page = pageOf(c.req.url, c.req.header("host"), c.req.header("x-forwarded-proto"));
    return c.html(page.html, 200, page.headers);
  });
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
    const troubles = ready ? await trouble() : [];
    const toLookAt = ready ? keptTexts(await kept(new Date(now() - TOLD_FOR_MS))) : [];
    return c.json(
      {
        status: ready ? await statusOf(troubles) : "not ready",
        ...Object.fromEntries(results),
        trouble: troubles.map(troubleText),
        to_look_at: toLookAt,
        timestamp: new Date(now()).toISOString(),
      },
      ready ? 200 : 503,
    );
  });
  app.get("/metrics", async (c) =>
    c.text(prometheusText(await gauges()), 200, {
      "Content-Type": "text/plain; version=0.0.4; charset=utf-8",
    }),
  );
  return app;
}
