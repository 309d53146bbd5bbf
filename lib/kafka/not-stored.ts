// The one failure of producing that callers hear of.

import { messageOf } from "../log.ts";

/** Nobody confirmed that the records are stored; some of them may be. */
export class NotStoredError extends Error {
  constructor(topic: string, cause: unknown) {
    super(`not confirmed as stored in ${topic}: ${messageOf(cause)}`, { cause });
    this.name = "NotStoredError";
  }
}
