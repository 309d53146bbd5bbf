// A TCP proxy that does to connections what networks do: cuts them, makes them slow, leaves them half-open, and loses
// the answer to one statement after the server has it.

import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  /** The server's side is gone and the client does not know. */
  isHalfOpen: boolean;
}

interface LostAnswer {
  readonly to: RegExp;
  /** The link whose question was forwarded; null before there was one. */
  link: Link | null;
  readonly onLost: () => void;
}

export interface NetworkProxy {
  readonly port: number;
  /** Resets all connections, now. */
  cut(): void;
  /** Holds back every chunk for so long, 0: not at all. */
  delay(delayMs: number): void;
  /** From now until `heal`, nothing passes and nobody is told: packets are lost, the servers' sides are gone. */
  halfOpen(): void;
  heal(): void;
  /** Forwards the next question that matches, waits for its answer, and resets the connection instead of passing it on. */
  loseAnswer(to: RegExp, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

class TcpProxy implements NetworkProxy {
  readonly port: number;
  readonly #target: number;
  readonly #server: Server;
  readonly #links = new Set<Link>();
  #delayMs = 0;
  #isHalfOpen = false;
  #lost: LostAnswer | null = null;

  constructor(server: Server, port: number, target: number) {
    this.port = port;
    this.#target = target;
    this.#server = server;
    server.on("connection", (client) => this.#accept(client));
  }

  #accept(client: Socket): void {
    const server = connect({ port: this.#target, host: "127.0.0.1", noDelay: true });
    client.setNoDelay(true);
    const link = { client, server, isHalfOpen: this.#isHalfOpen };
    this.#links.add(link);
    if (link.isHalfOpen) server.destroy();
    this.#forward(link, client, server);
    this.#forward(link, server, client);
    const end = () => {
      if (link.isHalfOpen && !client.destroyed) return;
      this.#links.delete(link);
      client.destroy();
      server.destroy();
    };
    // The peers see the end of their connection, which is all that an error here means.
    for (const socket of [client, server]) socket.on("error", end).on("close", end);
  }

  #forward(link: Link, from: Socket, to: Socket): void {
    let last: Promise<unknown> = Promise.resolve();
    const write = (chunk: Buffer) => {
      if (to.destroyed || link.isHalfOpen) return;
      if (to.write(chunk)) return;
      from.pause();
      to.once("drain", () => from.resume());
    };
    from.on("data", (chunk: Buffer) => {
      if (link.isHalfOpen) {
        // A host that came back answers to a connection it does not know with a reset.
        if (!this.#isHalfOpen) link.client.resetAndDestroy();
        return;
      }
      if (from === link.server && this.#lost?.link === link) {
        this.#lost.onLost();
        this.#lost = null;
        link.client.resetAndDestroy();
        return;
      }
      if (from === link.client && this.#lost?.link === null && this.#lost.to.test(chunk.toString("latin1")))
        this.#lost.link = link;
      const delayMs = this.#delayMs;
      last = last.then(() => (delayMs > 0 ? sleep(delayMs) : undefined)).then(() => write(chunk));
    });
    from.on("end", () => {
      last = last.then(() => to.end());
    });
  }

  cut(): void {
    for (const { client, server } of this.#links) {
      client.resetAndDestroy();
      server.resetAndDestroy();
    }
  }

  delay(delayMs: number): void {
    this.#delayMs = delayMs;
  }

  halfOpen(): void {
    this.#isHalfOpen = true;
    for (const link of this.#links) {
      link.isHalfOpen = true;
      link.server.resetAndDestroy();
    }
  }

  heal(): void {
    this.#delayMs = 0;
    this.#isHalfOpen = false;
  }

  async loseAnswer(to: RegExp, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#lost = { to, link: null, onLost: resolve };
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    this.#lost = null;
  }

  async close(): Promise<void> {
    this.heal();
    for (const { client, server } of this.#links) {
      client.destroy();
      server.destroy();
    }
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** Listens on the loopback interface before it resolves. `target` is the server's port there. */
export async function startProxy(port: number, target: number): Promise<NetworkProxy> {
  const server = createServer();
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return new TcpProxy(server, port, target);
}
