// Records of a topic read again by their offsets, outside of any consumer group: what a failure destination names but
// does not carry (18).

import type { SourceRecord } from "./event.ts";
import { openSource, type TopicSource } from "./kafka-source.ts";

/** Both ends are part of it. */
export interface RecordRange {
  readonly partition: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
}

export interface ReadRange extends RecordRange {
  readonly records: readonly SourceRecord[];
  /** What of the range the broker has no longer (or, the topic being a new one, not yet). */
  readonly gone: readonly RecordRange[];
}

type Edges = Awaited<ReturnType<TopicSource["edges"]>>;

const FETCH_WAIT_MS = 500;

async function readRange(
  source: TopicSource,
  topic: string,
  { earliest, ends }: Edges,
  range: RecordRange,
): Promise<ReadRange> {
  const { partition, firstOffset, lastOffset } = range;
  const [start, end] = [earliest[partition] ?? 0, ends[partition] ?? 0];
  const [from, beyond] = [Math.max(firstOffset, start), Math.min(lastOffset + 1, end)];
  const gone =
    from >= beyond
      ? [range]
      : [
          { partition, firstOffset, lastOffset: from - 1 },
          { partition, firstOffset: beyond, lastOffset },
        ].filter((part) => part.firstOffset <= part.lastOffset);
  const records: SourceRecord[] = [];
  for (let next = from; next < beyond; ) {
    const [fetched] = await source.fetch(new Map([[partition, next]]), FETCH_WAIT_MS);
    if (fetched === undefined || fetched.nextOffset <= next)
      throw new Error(`${topic}-${partition}: nothing to read at offset ${next}, though the end is ${end}`);
    records.push(...fetched.records.filter(({ offset }) => offset <= lastOffset));
    next = fetched.nextOffset;
  }
  return { ...range, records, gone };
}

async function withSource<T>(
  brokers: readonly string[],
  topic: string,
  read: (source: TopicSource, edges: Edges) => Promise<T>,
): Promise<T> {
  const source = openSource({
    brokers,
    topic,
    groupId: "event-source-mapping-reader", // never joined
    startingPosition: "TRIM_HORIZON",
    startingTimestampMs: null,
    knownTopicId: null,
  });
  try {
    return await read(source, await source.edges());
  } finally {
    await source.close();
  }
}

async function readInTurn(
  source: TopicSource,
  topic: string,
  edges: Edges,
  ranges: readonly RecordRange[],
): Promise<ReadRange[]> {
  const read: ReadRange[] = [];
  for (const range of ranges) read.push(await readRange(source, topic, edges, range));
  return read;
}

/** @throws Error where the topic does not exist or the brokers cannot be reached */
export async function readOffsets(
  brokers: readonly string[],
  topic: string,
  ranges: readonly RecordRange[],
): Promise<ReadRange[]> {
  return withSource(brokers, topic, (source, edges) => readInTurn(source, topic, edges, ranges));
}

/** All that the topic holds at present. @throws Error as readOffsets() does */
export async function readTopic(brokers: readonly string[], topic: string): Promise<SourceRecord[]> {
  const read = await withSource(brokers, topic, (source, edges) => {
    const ranges = edges.ends.map((end, partition) => ({
      partition,
      firstOffset: edges.earliest[partition] ?? 0,
      lastOffset: end - 1,
    }));
    const filled = ranges.filter(({ firstOffset, lastOffset }) => firstOffset <= lastOffset);
    return readInTurn(source, topic, edges, filled);
  });
  return read.flatMap(({ records }) => records);
}
