// The failure policy, the cutting of batches and the faults, by their laws.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { countOf } from "../../localstack/event-source-mapping/bisect.ts";
import { cutBatch, type SourceRecord } from "../../localstack/event-source-mapping/event.ts";
import {
  decide,
  type Outcome,
  splitExpired,
  TRY_FOR_EVER,
  type Work,
} from "../../localstack/event-source-mapping/failure-policy.ts";
import { faultKinds, injectFaults, readFaultPlan } from "../../localstack/event-source-mapping/faults.ts";
import { Reminder } from "../../localstack/event-source-mapping/reminder.ts";
import { retryDelayMs } from "../../localstack/event-source-mapping/retry.ts";

type Small = { readonly offset: number; readonly timestampMs: number };
const works = fc
  .record({
    sizes: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 3 }),
    tries: fc.nat(3),
  })
  .map(
    ({ sizes, tries }): Work<Small> => ({
      batch: sizes.map((size, partition) => ({
        partition,
        records: Array.from({ length: size }, (_, i) => ({
          offset: 10 * partition + i,
          timestampMs: 1_000 * i,
        })),
      })),
      tries,
      throttles: 0,
      invocations: tries,
    }),
  );
const policies = fc
  .record({ maximumRetryAttempts: fc.integer({ min: -1, max: 5 }), bisects: fc.boolean() })
  .map((p) => ({ ...TRY_FOR_EVER, ...p }));
const failure: Outcome = { kind: "failure", reason: "" };
const flat = (parts: readonly { readonly batch: Work<Small>["batch"] }[]) =>
  parts.flatMap(({ batch }) =>
    batch.flatMap(({ partition, records }) => records.map(({ offset }) => `${partition}:${offset}`)),
  );

describe("rule 13, rule 14, rule 15: what follows a failure", () => {
  test("rule 13: nothing is ever lost: all records are left, or given up together", () => {
    fc.assert(
      fc.property(works, policies, (work, policy) => {
        const { left, givenUp } = decide(work, failure, policy);
        expect(givenUp === null ? flat(left) : []).toEqual(givenUp === null ? flat([work]) : []);
        expect(givenUp === null).toBe(left.length > 0);
      }),
    );
  });

  test("rule 14: given up after exactly MaximumRetryAttempts + 1 tries; never with −1", () => {
    fc.assert(
      fc.property(works, fc.integer({ min: 0, max: 20 }), (start, maximumRetryAttempts) => {
        let work: Work<Small> = { ...start, tries: 0 };
        for (let tries = 1; ; tries++) {
          const { left, givenUp } = decide(work, failure, { ...TRY_FOR_EVER, maximumRetryAttempts });
          const [next] = left;
          if (givenUp === null && next !== undefined) {
            work = next;
            continue;
          }
          expect(tries).toBe(maximumRetryAttempts + 1);
          return;
        }
      }),
    );
    expect(
      decide({ batch: [], tries: 1e6, throttles: 0, invocations: 1e6 }, failure, TRY_FOR_EVER).givenUp,
    ).toBeNull();
  });

  test("rule 13: throttling keeps the count of tries and waits", () => {
    fc.assert(
      fc.property(works, policies, (work, policy) => {
        const { left, givenUp, waits } = decide(work, { kind: "throttled", reason: "" }, policy);
        expect([left[0]?.tries, left.length, givenUp, waits]).toEqual([work.tries, 1, null, true]);
      }),
    );
  });

  test("rule 15: a split uses up no try", () => {
    fc.assert(
      fc.property(works, (work) => {
        fc.pre(countOf(work.batch) > 1);
        const { left } = decide(work, failure, { ...TRY_FOR_EVER, bisects: true, maximumRetryAttempts: 0 });
        expect(left.map((one) => one.tries)).toEqual([work.tries, work.tries]);
      }),
    );
  });

  test("rule 16: a partial answer that gets nothing done is a failure", () => {
    const work: Work<Small> = {
      batch: [{ partition: 0, records: [{ offset: 3, timestampMs: 0 }] }],
      tries: 0,
      throttles: 0,
      invocations: 0,
    };
    const outcome: Outcome = { kind: "partial", failedFrom: new Map([[0, 3]]) };
    expect(decide(work, outcome, { ...TRY_FOR_EVER, maximumRetryAttempts: 0 }).givenUp).toBe(
      "RetryAttemptsExhausted",
    );
  });

  test("rule 13: records that are too old are split off, those without a time stamp never", () => {
    const batch = [
      {
        partition: 0,
        records: [
          { offset: 0, timestampMs: -1 },
          { offset: 1, timestampMs: 100 },
          { offset: 2, timestampMs: 900 },
        ],
      },
    ];
    const { fresh, expired } = splitExpired(batch, 500, 1_000);
    expect([flat([{ batch: fresh }]), flat([{ batch: expired }])]).toEqual([["0:0", "0:2"], ["0:1"]]);
    expect(splitExpired(batch, null, 1e15).fresh).toBe(batch);
  });

  test("rule 13: back-off from 100 ms to 60 s, with jitter", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5_000 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (failures, random) => {
          const delayMs = retryDelayMs(failures, random);
          expect(delayMs).toBeGreaterThanOrEqual(100);
          expect(delayMs).toBeLessThanOrEqual(60_000);
        },
      ),
    );
    expect([1, 2, 3].map((failures) => retryDelayMs(failures, 0))).toEqual([100, 200, 400]);
  });
});

describe("what stays wrong", () => {
  test("is said once, then every 30 s; something else at once, and the same again after it was well", () => {
    const reminder = new Reminder();
    const said = [0, 1_000, 29_999, 30_000, 59_999, 60_000].filter((ms) => reminder.isDue("no broker", ms));
    expect(said).toEqual([0, 30_000, 60_000]);
    expect(reminder.isDue("no topic", 60_001)).toBe(true);
    reminder.clear();
    expect(reminder.isDue("no topic", 60_002)).toBe(true);
  });
});

const bytes = fc.option(fc.uint8Array({ maxLength: 40 }).map((a) => Buffer.from(a)));
const records = fc.array(
  fc.record({
    timestampMs: fc.integer({ min: -1, max: 4e12 }),
    timestampType: fc.constantFrom("CREATE_TIME" as const, "LOG_APPEND_TIME" as const),
    key: bytes,
    value: bytes,
    headers: fc.array(
      fc.tuple(
        fc.string().map((s) => Buffer.from(s)),
        fc.uint8Array({ maxLength: 5 }).map((a) => Buffer.from(a)),
      ),
      { maxLength: 2 },
    ),
  }),
  { minLength: 1, maxLength: 12 },
);
const queues = fc.array(records, { minLength: 1, maxLength: 3 }).map((all) =>
  all.map((some, partition) => ({
    partition,
    records: some.map((one, i): SourceRecord => ({ ...one, offset: 2 ** 40 + i })),
  })),
);
const source = { eventSourceArn: "arn", bootstrapServers: "h:1", topic: 't"opic' };

describe("rule 4: cutting", () => {
  test("rule 4, rule 1, rule 2: valid JSON of exactly the cut records, its size known, within both limits, as long as can be", () => {
    fc.assert(
      fc.property(
        queues,
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 4_000 }),
        (input, batchSize, limit) => {
          const cut = cutBatch(source, input, batchSize, limit);
          const event = JSON.parse(cut.payload);
          expect(Buffer.byteLength(cut.payload)).toBe(cut.bytes);
          expect(cut.count).toBe(countOf(cut.batch));
          expect(cut.count).toBeLessThanOrEqual(batchSize);
          if (cut.count > 1) expect(cut.bytes).toBeLessThanOrEqual(limit);
          expect(cut.count).toBeGreaterThan(0);
          const all = input.flatMap(({ partition, records: some }) =>
            some.map((one) => [partition, one] as const),
          );
          const delivered = cut.batch.flatMap(({ partition, records: some }) =>
            some.map((one) => [partition, one] as const),
          );
          expect(delivered).toEqual(all.slice(0, cut.count));
          for (const { partition, records: some } of cut.batch)
            for (const [i, record] of some.entries()) {
              const written = event.records[`${source.topic}-${partition}`][i];
              expect(written.offset).toBe(record.offset);
              expect(written.value === undefined ? null : Buffer.from(written.value, "base64")).toEqual(
                record.value,
              );
              expect(
                written.headers.map((header: Record<string, number[]>) => Object.values(header)[0]),
              ).toEqual(record.headers.map(([, value]) => [...new Int8Array(value)]));
            }
          const next = cutBatch(source, input, cut.count + 1, Number.POSITIVE_INFINITY);
          if (cut.count < Math.min(batchSize, all.length)) expect(next.bytes).toBeGreaterThan(limit);
        },
      ),
    );
  });
});

describe("faults", () => {
  test("the same seed strikes the same subjects, about as often as asked", () => {
    const log: string[] = [];
    const plan = { seed: 3, probability: { duplicate: 0.25 } };
    const [a, b] = [injectFaults(plan, (line) => log.push(line)), injectFaults(plan, () => undefined)];
    const subjects = Array.from({ length: 4_000 }, (_, i) => `t-0 ${i}`);
    const struck = subjects.filter((one) => a.strikes("duplicate", one));
    expect(struck).toEqual(subjects.filter((one) => b.strikes("duplicate", one)));
    expect(Math.abs(struck.length - 1_000)).toBeLessThan(120);
    expect(log).toEqual(struck.map((one) => `fault duplicate: ${one}`));
    expect(subjects.some((one) => a.strikes("delay", one))).toBe(false);
  });

  test("a plan is read strictly", () => {
    expect(
      readFaultPlan({ seed: 1, probability: Object.fromEntries(faultKinds.map((kind) => [kind, 1])) })
        .delayMs,
    ).toBe(100);
    for (const wrong of [
      null,
      {},
      { seed: "1", probability: {} },
      { seed: 1, probability: { doubled: 1 } },
      { seed: 1, probability: { delay: 2 } },
    ])
      expect(() => readFaultPlan(wrong)).toThrow("fault plan");
  });
});
