// The laws of the commit loop: it asks the judge no more than it must, learns what the verdict says, and gives up
// with a message that says what and where.
import { describe, expect, test } from "vitest";
import type { Tail } from "../../../lib/core/log-identity.ts";
import type { LogRecord } from "../../../lib/core/log-record.ts";
import { byStream } from "../../../lib/streams/stream.ts";
import { consumptionStream } from "../../../lib/streams/streams.ts";
import { commitRecords, type Judge } from "../../../lib/windows/commit.ts";
import { EARLIEST_WINDOW_END_US } from "../../../lib/windows/fold.ts";
import { digestOf } from "../../../lib/windows/tail.ts";
import { MemoryDatabase } from "../../simulation/memory-database.ts";

const NOW_US = Date.UTC(2026, 0, 15, 10) * 1000;
const rules = { futureSkewUs: 600e6, amendmentHorizonUs: 86_400e6 };
const address = { source: "s", topic: "readings", partition: 4 };

function reading(offset: number, timeUs = NOW_US, recordTimeMs = offset, eventId = `e${offset}`): LogRecord {
  const timestamp = new Date(timeUs / 1000).toISOString();
  const event = { event_id: eventId, meter_id: "m", customer_id: "c", reading: 1, timestamp };
  return { offset, recordTimeMs, value: Buffer.from(JSON.stringify(event)) };
}

const commit = (judge: Judge, records: readonly LogRecord[]) =>
  commitRecords(judge, consumptionStream, address, records, rules);

function database(): MemoryDatabase {
  const nothing = async () => undefined;
  return new MemoryDatabase({ nowUs: NOW_US, pause: nothing, wait: nothing, wake: () => undefined });
}

describe("the commit loop", () => {
  test("asks once where all is new, and once where nothing is", async () => {
    const { judge } = database();
    const log = [reading(7), reading(8)];
    const first = {
      ...{
        records: 2,
        counted: 2,
        replayed: 0,
        quarantined: 0,
        tooLate: 0,
        duplicates: 0,
        conflicts: 0,
        doubtful: 0,
        late: 0,
      },
    };
    expect(await commit(judge, log)).toEqual({ ...first, roundTrips: 1 });
    expect(await commit(judge, log)).toEqual({ ...first, counted: 0, replayed: 2, roundTrips: 1 });
    expect(await commit(judge, [...log, reading(9)])).toEqual({
      ...first,
      records: 3,
      counted: 1,
      replayed: 2,
      roundTrips: 2,
    });
  });

  test("says what became of each record", async () => {
    const model = database();
    model.watermarkUs = NOW_US;
    const outcome = await commit(model.judge, [
      reading(0),
      reading(1, NOW_US, 1, "e0"),
      reading(2, NOW_US + 601e6),
      reading(3, NOW_US - 2 * 86_400e6),
      reading(4, NOW_US - 2 * 3600e6),
      { offset: 5, recordTimeMs: 5, value: null },
    ]);
    expect(outcome).toMatchObject({
      records: 6,
      counted: 2,
      duplicates: 1,
      quarantined: 2,
      tooLate: 1,
      late: 1,
    });
  });

  test("reads times without a zone in the stream's own, if the rules name one", async () => {
    const local = (offset: number, timestamp: string): LogRecord => {
      const event = { event_id: `e${offset}`, meter_id: "m", customer_id: "c", reading: 1, timestamp };
      return { offset, recordTimeMs: offset, value: Buffer.from(JSON.stringify(event)) };
    };
    const log = [
      local(0, "2026-01-15T10:30:00"),
      local(1, "2026-01-15T10:30:00Z"),
      local(2, "2025-10-26T02:30:00"),
      local(3, "2025-03-30T02:30:00"),
    ];
    const outcomes: unknown[] = [];
    const judge: Judge = async (_stream, _address, _rules, _gone, { rows, refused }) => {
      outcomes.push(
        rows.windowStartsUs.map((startUs) => new Date(startUs / 1000).toISOString()),
        refused.map(({ offset, refused: reason }) => `${offset} ${reason}`),
      );
      return { applied: true, late: 0, incarnation: 0, nowUs: NOW_US, watermarkUs: null };
    };
    const zones = { ...byStream(() => "UTC"), consumption: "Europe/Tirane" };
    await commitRecords(judge, consumptionStream, address, log, { ...rules, zones });
    expect(outcomes).toEqual([
      ["2026-01-15T09:00:00.000Z", "2026-01-15T10:00:00.000Z"],
      ["2 ambiguous_timestamp", "3 nonexistent_timestamp"],
    ]);
  });

  test("tries again at once after a transaction that did nothing", async () => {
    const { judge } = database();
    let refusals = 2;
    const outcome = await commit(
      async (...batch) => (refusals-- > 0 ? "try again" : judge(...batch)),
      [reading(0)],
    );
    expect(outcome).toMatchObject({ counted: 1, roundTrips: 3 });
  });

  test("keeps what it knew after a transaction that did nothing", async () => {
    const { judge } = database();
    const old = EARLIEST_WINDOW_END_US - 1000;
    const log = [reading(0), reading(1, old), reading(2, NOW_US + 601e6)];
    let asked = 0;
    const outcome = await commit(async (...batch) => (++asked === 2 ? "try again" : judge(...batch)), log);
    expect(outcome).toMatchObject({ counted: 1, tooLate: 1, quarantined: 1, roundTrips: 3 });
    const first = await commit(
      async (...batch) => (++asked === 4 ? "try again" : judge(...batch)),
      [reading(3, old)],
    );
    expect(first).toMatchObject({ counted: 0, tooLate: 1, roundTrips: 2 });
  });

  test("gives up after 20 tries, and says which offsets come again", async () => {
    let asked = 0;
    const never: Judge = async () => {
      asked++;
      return "try again";
    };
    await expect(commit(never, [reading(3), reading(5), reading(7)])).rejects.toThrow(
      "readings-4 offsets 3–7: the facts changed under 20 tries of committing them; the batch will come again",
    );
    expect(asked).toBe(20);
  });

  test("begins with no facts: nothing applied, nothing in the future, nothing too late but before 2000", async () => {
    const { judge } = database();
    const folded: number[] = [];
    await commit(
      async (...batch) => {
        folded.push(batch[4].counted, batch[4].tooLate.length);
        return judge(...batch);
      },
      [reading(0), reading(1, EARLIEST_WINDOW_END_US - 1000), reading(2, EARLIEST_WINDOW_END_US)],
    );
    expect(folded).toEqual([2, 1]);
  });

  test("keeps an event before 2000 out of every window, whatever the watermark", async () => {
    const model = database();
    model.watermarkUs = EARLIEST_WINDOW_END_US;
    expect(
      await commit(model.judge, [reading(0, NOW_US + 601e6), reading(1, EARLIEST_WINDOW_END_US - 1000)]),
    ).toMatchObject({
      tooLate: 1,
      quarantined: 1,
    });
  });
});

describe("a batch", () => {
  test("names its last record, as it was delivered, in every try", async () => {
    const tails: Tail[] = [];
    const common = { incarnation: 0, nowUs: NOW_US, watermarkUs: null };
    await commit(
      async (_stream, _address, _rules, tail) => {
        tails.push(tail);
        if (tails.length > 1) return { ...common, applied: true, late: 0 };
        return { ...common, applied: false, alreadyApplied: "{[1,2)}", seen: [] };
      },
      [reading(0), reading(1)],
    );
    expect(tails).toEqual(Array.from({ length: 2 }, () => ({ lastOffset: 1, digest: digestOf(reading(1)) })));
  });

  test("takes a record that it holds already for a repetition, however young it is", async () => {
    const { judge } = database();
    await commit(judge, [reading(0, NOW_US, 1)]);
    expect(await commit(judge, [reading(0, NOW_US, 2)])).toMatchObject({ counted: 0, replayed: 1 });
  });

  test("tells records apart by time and value, and no value from an empty one", () => {
    const of = (recordTimeMs: number, value: Buffer | null) => digestOf({ offset: 7, recordTimeMs, value });
    const digests = [
      of(1, null),
      of(2, null),
      of(1, Buffer.alloc(0)),
      of(1, Buffer.from("a")),
      of(2, Buffer.from("a")),
    ];
    expect(new Set(digests).size).toBe(5);
    expect(of(1, Buffer.from("a"))).toBe(digests[3]);
  });
});
