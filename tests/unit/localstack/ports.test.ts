// A port that is taken is not offered.

import { createServer } from "node:net";
import { afterEach, expect, test } from "vitest";
import { freePort } from "../../../localstack/ports.ts";

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
