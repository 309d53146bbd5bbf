// What a function's answer says about its batch (16): all done, all failed, or delivery goes on from an offset.

/** Records of one partition in a batch; `records` is never empty and in offset order. */
export interface Slice<R extends { readonly offset: number }> {
  readonly partition: number;
  readonly records: readonly R[];
}

export type Answer =
  | { readonly kind: "success" }
  /** Partition → lowest offset that is not done. */
  | { readonly kind: "partial"; readonly failedFrom: ReadonlyMap<number, number> }
  | { readonly kind: "failure"; readonly reason: string };

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `{ partition: "topic-0", offset: 7 }` */
function identifierOf(item: unknown): { partition: string; offset: number } | null {
  if (!isObject(item) || !isObject(item.itemIdentifier)) return null;
  const { partition, offset } = item.itemIdentifier;
  if (typeof partition !== "string" || typeof offset !== "number" || !Number.isSafeInteger(offset))
    return null;
  return { partition, offset };
}

/**
 * Reads a function's answer as `ReportBatchItemFailures` has it. An empty list, no list or an empty answer is
 * success; an identifier that is malformed or names no record of the batch fails the whole batch.
 * @param body JSON text of the answer
 */
export function readAnswer<R extends { readonly offset: number }>(
  body: string,
  topic: string,
  batch: readonly Slice<R>[],
): Answer {
  if (body.trim() === "") return { kind: "success" };
  let answer: unknown;
  try {
    answer = JSON.parse(body);
  } catch {
    // The function ended without an error, but with something that cannot be a partial response.
    return { kind: "failure", reason: "the answer is no JSON" };
  }
  if (answer === null) return { kind: "success" };
  if (!isObject(answer)) return { kind: "failure", reason: "the answer is no object with batchItemFailures" };
  const failures = answer.batchItemFailures ?? [];
  if (!Array.isArray(failures)) return { kind: "failure", reason: "batchItemFailures is no list" };
  const failedFrom = new Map<number, number>();
  for (const item of failures) {
    const identifier = identifierOf(item);
    const slice = batch.find((candidate) => identifier?.partition === `${topic}-${candidate.partition}`);
    if (identifier === null || !slice?.records.some((record) => record.offset === identifier.offset))
      return {
        kind: "failure",
        reason: `batchItemFailures names no record of the batch: ${JSON.stringify(item)}`,
      };
    const lowest = failedFrom.get(slice.partition) ?? identifier.offset;
    failedFrom.set(slice.partition, Math.min(lowest, identifier.offset));
  }
  return failedFrom.size === 0 ? { kind: "success" } : { kind: "partial", failedFrom };
}

/** What of a batch is still to be delivered after a partial answer. */
export function remainderOf<R extends { readonly offset: number }>(
  batch: readonly Slice<R>[],
  failedFrom: ReadonlyMap<number, number>,
): Slice<R>[] {
  return batch.flatMap(({ partition, records }) => {
    const from = failedFrom.get(partition);
    const left = from === undefined ? [] : records.filter((record) => record.offset >= from);
    return left.length === 0 ? [] : [{ partition, records: left }];
  });
}
