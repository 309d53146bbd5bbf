// The local control port on the loopback interface: the mappings' status (GET /status) and MSK's control plane.

import { createServer, type Server } from "node:http";
import { answerControlPlane, type LocalCluster } from "../msk-control-plane.ts";
import type { MappingStatus } from "./mapping.ts";

export async function startStatusServer(
  port: number,
  cluster: LocalCluster | null,
  read: () => readonly MappingStatus[],
): Promise<Server> {
  const server = createServer((request, response) => {
    const { method = "GET", url = "/" } = request;
    const isStatus = method === "GET" && url === "/status";
    const answer = isStatus
      ? { status: 200, body: { mappings: read() } }
      : cluster === null
        ? null
        : answerControlPlane(cluster, method, url);
    const notFound = {
      status: 404,
      body: { message: `${method} ${url}: only GET /status and MSK's clusters are here` },
    };
    const { status, body } = answer ?? notFound;
    const error = status === 404 ? { "x-amzn-errortype": "NotFoundException" } : {};
    response.writeHead(status, { "content-type": "application/json", ...error });
    response.end(JSON.stringify(body));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return server;
}
