// An execution environment of a packaged function: the process lives on after an answer, frozen or not, with whatever
// connections it has, and takes the next event.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

const SERVE = `const { handler } = await import(process.argv[1]);
  process.on("message", async (event) => {
    try {
      process.send({ answer: (await handler(event, { getRemainingTimeInMillis: () => 60_000 })) ?? null });
    } catch (error) {
      process.send({ error: error.message });
    }
  });
  process.send("ready");`;

export interface Answer {
  readonly answer?: unknown;
  /** Of what the handler threw. */
  readonly error?: string;
}

export interface WarmFunction {
  invoke(event: unknown): Promise<Answer>;
  /** As Lambda does between two invocations: nothing of it runs, not even what takes note of a closed connection. */
  freeze(): void;
  thaw(): void;
  /** What it has written so far. */
  log(): string;
  stop(): Promise<void>;
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
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk: Buffer) => {
      output += chunk;
    });
  const ended = once(child, "close").then(() => Promise.reject(new Error(`${name} has ended: ${output}`)));
  ended.catch(() => undefined); // asked for below, where it matters
  const message = async (): Promise<Answer> => (await Promise.race([once(child, "message"), ended]))[0];
  await message();
  return {
    async invoke(event) {
      const answered = message();
      child.send(Object(event));
      return answered;
    },
    freeze: () => child.kill("SIGSTOP"),
    thaw: () => child.kill("SIGCONT"),
    log: () => output,
    async stop() {
      child.kill("SIGKILL");
      await ended.catch(() => undefined);
    },
  };
}
