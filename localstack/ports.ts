// Free ports on the loopback interface, and another one where a port is taken between its choice and its use.

import { randomInt } from "node:crypto";
import { createServer } from "node:net";

const TRIES = 200;

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Below the ports that systems give to outgoing connections (Linux: from 32768): one of those could take it before its server does. */
const ANY = { from: 20_000, to: 32_000 } as const;

/** Between a port's choice and its server's start lie seconds: what was chosen without a preference is chosen once. */
const chosen = new Set<number>();

function isNew(port: number): boolean {
  if (chosen.has(port)) return false;
  chosen.add(port);
  return true;
}

/**
 * The preferred port or the next free one above it; without a preference any free one that this process has not yet got.
 * @throws Error where 200 ports in a row are taken
 */
export async function freePort(preferred?: number): Promise<number> {
  const first = preferred ?? randomInt(ANY.from, ANY.to);
  for (let port = first; port < Math.min(first + TRIES, 65_536); port++)
    if ((preferred !== undefined || isNew(port)) && (await isFree(port))) return port;
  throw new Error(`no free port on 127.0.0.1 from ${first} to ${first + TRIES - 1}`);
}

/** How to choose a port: always this one, or anew each time. */
export type PortChoice = number | (() => Promise<number>);

const CHOICES = 10;

/** In the words of Node, PostgreSQL and Java. */
const isTaken = (error: unknown) =>
  error instanceof Error && /EADDRINUSE|address already in use|BindException/i.test(error.message);

/**
 * Starts a server on a port that is chosen now, and again on another one where somebody else was faster.
 * @param start throws an Error whose message says that the port is taken
 * @throws what it throws otherwise, or where the port may be no other, or ten were taken
 */
export async function onChosenPort<T>(choice: PortChoice, start: (port: number) => Promise<T>): Promise<T> {
  if (typeof choice === "number") return start(choice);
  for (let choices = 1; ; choices++) {
    try {
      return await start(await choice());
    } catch (error) {
      if (!isTaken(error) || choices === CHOICES) throw error;
    }
  }
}
