// The oracle and its verdict: who judges the pipeline has to be right, and to notice each kind of difference.
import { expect, test } from "vitest";
import { type LoggedRecord, parseLine } from "../../../commands/chaos/log.ts";
import { expectTables, type Tables } from "../../../commands/chaos/oracle.ts";
import { canonical } from "../../../commands/chaos/oracle-sums.ts";
import { compareTables, countBreaches } from "../../../commands/chaos/verdict.ts";

const logged = (
  stream: LoggedRecord["stream"],
  offset: number,
  event: object,
  fate = "count",
): LoggedRecord => ({
  stream,
  partition: 0,
  offset,
  value: Buffer.from(JSON.stringify(event)),
  fate,
});
const sensor = (value: number, at = "10:31:00.123456") => ({
  sensor_id: "s",
  sensor_type: "voltage",
  value,
  timestamp: `2026-01-15T${at}`,
});
const meter = (id: string, reading: number, unit: string) => ({
  event_id: id,
  meter_id: "m",
  customer_id: "c",
  reading,
  unit,
  timestamp: "2026-01-15T10:30:00Z",
});
const log = [
  logged("sensor", 0, sensor(0.1)),
  logged("sensor", 1, sensor(0.2)),
  logged("sensor", 2, sensor(-1e-7, "10:35:00")),
  logged("consumption", 0, meter("a", 1.5, "kWh")),
  logged("consumption", 1, meter("b", 250, "Wh")),
  logged("consumption", 2, meter("c", 0.002, "MWh")),
  logged("consumption", 3, meter("a", 1.5, "kWh")),
  logged("consumption", 4, meter("d", -1, "kWh"), "out_of_range:reading"),
  logged("consumption", 5, meter("e", 1, "kWh"), "too_late"),
  logged("consumption", 6, { ...meter("b", 250, "Wh"), timestamp: "2026-01-15T10:30:01Z" }),
  logged("consumption", 7, { ...meter("b", 0.25, "kWh"), meter_id: "another" }),
];
const expected = expectTables(log, null).tables;

test("sums are exact, windows half-open, identities counted once", () => {
  const at = (time: string) => Date.parse(`2026-01-15T${time}Z`);
  expect([...expected.rows.sensor]).toEqual([
    [`${at("10:30:00")}|voltage|s`, { events: 2, values: "2 0.1 0.2 0.3 0.05" }],
    [
      `${at("10:35:00")}|voltage|s`,
      { events: 1, values: "1 -0.0000001 -0.0000001 -0.0000001 0.00000000000001" },
    ],
  ]);
  expect([...expected.rows.consumption]).toEqual([[`${at("10:00:00")}|c`, { events: 4, values: "4 4" }]]);
  expect(expected.totals.consumption).toEqual({
    records: 8,
    counted: 4,
    quarantined: 1,
    tooLate: 1,
    repeated: 2,
    contested: 1,
  });
  expect([...expected.tooLate]).toEqual([expect.stringMatching(/^consumption-0:5 /)]);
  expect([...expected.quarantine][0]).toMatch(/^consumption-0:4 out_of_range reading /);
});

test("decimals are the same with and without zeros at their end", () => {
  expect(["1.500", "100", "0.0", "-2.000000"].map(canonical)).toEqual(["1.5", "100", "0", "-2"]);
});

const withRow = (key: string, row: { events: number; values: string } | null): Tables => {
  const consumption = new Map(expected.rows.consumption);
  if (row === null) consumption.delete(key);
  else consumption.set(key, row);
  return { ...expected, rows: { ...expected.rows, consumption } };
};
const [key = ""] = expected.rows.consumption.keys();

test.each<[string, Tables, object]>([
  ["no difference", expected, {}],
  ["a row that is not there", withRow(key, null), { LOST: 1 }],
  ["a row of nothing", withRow("other", { events: 1, values: "1 1" }), { DOUBLED: 1 }],
  ["an event too few", withRow(key, { events: 2, values: "2 2.25" }), { LOST: 1 }],
  ["an event too many", withRow(key, { events: 5, values: "5 5.25" }), { DOUBLED: 1 }],
  ["another sum of as many", withRow(key, { events: 4, values: "4 4.01" }), { LOST: 1, DOUBLED: 1 }],
  ["nothing in quarantine", { ...expected, quarantine: new Set() }, { LOST: 1 }],
  [
    "too late twice",
    { ...expected, tooLate: new Set([...expected.tooLate, "consumption-0:6 "]) },
    { DOUBLED: 1 },
  ],
  [
    "a ledger that does not add up",
    { ...expected, totals: { ...expected.totals, sensor: { ...expected.totals.sensor, records: 2 } } },
    { LOST: 1 },
  ],
])("%s", (_, actual, breaches) => {
  expect(countBreaches(compareTables(expected, actual))).toEqual({
    LOST: 0,
    DOUBLED: 0,
    STUCK: 0,
    EARLY: 0,
    ...breaches,
  });
});

test("any bytes come back from the console consumer's lines", () => {
  const line = "Partition:1\tOffset:7\tfate:out_of_range:value\ta\\x5Cb\\x09c\\x0A\\xC3\\xAB\\x00";
  expect(parseLine("sensor", line)).toEqual({
    stream: "sensor",
    partition: 1,
    offset: 7,
    fate: "out_of_range:value",
    value: Buffer.from("a\\b\tc\në\0"),
  });
  expect(parseLine("sensor", "Partition:0\tOffset:0\tfate:null_value\t(tombstone)").value).toBeNull();
  expect(parseLine("sensor", "Partition:0\tOffset:1\tfate:empty_value\t").value).toEqual(Buffer.alloc(0));
  expect(() => parseLine("sensor", "hello")).toThrow("not a record");
});
