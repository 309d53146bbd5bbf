// What MSK's listener for IAM does, before a Kafka of one's own: TLS, then SASL/OAUTHBEARER with a presigned URL as the
// token. Who has proved his name is logged in to the broker under it (SASL/PLAIN); from then on the broker judges.
// Sessions end as KIP-368 has it: with the token, unless the client logs in anew on the same connection. It speaks no newer
// protocol than MSK Serverless does (versions.ts).

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { createServer, type TLSSocket } from "node:tls";
import { Writer } from "@platformatic/kafka";
import { certificate } from "../certificate.ts";
import { type AccessKeys, type PresignedToken, readMskToken } from "../presigned-token.ts";
import {
  API_VERSIONS,
  authenticateAnswer,
  framed,
  framesOf,
  handshakeAnswer,
  INIT_PRODUCER_ID,
  NO_ERROR,
  noProducerIdAnswer,
  readAuthBytes,
  readRequest,
  request,
  SASL_AUTHENTICATE,
  SASL_HANDSHAKE,
  UNSUPPORTED_SASL_MECHANISM,
} from "./frames.ts";
import { refusalOf, withoutNewer } from "./versions.ts";

export interface FrontOptions {
  readonly port: number;
  /** Of the broker's SASL_PLAINTEXT listener. */
  readonly brokerPort: number;
  readonly region: string;
  readonly keys: AccessKeys;
  /** The broker's passwords of those who may connect (`kafka-cluster:Connect`). */
  readonly passwords: ReadonlyMap<string, string>;
  /** Who may `kafka-cluster:WriteDataIdempotently`. */
  readonly idempotent: ReadonlySet<string>;
}

export interface Login {
  readonly principal: string;
  /** On a connection that was logged in before. */
  readonly isAgain: boolean;
}

export interface MskFront {
  /** All that succeeded, in order. */
  readonly logins: readonly Login[];
  /** Each request that is none of those offered; its connection ended with it. */
  readonly refusals: readonly string[];
  /** Requests that it does not offer at all, by their keys. */
  readonly withheld: Set<number>;
  /** For how long it keeps requests back, by their keys. */
  readonly delaysMs: Map<number, number>;
  /** How far its clock, by which tokens end, is ahead. */
  aheadMs: number;
  /** The most that a session lasts, less than its token. */
  maxSessionMs: number;
  /** Ends all sessions; their connections end with the next request that is no login. */
  expireSessions(): void;
  /** Ends all connections in order, as a broker that is restarted does. */
  endConnections(): void;
  close(): Promise<void>;
}

interface Session {
  readonly principal: string;
  endsAtMs: number;
}

/** @throws Error where the message is none of OAUTHBEARER's (RFC 7628, 3.1) */
function bearerToken(message: Buffer): string {
  const [header = "", ...pairs] = message.toString().split("\u0001");
  const token = pairs.find((pair) => pair.startsWith("auth=Bearer "))?.slice("auth=Bearer ".length);
  if (!header.startsWith("n,") || token === undefined) throw new Error("the message has no bearer token");
  return token;
}

/** @throws Error with the broker's words where it refuses */
async function logIn(broker: Socket, answers: AsyncGenerator<Buffer>, name: string, password: string) {
  broker.write(request(SASL_HANDSHAKE, 1, 1, Writer.create().appendString("PLAIN", false)));
  await answers.next();
  const plain = Buffer.from(`\0${name}\0${password}`);
  broker.write(request(SASL_AUTHENTICATE, 1, 2, Writer.create().appendBytes(plain, false)));
  const { value } = await answers.next();
  if (value?.readInt16BE(4) !== NO_ERROR)
    throw new Error(`the broker refuses ${name}: ${value?.subarray(6)}`);
}

class Front implements MskFront {
  readonly logins: Login[] = [];
  readonly refusals: string[] = [];
  readonly withheld = new Set<number>();
  readonly delaysMs = new Map<number, number>();
  aheadMs = 0;
  maxSessionMs = Number.POSITIVE_INFINITY;
  readonly #options: FrontOptions;
  readonly #clients = new Set<TLSSocket>();
  readonly #sessions = new Set<Session>();
  readonly #server;

  constructor(options: FrontOptions) {
    this.#options = options;
    this.#server = createServer(certificate, (client) => {
      // A name, as every client of Java's gives; whoever serves many brokers at one address needs it.
      if (!client.servername) {
        client.destroy();
        return;
      }
      this.#clients.add(client);
      const broker = connect({ port: options.brokerPort, host: "127.0.0.1", noDelay: true });
      client.setNoDelay(true);
      const end = () => {
        this.#clients.delete(client);
        client.destroy();
        broker.destroy();
      };
      // The peers see the end of their connection, which is all that an error here means.
      for (const socket of [client, broker]) socket.on("error", end).on("close", end);
      this.#serve(client, broker).catch(end);
    });
  }

  async listen(): Promise<void> {
    this.#server.listen(this.#options.port, "127.0.0.1");
    await once(this.#server, "listening");
  }

  #now(): number {
    return Date.now() + this.aheadMs;
  }

  /** One request after the other, as a broker does. None is without an answer: nobody here sends with acks=0. */
  async #serve(client: TLSSocket, broker: Socket): Promise<void> {
    const answers = framesOf(broker);
    let session: Session | null = null;
    for await (const frame of framesOf(client)) {
      const { header, body } = readRequest(frame);
      const refusal = refusalOf(header, this.withheld);
      if (refusal !== null) {
        this.refusals.push(`${session?.principal ?? "somebody"}: ${refusal}`);
        client.destroy();
        return;
      }
      if (header.apiKey === SASL_HANDSHAKE) {
        const isKnown = body.readString(false) === "OAUTHBEARER";
        client.write(handshakeAnswer(header, isKnown ? NO_ERROR : UNSUPPORTED_SASL_MECHANISM, "OAUTHBEARER"));
      } else if (header.apiKey === SASL_AUTHENTICATE) {
        try {
          session = await this.#authenticate(readAuthBytes(header, body), session, broker, answers);
        } catch (error) {
          // MSK says "[id]: Access denied" and keeps the reason to itself; a test wants to know it.
          const reason = `[front]: Access denied (${error instanceof Error ? error.message : error})`;
          client.end(authenticateAnswer(header, reason, 0));
          return;
        }
        client.write(authenticateAnswer(header, null, session.endsAtMs - this.#now()));
      } else if (
        header.apiKey === INIT_PRODUCER_ID &&
        !this.#options.idempotent.has(session?.principal ?? "")
      ) {
        // Kafka itself gives one to whoever may write to any topic (KIP-679).
        client.write(noProducerIdAnswer(header));
      } else if (header.apiKey === API_VERSIONS || (session !== null && this.#now() < session.endsAtMs)) {
        await sleep(this.delaysMs.get(header.apiKey) ?? 0);
        broker.write(framed(frame));
        const { value } = await answers.next();
        if (value !== undefined)
          client.write(
            header.apiKey === API_VERSIONS ? withoutNewer(header, value, this.withheld) : framed(value),
          );
      } else {
        client.destroy(); // nobody, or nobody any more
        return;
      }
    }
  }

  async #authenticate(
    message: Buffer,
    before: Session | null,
    broker: Socket,
    answers: AsyncGenerator<Buffer>,
  ): Promise<Session> {
    const token: PresignedToken = readMskToken(bearerToken(message), this.#options.keys, this.#now());
    const { principal } = token;
    if (token.region !== this.#options.region)
      throw new Error(`the token is for ${token.region}, not ${this.#options.region}`);
    const password = this.#options.passwords.get(principal);
    if (password === undefined) throw new Error(`${principal} may not kafka-cluster:Connect`);
    if (before === null) await logIn(broker, answers, principal, password);
    else if (before.principal !== principal) throw new Error(`${before.principal} became ${principal}`);
    this.logins.push({ principal, isAgain: before !== null });
    const session = { principal, endsAtMs: Math.min(token.expiresAtMs, this.#now() + this.maxSessionMs) };
    this.#sessions.add(session);
    return session;
  }

  expireSessions(): void {
    for (const session of this.#sessions) session.endsAtMs = 0;
    this.#sessions.clear();
  }

  endConnections(): void {
    for (const client of this.#clients) client.end();
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** Listens on the loopback interface before it resolves. */
export async function startFront(options: FrontOptions): Promise<MskFront> {
  const front = new Front(options);
  await front.listen();
  return front;
}
