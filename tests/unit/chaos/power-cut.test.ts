// What a power cut leaves: the laboratory knows what it took from the broker's file, and the oracle which of it was counted.
import { expect, test } from "vitest";
import type { LoggedRecord } from "../../../commands/chaos/log.ts";
import {
  cleanCuts,
  committedRecords,
  parseBatches,
  type StoredBatch,
} from "../../../commands/chaos/log-file.ts";
import { expectTables, type Tables } from "../../../commands/chaos/oracle.ts";
import { canJudge } from "../../../commands/chaos/oracle-cut.ts";
import { compareTables } from "../../../commands/chaos/verdict.ts";

const logged = (offset: number, event: object, fate = "count"): LoggedRecord => ({
  ...{ stream: "consumption", partition: 0, offset, fate },
  value: Buffer.from(JSON.stringify(event)),
});
const reading = (id: string, kwh: number) => ({
  ...{ event_id: id, meter_id: "m", customer_id: "c", reading: kwh, timestamp: "2026-01-15T10:30:00Z" },
});
const tables = (log: readonly LoggedRecord[]) => expectTables(log, null).tables;

const kept = [logged(0, reading("a", 1)), logged(1, reading("b", 2)), logged(2, reading("sent again", 4))];
const cut = [
  logged(2, reading("c", 8)),
  logged(3, reading("d", 16)),
  logged(4, reading("sent again", 4)),
  logged(5, reading("late", 1), "too_late"),
  logged(6, reading("bad", -1), "out_of_range:reading"),
];
const against = (actual: Tables) => {
  const expected = expectTables(kept, { records: cut, actual });
  return {
    counted: expected.counted.map(({ offset }) => offset),
    breaches: compareTables(expected.tables, actual).map(({ promise }) => promise),
  };
};

test("a cut event had been counted or not: both are right, and the row says which", () => {
  expect(against(tables(kept))).toEqual({ counted: [], breaches: [] });
  expect(against(tables([...kept, ...cut]))).toEqual({ counted: [2, 3], breaches: [] });
  expect(against(tables([...kept, ...cut.slice(1, 4)]))).toEqual({ counted: [3], breaches: [] });
});

test("one that was counted twice, or a survivor that was not counted, is none of them", () => {
  const twice = tables([...kept, logged(7, reading("c", 8)), logged(8, reading("c again", 8))]);
  expect(against(twice).breaches).toContain("DOUBLED");
  expect(against(tables(kept.slice(1))).breaches).toContain("LOST");
  expect(against(tables([...kept.slice(1), ...cut])).breaches).not.toEqual([]);
});

test("no more is cut than can be judged, and as many as 32 of a row are", () => {
  const many = Array.from({ length: 33 }, (_, n) => logged(n + 10, reading(`n${n}`, 1 + 2 ** n)));
  expect([canJudge(many), canJudge(many.slice(1))]).toEqual([false, true]);
  const actual = tables([...kept, ...many.slice(1, 20)]);
  const expected = expectTables(kept, { records: many.slice(1), actual });
  expect([expected.counted.length, compareTables(expected.tables, actual)]).toEqual([19, []]);
});

const batch = (end: number, kind: "plain" | "transactional" | "control", producerId = 1n): StoredBatch => ({
  ...{ position: end * 100, firstOffset: end - 1, end, producerId },
  ...{ isTransactional: kind !== "plain", isControl: kind === "control" },
  records: [{ offset: end - 1, key: Buffer.from([0, 0, 0, 1]), value: null, headers: new Map() }],
});

test("no transaction is left without its end, and only what committed was ever to be read", () => {
  const batches = [
    batch(1, "plain"),
    batch(2, "transactional"),
    batch(3, "plain"),
    batch(4, "control"),
    batch(5, "transactional", 2n),
  ];
  expect(cleanCuts(batches)).toEqual([0, 1, 4]);
  expect(committedRecords(batches).map(({ offset }) => offset)).toEqual([0, 2, 1]);
});

test("a batch that was half written when the broker was killed is none", () => {
  const torn = Buffer.alloc(100);
  torn.writeInt32BE(500, 8);
  expect(parseBatches(torn)).toEqual([]);
  expect(parseBatches(Buffer.alloc(0))).toEqual([]);
});
