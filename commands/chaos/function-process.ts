// A function in a process of its own, to be killed: `node function-process.ts aggregate-sensor` answers POST / with
// what the handler does, and says its port. It ends with whoever started it.

import { createServer } from "node:http";
import type { MSKEvent } from "aws-lambda";

const name = process.argv[2] ?? "";
const { handler }: { handler: (event: MSKEvent) => Promise<void> } = await import(
  new URL(`../../functions/${name}/index.ts`, import.meta.url).href
);

process.once("disconnect", () => process.exit());
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    handler(JSON.parse(Buffer.concat(chunks).toString("utf8"))).then(
      () => response.writeHead(200).end("null"),
      (error) => response.writeHead(200, { "x-amz-function-error": "Unhandled" }).end(String(error)),
    );
  });
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address !== null && typeof address === "object") process.send?.({ port: address.port });
});
