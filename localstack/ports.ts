// Free ports on the loopback interface.

import { createServer } from "node:net";

const TRIES = 200;

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/**
 * The preferred port or the next free one above it; without a preference any free one.
 * @throws Error where 200 ports in a row are taken
 */
export async function freePort(preferred?: number): Promise<number> {
  if (preferred === undefined) {
    return new Promise((resolve, reject) => {
      const server = createServer();
      server.once("error", reject);
      server.listen({ port: 0, host: "127.0.0.1" }, () => {
        const address = server.address();
        server.close(() =>
          address !== null && typeof address === "object"
            ? resolve(address.port)
            : reject(new Error("no port")),
        );
      });
    });
  }
  for (let port = preferred; port < Math.min(preferred + TRIES, 65_536); port++)
    if (await isFree(port)) return port;
  throw new Error(`no free port on 127.0.0.1 from ${preferred} to ${preferred + TRIES - 1}`);
}
