// Functions from their packaged zips, as Lambda runs them: the zip's files in a folder of their own, a fresh Node 24 with
// the function's variables. The process lives on after an answer, frozen or not, with whatever connections it has, and
// takes the next event.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { unpack } from "../../commands/deploy-check/handlers.ts";

const SERVE = `import { inspect } from "node:util";
  const { handler } = await import(process.argv[1]);
  process.on("message", async ({ event, remainingMs }) => {
    try {
      process.send({ answer: (await handler(event, { getRemainingTimeInMillis: () => remainingMs })) ?? null });
    } catch (error) {
      process.send({ error: inspect(error) });
    }
  });
  process.send("ready");`;

export interface Invocation {
  readonly answer?: unknown;
  /** What the handler threw. */
  readonly error?: string;
  /** All that the process has written so far. */
  readonly log: string;
}

/** @returns null where the function has done its work, else all that it said */
export function failureIn(invocation: Invocation): string | null {
  const isDone =
    invocation.error === undefined && !/"statusCode":[^2]/.test(JSON.stringify(invocation.answer));
  return isDone ? null : JSON.stringify(invocation);
}

export interface WarmFunction {
  /** @param remainingMs what Lambda says is left of the function's time, however long it takes; a minute by default */
  invoke(event: unknown, remainingMs?: number): Promise<Invocation>;
  /** As Lambda does between two invocations: nothing of it runs, not even what takes note of a closed connection. */
  freeze(): void;
  thaw(): void;
  /** @returns all that it has written */
  stop(): Promise<string>;
}

/** @throws Error with its output where the function does not load */
export async function startFunction(
  folder: string,
  name: string,
  environment: Readonly<Record<string, string>>,
): Promise<WarmFunction> {
  const file = join(folder, `dist/functions/${name}/index.js`);
  const child = spawn(process.execPath, ["--input-type=module", "-e", SERVE, file], {
    cwd: folder,
    env: environment,
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let log = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk: Buffer) => {
      log += chunk;
    });
  const ended = once(child, "close").then(() => Promise.reject(new Error(`${name} has ended: ${log}`)));
  ended.catch(() => undefined); // asked for below, where it matters
  const message = async () => (await Promise.race([once(child, "message"), ended]))[0];
  await message();
  return {
    async invoke(event, remainingMs = 60_000) {
      const answered = message();
      child.send({ event, remainingMs });
      return { ...(await answered), log };
    },
    freeze: () => child.kill("SIGSTOP"),
    thaw: () => child.kill("SIGCONT"),
    async stop() {
      child.kill("SIGKILL");
      await ended.catch(() => undefined);
      return log;
    },
  };
}

/** Unpacks a function's zip. @returns its folder */
export async function unpackFunction(packageFolder: string, into: string, name: string): Promise<string> {
  await unpack(join(packageFolder, `${name}.zip`), join(into, name));
  return join(into, name);
}
