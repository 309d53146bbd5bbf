// Local schedules in seconds: EventBridge and serverless-offline know whole minutes only.

import { randomUUID } from "node:crypto";
import { messageOf } from "./error-message.ts";
import type { Invoke } from "./invoke.ts";
import { pause } from "./waiting.ts";

export interface Schedule {
  readonly functionName: string;
  readonly everySeconds: number;
}

/** EventBridge's scheduled event. */
function scheduledEvent(timeMs: number): string {
  return JSON.stringify({
    version: "0",
    id: randomUUID(),
    "detail-type": "Scheduled Event",
    source: "aws.events",
    account: "000000000000",
    time: new Date(timeMs).toISOString().replace(/\.\d{3}Z$/, "Z"),
    region: "local",
    resources: [],
    detail: {},
  });
}

/**
 * Invokes the function at once and then every so many seconds; a run that takes longer swallows the ones it overlaps.
 * @returns stops it; resolves when the running invocation has ended
 */
export function startSchedule(
  schedule: Schedule,
  invoke: Invoke,
  log: (message: string) => void,
): () => Promise<void> {
  const stopped = new AbortController();
  const everyMs = schedule.everySeconds * 1000;

  async function run(): Promise<void> {
    for (let dueMs = Date.now(); !stopped.signal.aborted; ) {
      try {
        await invoke(schedule.functionName, scheduledEvent(dueMs));
      } catch (error) {
        // A schedule does not stop because one run failed; the next one is due soon.
        if (!stopped.signal.aborted) log(messageOf(error));
      }
      const nowMs = Date.now();
      dueMs += Math.max(1, Math.ceil((nowMs - dueMs) / everyMs)) * everyMs;
      await pause(dueMs - nowMs, stopped.signal);
    }
  }

  const finished = run();
  return async () => {
    stopped.abort();
    await finished;
  };
}

/** Reads `custom.localSchedules`: function key → seconds, or "off". @throws Error naming the entry that is wrong */
export function readSchedules(
  custom: unknown,
  functions: Readonly<Record<string, { readonly name: string }>>,
): Schedule[] {
  if (custom === undefined || custom === null) return [];
  return Object.entries(custom).flatMap(([key, value]) => {
    const functionName = functions[key]?.name;
    if (functionName === undefined) throw new Error(`custom.localSchedules.${key}: no such function`);
    if (value === "off") return [];
    const everySeconds = Number(value);
    if (!Number.isInteger(everySeconds) || everySeconds < 1)
      throw new Error(
        `custom.localSchedules.${key}: expected whole seconds ≥ 1 or "off", got ${JSON.stringify(value)}`,
      );
    return { functionName, everySeconds };
  });
}
