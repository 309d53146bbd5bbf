// What a command says where the control server is none, or refuses.
import { createServer } from "node:http";
import { afterEach, expect, test } from "vitest";
import { openControl } from "../../commands/running-stack/control.ts";

let server: ReturnType<typeof createServer> | undefined;
afterEach(() => server?.close());

async function serve(status: number, body: string, headers: Record<string, string> = {}): Promise<string> {
  server = createServer((_, response) => response.writeHead(status, headers).end(body));
  await new Promise<void>((listening) => server?.listen(0, "127.0.0.1", listening));
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
}

test.each([
  [404, "<html>Not Found</html>"],
  [404, '{"error":"no such page"}'],
  [200, "hello"],
  [500, ""],
])("a server that answers %i %s is said to be none, with what to do", async (status, body) => {
  const url = await serve(status, body);
  const control = await openControl(url);
  await expect(control.status()).rejects.toThrow(
    new RegExp(`^${url} is no control server: it answers GET /status with HTTP ${status} .*; start one with`),
  );
});

test("what the control server refuses is said with its words", async () => {
  const url = await serve(400, '{"message":"BatchSize is 0"}', { "x-amzn-errortype": "InvalidParameter" });
  await expect((await openControl(url)).status()).rejects.toThrow(/^InvalidParameter: BatchSize is 0$/);
});
