// A port that is taken is not offered, and one that is taken after it was chosen is chosen anew.

import { createServer } from "node:net";
import { afterEach, expect, test } from "vitest";
import { freePort, onChosenPort } from "../../../localstack/ports.ts";

const servers: ReturnType<typeof createServer>[] = [];

async function take(port: number): Promise<void> {
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
}

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

test("the preferred port where it is free, the next free one above it where it is not", async () => {
  const preferred = await freePort();
  expect(await freePort(preferred)).toBe(preferred);
  await take(preferred);
  const next = await freePort(preferred);
  expect(next).toBeGreaterThan(preferred);
  await take(next);
  expect(await freePort(preferred)).toBeGreaterThan(next);
});

test("none above the last port", async () => {
  await take(65_535).catch(() => undefined); // somebody else has
  await expect(freePort(65_535)).rejects.toThrow("no free port on 127.0.0.1 from 65535");
});

test.each([
  ["Node", "listen EADDRINUSE: address already in use 127.0.0.1:5006"],
  [
    "PostgreSQL",
    'exit code 1; the end of postgres.log:\nLOG:  could not bind IPv4 address "127.0.0.1": Address already in use',
  ],
  ["Java", "exit code 1; the end of kafka.log:\njava.net.BindException: Address already in use"],
])(
  "a port that is taken between its choice and the bind is chosen again, in the words of %s",
  async (_, words) => {
    const ports = [1, 2, 3];
    const tried: number[] = [];
    const started = await onChosenPort(
      async () => ports.shift() ?? 0,
      async (port) => {
        tried.push(port);
        if (port < 3) throw new Error(words);
        return `on ${port}`;
      },
    );
    expect({ started, tried }).toEqual({ started: "on 3", tried: [1, 2, 3] });
  },
);

test("what else goes wrong, and a port that may be no other, is said at once; ten taken ports are enough", async () => {
  let starts = 0;
  const fail = (words: string) => async () => {
    starts++;
    throw new Error(words);
  };
  await expect(onChosenPort(async () => 1, fail("out of memory"))).rejects.toThrow("out of memory");
  await expect(onChosenPort(1, fail("EADDRINUSE"))).rejects.toThrow("EADDRINUSE");
  expect(starts).toBe(2);
  await expect(onChosenPort(async () => 1, fail("EADDRINUSE"))).rejects.toThrow("EADDRINUSE");
  expect(starts).toBe(12);
});
