// Which log a topic's partitions are, by Kafka's metadata and by their leaders (KIP-320).

import type { Connection, Consumer, offsetForLeaderEpochV4 } from "@platformatic/kafka";
import type { SeenEpochs, SeenTopic } from "../core/log-identity.ts";

type Ask = typeof offsetForLeaderEpochV4.api.async;
/** By partition: the epoch that is asked for, and the one that the leader must be in. */
type Questions = ReadonlyMap<number, { readonly leaderEpoch: number; readonly currentLeaderEpoch: number }>;
type Answer = Awaited<ReturnType<Ask>>["topics"][number]["partitions"][number];

const CONSUMER = -1;
const NO_TOPIC_ID = "00000000-0000-0000-0000-000000000000";
/** How far back in a log a cut is looked for: a leader changes once where a broker restarts. */
const EPOCHS = 8;

/** Of a broker's answer, errors included: the client throws it where one partition has one. */
function answersOf(response: unknown): readonly Answer[] {
  const isAnswer = (it: unknown): it is { topics: { partitions: Answer[] }[] } =>
    typeof it === "object" && it !== null && "topics" in it && Array.isArray(it.topics);
  return isAnswer(response) ? response.topics.flatMap(({ partitions }) => partitions) : [];
}

/** @returns by partition, without those that the leader refused to answer for */
async function ask(how: Ask, connection: Connection, topic: string, questions: Questions) {
  if (questions.size === 0) return new Map<number, Answer>();
  const partitions = [...questions].map(([partitionIndex, question]) => ({ partitionIndex, ...question }));
  let answers: readonly Answer[];
  try {
    answers = answersOf(await how(connection, CONSUMER, [{ name: topic, partitions }]));
  } catch (error) {
    // A leader that is just changing refuses; of the other partitions the answer holds.
    answers = error instanceof Error && "response" in error ? answersOf(error.response) : [];
    if (answers.length === 0) throw error;
  }
  return new Map(answers.filter(({ errorCode }) => errorCode === 0).map((one) => [one.partition, one]));
}

async function howToAsk(client: Consumer): Promise<Ask | null> {
  // Loaded only here: a function's start does not need it.
  const { offsetForLeaderEpochV3, offsetForLeaderEpochV4 } = await import("@platformatic/kafka");
  const newest =
    (await client.listApis()).find(({ name }) => name === "OffsetForLeaderEpoch")?.maxVersion ?? 0;
  if (newest < 3) return null;
  return newest === 3 ? offsetForLeaderEpochV3.api.async : offsetForLeaderEpochV4.api.async;
}

/** @param epochs the one last seen and the present one, by partition */
async function askLeader(
  how: Ask,
  connection: Connection,
  topic: string,
  epochs: ReadonlyMap<number, { readonly last: number | undefined; readonly present: number }>,
): Promise<Map<number, SeenEpochs>> {
  const presents = new Map<number, { leaderEpoch: number; currentLeaderEpoch: number }>();
  const lasts = new Map<number, { leaderEpoch: number; currentLeaderEpoch: number }>();
  for (const [partition, { last, present }] of epochs) {
    presents.set(partition, { leaderEpoch: present, currentLeaderEpoch: present });
    if (last !== undefined) lasts.set(partition, { leaderEpoch: last, currentLeaderEpoch: present });
  }
  const [ends, entryEnds] = [
    await ask(how, connection, topic, presents),
    await ask(how, connection, topic, lasts),
  ];
  const seen = new Map<number, SeenEpochs>();
  for (const [partition, { last, present }] of epochs) {
    const logEnd = ends.get(partition);
    const entryEnd = entryEnds.get(partition);
    // The broker that told the epoch is behind the leader, or the leader behind it: nothing is sure then.
    if (logEnd === undefined || (last !== undefined && entryEnd === undefined)) continue;
    seen.set(partition, {
      leaderEpoch: present,
      logEnd: logEnd.endOffset < 0n ? null : Number(logEnd.endOffset),
      entryEpochEnd:
        entryEnd === undefined ? null : entryEnd.endOffset < 0n ? "unknown" : Number(entryEnd.endOffset),
    });
  }
  return seen;
}

/**
 * @param entryEpochs the epochs last seen, by partition
 * @returns the topic's ids, and what its leaders say; a partition whose leader is just changing is left out
 * @throws Error where a broker is away or has no such topic
 */
export async function seeTopic(
  client: Consumer,
  topic: string,
  entryEpochs: ReadonlyMap<number, number>,
): Promise<SeenTopic> {
  client.clearMetadata(); // the client keeps the cluster's id for ever
  const metadata = await client.metadata({ topics: [topic], forceUpdate: true });
  const known = metadata.topics.get(topic);
  if (known === undefined) throw new Error(`there is no topic ${topic}`);
  const isNamed = known.id && known.id !== NO_TOPIC_ID && known.id !== topic; // the client's own substitute
  const ids = { clusterId: metadata.id || null, topicId: isNamed ? known.id : null };
  const how = await howToAsk(client);
  const partitions = new Map<number, SeenEpochs>();
  if (how === null) {
    const nothing = { leaderEpoch: null, logEnd: null, entryEpochEnd: null };
    for (const partition of known.partitions.keys()) partitions.set(partition, nothing);
    return { ...ids, partitions };
  }
  for (const leader of new Set(known.partitions.map((one) => one.leader))) {
    const connection = leader < 0 ? undefined : (await client.connectToBrokers([leader])).get(leader);
    if (connection === undefined) continue;
    const led = known.partitions.flatMap((one, partition) =>
      one.leader === leader
        ? [[partition, { last: entryEpochs.get(partition), present: one.leaderEpoch }] as const]
        : [],
    );
    for (const [partition, seen] of await askLeader(how, connection, topic, new Map(led)))
      partitions.set(partition, seen);
  }
  return { ...ids, partitions };
}

/**
 * @param leaderEpoch the present one
 * @returns where the newest epochs of the partition begin, the present one first
 * @throws Error where its leader is away or just changing
 */
export async function epochStarts(
  client: Consumer,
  topic: string,
  partition: number,
  leaderEpoch: number,
): Promise<readonly number[]> {
  const how = await howToAsk(client);
  const metadata = await client.metadata({ topics: [topic] });
  const leader = metadata.topics.get(topic)?.partitions[partition]?.leader ?? -1;
  const connection = leader < 0 ? undefined : (await client.connectToBrokers([leader])).get(leader);
  if (how === null || connection === undefined) return [];
  const starts: number[] = [];
  for (let epoch = leaderEpoch - 1; epoch >= 0 && starts.length < EPOCHS; ) {
    const question = { leaderEpoch: epoch, currentLeaderEpoch: leaderEpoch };
    const below = (await ask(how, connection, topic, new Map([[partition, question]]))).get(partition);
    if (below === undefined) throw new Error(`${topic}-${partition}: its leader is just changing`);
    if (below.endOffset < 0n) break;
    starts.push(Number(below.endOffset));
    epoch = below.leaderEpoch - 1;
  }
  return starts;
}
