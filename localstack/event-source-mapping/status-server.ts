// The mappings' status for people and tools: GET /status on a loopback port.

import { createServer, type Server } from "node:http";
import type { MappingStatus } from "./mapping.ts";

export async function startStatusServer(port: number, read: () => readonly MappingStatus[]): Promise<Server> {
  const server = createServer((request, response) => {
    const found = request.method === "GET" && request.url === "/status";
    response.writeHead(found ? 200 : 404, { "content-type": "application/json" });
    response.end(JSON.stringify(found ? { mappings: read() } : { error: "GET /status is all there is" }));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return server;
}
