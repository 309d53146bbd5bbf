// Halving, and partial answers, by their laws.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { countOf, halve, splitAt } from "../../localstack/event-source-mapping/bisect.ts";
import { readAnswer, remainderOf } from "../../localstack/event-source-mapping/partial-response.ts";

const batches = fc
  .uniqueArray(fc.tuple(fc.nat(5), fc.nat(1000), fc.integer({ min: 1, max: 8 })), {
    minLength: 1,
    maxLength: 4,
    selector: ([p]) => p,
  })
  .map((parts) =>
    parts
      .sort(([a], [b]) => a - b)
      .map(([partition, from, count]) => ({
        partition,
        records: Array.from({ length: count }, (_, i) => ({ offset: from + 2 * i })),
      })),
  );
type Batch = readonly {
  readonly partition: number;
  readonly records: readonly { readonly offset: number }[];
}[];
const flat = (batch: Batch) =>
  batch.flatMap(({ partition, records }) => records.map(({ offset }) => `${partition}:${offset}`));
const failuresJson = (items: readonly (readonly [partition: number, offset: number])[]) =>
  JSON.stringify({
    batchItemFailures: items.map(([p, offset]) => ({ itemIdentifier: { partition: `t-${p}`, offset } })),
  });

describe("rule 15: bisection", () => {
  test("rule 15: both halves together are the batch in its order, and differ by at most one", () => {
    fc.assert(
      fc.property(batches, (batch) => {
        fc.pre(countOf(batch) > 1);
        const [first, second] = halve(batch);
        expect([...flat(first), ...flat(second)]).toEqual(flat(batch));
        expect([0, 1]).toContain(countOf(first) - countOf(second));
      }),
    );
  });

  test("rule 15: halves are cut in the order of partition and offset, whichever partition the batch began with", () => {
    fc.assert(
      fc.property(batches, fc.nat(3), (batch, turns) => {
        fc.pre(countOf(batch) > 1);
        const turned = [...batch.slice(turns % batch.length), ...batch.slice(0, turns % batch.length)];
        expect(halve(turned)).toEqual(halve(batch));
      }),
    );
  });

  test("rule 15: a cut anywhere keeps every record and no empty slice", () => {
    fc.assert(
      fc.property(batches, fc.nat(40), (batch, at) => {
        const [first, rest] = splitAt(batch, at);
        expect([...flat(first), ...flat(rest)]).toEqual(flat(batch));
        expect(countOf(first)).toBe(Math.min(at, countOf(batch)));
        expect([...first, ...rest].every((slice) => slice.records.length > 0)).toBe(true);
      }),
    );
  });
});

describe("rule 16: partial responses", () => {
  test("rule 16: delivery goes on from the lowest named offset of each named partition, others are done", () => {
    fc.assert(
      fc.property(batches, fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 1 }), (batch, picks) => {
        const items = picks.flatMap(([p, r]): [number, number][] => {
          const slice = batch[p % batch.length];
          const record = slice?.records[r % slice.records.length];
          return slice === undefined || record === undefined ? [] : [[slice.partition, record.offset]];
        });
        const answer = readAnswer(failuresJson(items), "t", batch);
        if (answer.kind !== "partial") throw new Error(`expected a partial answer, got ${answer.kind}`);
        const expected = flat(batch).filter((id) => {
          const [p, offset] = id.split(":").map(Number);
          const named = items.filter(([partition]) => partition === p).map(([, o]) => o);
          return named.length > 0 && Number(offset) >= Math.min(...named);
        });
        expect(flat(remainderOf(batch, answer.failedFrom))).toEqual(expected);
      }),
    );
  });

  const batch = [{ partition: 0, records: [{ offset: 5 }, { offset: 6 }] }];
  test.each(["", "null", "{}", '{"batchItemFailures":[]}', '{"batchItemFailures":null}'])(
    "rule 16: %j is success",
    (body) => {
      expect(readAnswer(body, "t", batch).kind).toBe("success");
    },
  );
  test.each([
    "1",
    "{",
    '{"batchItemFailures":{}}',
    '{"batchItemFailures":[{}]}',
    '{"batchItemFailures":[{"itemIdentifier":""}]}',
    '{"batchItemFailures":[{"itemIdentifier":{"partition":"t-0"}}]}',
    '{"batchItemFailures":[{"itemIdentifier":{"partition":"t-0","offset":"5"}}]}',
    '{"batchItemFailures":[{"itemIdentifier":{"partition":"t-0","offset":5.5}}]}',
    '{"batchItemFailures":[{"itemIdentifier":{"partition":"","offset":5}}]}',
    '{"batchItemFailures":[null]}',
    '{"batchItemFailures":"t-0"}',
    "[]",
    failuresJson([[1, 5]]),
    failuresJson([[0, 7]]),
    failuresJson([
      [0, 5],
      [0, 4],
    ]),
  ])("rule 16: %j fails the whole batch", (body) => {
    expect(readAnswer(body, "t", batch).kind).toBe("failure");
  });
});
