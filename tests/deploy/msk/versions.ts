// The protocol that MSK Serverless speaks, by two reports of 2022 (akhq's pull request 1113, topicctl's issue 69): the
// newest version of each of its requests. Which ones are the oldest is left to the broker: the reports have newer ones than
// kafkajs uses, which does not heed them.

import { Reader, Writer } from "@platformatic/kafka";
import { framed, type RequestHeader } from "./frames.ts";

interface Newest {
  readonly name: string;
  readonly version: number;
}

const newestOf: ReadonlyMap<number, Newest> = new Map(
  Object.entries({
    0: ["Produce", 9],
    1: ["Fetch", 12],
    2: ["ListOffsets", 6],
    3: ["Metadata", 11],
    8: ["OffsetCommit", 8],
    9: ["OffsetFetch", 7],
    10: ["FindCoordinator", 3],
    11: ["JoinGroup", 7],
    12: ["Heartbeat", 4],
    13: ["LeaveGroup", 4],
    14: ["SyncGroup", 5],
    15: ["DescribeGroups", 5],
    16: ["ListGroups", 4],
    17: ["SaslHandshake", 1],
    18: ["ApiVersions", 3],
    19: ["CreateTopics", 7],
    20: ["DeleteTopics", 6],
    22: ["InitProducerId", 4],
    23: ["OffsetForLeaderEpoch", 4],
    24: ["AddPartitionsToTxn", 3],
    25: ["AddOffsetsToTxn", 3],
    32: ["DescribeConfigs", 4], // likewise; the table of actions has one for it
    36: ["SaslAuthenticate", 2], // not in what was found of the reports: that of Kafka 2.8, as the others are
  } as const).map(([key, [name, version]]) => [Number(key), { name, version }]),
);

/** Keys of requests that are not offered at all. */
export type Withheld = ReadonlySet<number>;

/** @returns why the request is none that was offered, or null */
export function refusalOf({ apiKey, version }: RequestHeader, withheld: Withheld): string | null {
  const offered = withheld.has(apiKey) ? undefined : newestOf.get(apiKey);
  if (offered === undefined) return `request ${apiKey} is not offered`;
  return version <= offered.version
    ? null
    : `${offered.name} ${version} is not offered, ${offered.version} is the newest`;
}

/** The broker's answer to ApiVersions, a frame, with no more in it than MSK Serverless offers. */
export function withoutNewer({ version }: RequestHeader, frame: Buffer, withheld: Withheld): Buffer {
  const isFlexible = version >= 3;
  const answer = Reader.from(frame);
  const narrowed = Writer.create().appendInt32(answer.readInt32()).appendInt16(answer.readInt16());
  const read = (r: Reader) => ({ apiKey: r.readInt16(), oldest: r.readInt16(), newest: r.readInt16() });
  const offered = answer
    .readArray(read, isFlexible, isFlexible)
    .filter(({ apiKey }) => newestOf.has(apiKey) && !withheld.has(apiKey))
    .map((one) => ({ ...one, newest: Math.min(one.newest, newestOf.get(one.apiKey)?.version ?? 0) }));
  const write = (w: Writer, one: (typeof offered)[number]) =>
    w.appendInt16(one.apiKey).appendInt16(one.oldest).appendInt16(one.newest);
  narrowed.appendArray(offered, write, isFlexible, isFlexible);
  if (version >= 1) narrowed.appendInt32(answer.readInt32()); // throttled for so long
  if (isFlexible) narrowed.appendTaggedFields(); // without the broker's features
  return framed(narrowed.buffer);
}
