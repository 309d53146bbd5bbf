// What all HTTP functions share: the limit, and the one place that maps errors to answers.

import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { NotStoredError } from "../kafka/not-stored.ts";
import { log, messageOf } from "../log.ts";
import { MAX_BODY_BYTES, RefusedRequestError, tooLarge } from "./body.ts";

/** What Lambda's event says of the request; nothing where there is no such event. */
interface Bindings {
  readonly requestContext?: { readonly requestId?: string };
}
export type App = Hono<{ Bindings: Bindings }>;

/** An app with the body limit (413), JSON errors, and 503 where nothing was confirmed as stored. */
export function createApp(): App {
  const app: App = new Hono();
  app.use(
    bodyLimit({
      maxSize: MAX_BODY_BYTES,
      onError: () => {
        throw tooLarge();
      },
    }),
  );
  app.notFound((c) => c.json({ error: `Not found: ${c.req.method} ${c.req.path}` }, 404));
  app.onError((error, c) => {
    if (error instanceof RefusedRequestError) return c.json({ error: error.message }, error.status);
    // The access log has the same under `request`.
    const where = { path: c.req.path, request: c.env?.requestContext?.requestId };
    if (error instanceof NotStoredError) {
      log("error", error.message, where);
      return c.json({ error: "Kafka did not confirm the event as stored; send it again" }, 503, {
        "Retry-After": "5",
      });
    }
    log("error", "unexpected error", { ...where, error: messageOf(error), stack: error.stack });
    return c.json({ error: "Internal error" }, 500);
  });
  return app;
}
