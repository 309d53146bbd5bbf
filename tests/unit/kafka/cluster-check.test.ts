// Which Kafka clusters are refused, and in which words; asked of a broker that answers two requests.

import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { readKafkaSettings } from "../../../lib/config/kafka.ts";
import { refuseUnfitCluster, versionRefusal } from "../../../lib/kafka/cluster-check.ts";
import { freePort } from "../../../localstack/ports.ts";

const api = (name: string, minVersion: number, maxVersion: number) => ({ name, minVersion, maxVersion });
const KAFKA_4 = [api("Fetch", 4, 17), api("Metadata", 0, 13), api("Produce", 3, 12)];

test.each([
  ["Kafka 4.1", KAFKA_4],
  ["Kafka 3.0", [api("Fetch", 0, 12), api("Metadata", 0, 11)]],
  ["MSK Serverless", [api("Fetch", 4, 12), api("Metadata", 0, 11)]],
  ["Kafka 2.8", [api("Fetch", 0, 12), api("Metadata", 0, 11)]],
])("%s offers what is needed", (_, apis) => {
  expect(versionRefusal(apis)).toBeNull();
});

test.each([
  [
    "Kafka 2.3",
    [api("Fetch", 0, 11), api("Metadata", 0, 11)],
    "the broker offers Fetch up to 11, and Fetch 12 to 17 is spoken here: Kafka 2.7 or later is needed",
  ],
  [
    "one whose topics have no ids",
    [api("Fetch", 0, 12), api("Metadata", 0, 9)],
    "the broker offers Metadata up to 9, and Metadata 10 to 12 is spoken here: Kafka 2.8 or later is needed",
  ],
  [
    "a proxy that lets nobody fetch",
    [api("Metadata", 0, 12)],
    "the broker offers Fetch not at all, and Fetch 12 to 17 is spoken here: Kafka 2.7 or later is needed",
  ],
  [
    "one of a later time",
    [api("Fetch", 18, 30), api("Metadata", 10, 20)],
    "the broker offers Fetch from 18 on, and Fetch 12 to 17 is spoken here: it is newer than this pipeline",
  ],
])("%s is refused: what it offers, what is needed", (_, apis, words) => {
  expect(versionRefusal(apis)).toBe(words);
});

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function listen(answer: (socket: Socket, request: Buffer) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined); // the client hangs up
    socket.on("data", (request: Buffer) => answer(socket, request));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const { port }: AddressInfo = Object(server.address());
  return port;
}

const int16 = (...values: number[]) =>
  Buffer.concat(values.map((value) => Buffer.from([value >> 8, value & 255])));
const int32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
/** A flexible version's string or array of this length, and its tags' end. */
const compact = (text: string) => Buffer.concat([Buffer.from([text.length + 1]), Buffer.from(text)]);
const NO_TAGS = Buffer.from([0]);
const API_VERSIONS = 18;

/** A broker that offers Fetch up to this version, and calls itself so. */
function brokerOf(fetchVersion: number, host: string, port: number): Promise<number> {
  const offered = [int16(1, 0, fetchVersion), int16(3, 10, 10), int16(API_VERSIONS, 3, 3)];
  const apis = [
    int16(0),
    Buffer.from([offered.length + 1]),
    ...offered.flatMap((one) => [one, NO_TAGS]),
    int32(0),
    NO_TAGS,
  ];
  const self = [int32(7), compact(host), int32(port), Buffer.from([0]), NO_TAGS];
  const metadata = [
    NO_TAGS,
    int32(0),
    Buffer.from([2]),
    ...self,
    compact("cluster"),
    int32(7),
    Buffer.from([1]),
    int32(0),
    NO_TAGS,
  ];
  return listen((socket, request) => {
    // Requests may come together: each begins with its length.
    for (let at = 0; at < request.length; at += 4 + request.readInt32BE(at)) {
      const body = request.readInt16BE(at + 4) === API_VERSIONS ? apis : metadata;
      const answer = Buffer.concat([request.subarray(at + 8, at + 12), ...body]);
      socket.write(Buffer.concat([int32(answer.length), answer]));
    }
  });
}

const check = (port: number) => refuseUnfitCluster(readKafkaSettings({ KAFKA_BROKER: `127.0.0.1:${port}` }));

test("a broker that speaks what is needed and is reached by its own name is taken", async () => {
  const other = await listen(() => undefined);
  await check(await brokerOf(12, "127.0.0.1", other));
});

test("an old broker is refused with what it offers", async () => {
  const port = await brokerOf(11, "127.0.0.1", 1);
  await expect(check(port)).rejects.toThrow(`Kafka 127.0.0.1:${port}: the broker offers Fetch up to 11`);
});

test("a name that cannot be resolved is said, with whose it is and where to set it", async () => {
  const port = await brokerOf(17, "kafka.invalid", 9092);
  await expect(check(port)).rejects.toThrow(
    `broker 7 calls itself kafka.invalid:9092, which this machine cannot resolve, though 127.0.0.1:${port} answers: set its advertised.listeners`,
  );
});

test("so is one that resolves and takes no connection", async () => {
  const nobody = await freePort();
  const port = await brokerOf(17, "127.0.0.1", nobody);
  await expect(check(port)).rejects.toThrow(
    new RegExp(
      `broker 7 calls itself 127\\.0\\.0\\.1:${nobody}, which this machine cannot reach \\(.*ECONNREFUSED`,
    ),
  );
});

test("where nobody listens, or somebody who is no broker, that is said within seconds", async () => {
  const port = await freePort();
  await expect(check(port)).rejects.toThrow(
    new RegExp(
      `^Kafka 127\\.0\\.0\\.1:${port} does not answer as a broker does \\(.*ECONNREFUSED.*is KAFKA_BROKER its listener`,
    ),
  );
  const web = await listen((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  await expect(check(web)).rejects.toThrow(`Kafka 127.0.0.1:${web} does not answer as a broker does`);
});
