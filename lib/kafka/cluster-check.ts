// Whether a Kafka cluster can be worked with, asked before anything is done on it: does it answer, does it speak what is
// needed, and can its brokers be reached under the names that they give themselves.

import { lookup } from "node:dns/promises";
import { connect } from "node:net";
import type { KafkaSettings } from "../config/kafka.ts";
import { messageOf } from "../log.ts";
import { clientOptions } from "./client-options.ts";
import { withReasons } from "./refusal.ts";

export interface OfferedApi {
  readonly name: string;
  readonly minVersion: number;
  readonly maxVersion: number;
}

export interface NamedBroker {
  readonly id: number;
  readonly host: string;
  readonly port: number;
}

/** Requests of which only some versions do; the others are spoken in all versions that brokers of these days offer. */
const NEEDED = [
  { name: "Metadata", from: 10, to: 12, since: "2.8" }, // topics have ids: one that was created again is another one
  { name: "Fetch", from: 12, to: 17, since: "2.7" },
] as const;

/** @returns what the cluster does not offer, in one line with what to do; null where all that is needed is there */
export function versionRefusal(apis: readonly OfferedApi[]): string | null {
  for (const { name, from, to, since } of NEEDED) {
    const offered = apis.find((api) => api.name === name);
    const wanted = `${name} ${from} to ${to} is spoken here`;
    if (offered === undefined || offered.maxVersion < from)
      return `the broker offers ${name} ${offered === undefined ? "not at all" : `up to ${offered.maxVersion}`}, and ${wanted}: Kafka ${since} or later is needed`;
    if (offered.minVersion > to)
      return `the broker offers ${name} from ${offered.minVersion} on, and ${wanted}: it is newer than this pipeline`;
  }
  return null;
}

const REACH_MS = 3_000;

/** @throws Error where the broker takes no connection */
async function reach({ host, port }: NamedBroker): Promise<void> {
  await lookup(host);
  await new Promise<void>((resolve, reject) => {
    const socket = connect({ host, port, timeout: REACH_MS });
    socket.once("connect", resolve);
    socket.once("timeout", () => reject(new Error(`no answer within ${REACH_MS / 1000} s`)));
    socket.once("error", reject);
    socket.once("connect", () => socket.destroy());
    socket.once("timeout", () => socket.destroy());
  });
}

/** @returns what is wrong with the name that a broker gives itself; null where it is reached by it */
async function nameRefusal(broker: NamedBroker, asked: string): Promise<string | null> {
  try {
    await reach(broker);
    return null;
  } catch (error) {
    const isUnknown = error instanceof Error && "syscall" in error && error.syscall === "getaddrinfo";
    const why = isUnknown ? "this machine cannot resolve" : `this machine cannot reach (${messageOf(error)})`;
    return `broker ${broker.id} calls itself ${broker.host}:${broker.port}, which ${why}, though ${asked} answers: set its advertised.listeners to an address that clients can reach`;
  }
}

/** @throws Error in one line that says who was asked, what is wrong and what to do */
export async function refuseUnfitCluster(settings: KafkaSettings): Promise<void> {
  // Loaded only here: functions create topics rarely.
  const { Base } = await import("@platformatic/kafka");
  const options = await clientOptions(settings);
  const asked = options.bootstrapBrokers.join(",");
  const client = new Base({ ...options, retries: 0 });
  client.on("error", () => undefined); // what breaks is said by the question that it breaks
  try {
    const [apis, { brokers }] = await Promise.all([
      client.listApis(),
      client.metadata({ topics: [], forceUpdate: true }),
    ]).catch((error) => {
      throw new Error(
        `Kafka ${asked} does not answer as a broker does (${withReasons(error).message}): is it running, and is KAFKA_BROKER its listener for clients?`,
        { cause: error },
      );
    });
    const refusal = versionRefusal(apis);
    if (refusal !== null) throw new Error(`Kafka ${asked}: ${refusal}`);
    const named = [...brokers].map(([id, { host, port }]) => ({ id, host, port }));
    const refusals = await Promise.all(named.map((broker) => nameRefusal(broker, asked)));
    const wrong = refusals.filter((one) => one !== null);
    if (wrong.length > 0) throw new Error(wrong.join("; "));
  } finally {
    await client.close();
  }
}
