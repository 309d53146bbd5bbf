// Records as no producer should send them: valid events with fields changed, doubled and removed, and their bytes
// flipped, cut and spliced. All by one seed.

import type { FieldRule } from "../../../lib/streams/declaration.ts";
import { streamRules } from "../../../lib/streams/declared.ts";
import { byStream, type StreamName } from "../../../lib/streams/stream.ts";

/** Uniform whole numbers by seed (mulberry32). */
export function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

type Random = ReturnType<typeof randomOf>;

const written = {
  sensor: {
    event_id: '"s-1_1768473000.123456"',
    sensor_id: '"s-1"',
    sensor_type: '"voltage"',
    value: "231.25",
    location: '{"lat":41.33,"lon":19.82}',
    timestamp: '"2026-01-15T10:30:00.123456"',
    metadata: '{"unit":"V"}',
  },
  consumption: {
    event_id: '"m-1_1"',
    meter_id: '"m-1"',
    customer_id: '"c-1"',
    reading: "0.25",
    unit: '"kWh"',
    timestamp: '"2026-01-15T10:30:00Z"',
  },
  weather: {
    timestamp: '"2026-01-15T10:30:00Z"',
    temperature: "7.5",
    humidity: "80",
    pressure: "1013.2",
    wind_speed: "3.1",
    weather_condition: '"Cloudy"',
    location: '{"lat":41.33,"lon":19.82}',
  },
} as const;

const repeat = (text: string, times: number) => text.repeat(times);

/** A text that keeps a field's rule. */
function validText(rule: FieldRule): string {
  switch (rule.kind) {
    case "text":
      return '"a-1"';
    case "number":
      return String(Math.min(rule.max, Math.max(rule.min, 0.25)));
    case "unit":
      return JSON.stringify(Object.keys(rule.powers)[0]);
    case "instant":
      return '"2026-01-15T10:30:00Z"';
    case "place":
      return '{"lat":41.33,"lon":19.82}';
    case "stamp":
      return '"ingest"';
  }
}

/** The fields of a valid event, as JSON texts. */
export const validFields: Readonly<Record<StreamName, Readonly<Record<string, string>>>> = {
  ...byStream((name) =>
    Object.fromEntries(streamRules[name].fields.map((rule) => [rule.field, validText(rule)])),
  ),
  ...written,
};

/** JSON texts of values: at a rule's border, beyond it, and of another kind. */
const values = [
  ..."null,true,false,0,-0,1,-1,0.1,1e-30,9e-31,-1e-30,5e-324,1e400,-1e400,1e12,1000000000001,9007199254740991".split(
    ",",
  ),
  ..."9007199254740992,9007199254740993,-9007199254740991,-9007199254740992,1e308,123456789.123456789,90,-90,90.1".split(
    ",",
  ),
  ..."180,-180.5,70,70.01,-100,100,100.5,300,299.9,1100,150,150.1,NaN,Infinity,01,1.,.5,+1,1e,0x10".split(
    ",",
  ),
  ..."1e-31,12345678901234567,0.12345678901234567,1e-400,0e999,1.0000000000000000000,0.30000000000000004".split(
    ",",
  ),
  `0.${"1".repeat(30)}`,
  `0.${"1".repeat(31)}`,
  `1234567.${"1".repeat(31)}`,
  `12345678.${"1".repeat(30)}`,
  `123456789.${"1".repeat(30)}`,
  "9007199254740991.1",
  "1".repeat(400),
  `1${"0".repeat(400)}e-400`,
  "[]",
  "{}",
  "[1]",
  '{"lat":1,"lon":2}',
  '{"lat":null,"lon":2}',
  '{"lat":"1","lon":2}',
  '{"lat":91,"lon":2}',
  '{"__proto__":{"lat":1,"lon":2}}',
  '{"lat":1,"lon":181,"lon":3}',
  '""',
  '"a"',
  '" "',
  '"\\u0000"',
  '"a\\u0000b"',
  '"\\ud800"',
  '"\\udc00a"',
  '"\\ud83d\\ude00"',
  '"\\ude00\\ud83d"',
  '"\u{1f600}"',
  '"\ufeff"',
  '"\ufffd"',
  '"M\\ufffdller"',
  '"__proto__"',
  '"constructor"',
  '"kWh"',
  '"Wh"',
  '"MWh"',
  '"kwh"',
  '"toString"',
  '"\'; DROP TABLE ledger; --"',
  '"1e400"',
  '"\\x"',
  '"\n"',
  ...[49, 50, 51, 100, 101, 300, 301].map((n) => `"${repeat("x", n)}"`),
  ...[25, 26, 50, 51, 150, 151].map((n) => `"${repeat("\u{1f600}", n)}"`),
];

const timeParts = {
  year: ["2026", "1699", "1700", "2200", "2201", "2024", "1900", "2000", "0000", "26"],
  month: ["01", "02", "12", "13", "00", "1"],
  day: ["15", "28", "29", "30", "31", "00", "32"],
  dash: ["-", "-", "-", "", "/"],
  separator: ["T", "t", " ", "", "_"],
  hour: ["10", "23", "24", "00", "1"],
  minute: ["30", "59", "60", "0"],
  second: ["00", "59", "60", "61", ""],
  colon: [":", ":", ":", "", "."],
  fraction: ["", ".5", ".123456789", ".", ",5", ",000"],
  zone: [
    "",
    "Z",
    "z",
    "+01:00",
    "-0530",
    "+02",
    "+25:00",
    "+01:0",
    "+18:59",
    "-19:00",
    " Z",
    "+01:60",
    "+:",
    "ZZ",
    "UTC",
    " gmt",
    " +01:00",
    "\u221203",
    "[Europe/Paris]",
    "[!europe/tirane]",
    "+01:00[Europe/Paris][u-ca=iso8601]",
    "[+02:00]",
    "[Nowhere/Land]",
    " CET",
  ],
} as const;

function pick<T>(random: Random, of: readonly T[]): T | undefined {
  return of[random(of.length)];
}

/** A time stamp in quotes. Mostly the first of each part, so that a good share is valid. */
export function timestampText(random: Random): string {
  const part = (of: readonly string[]) => (random(4) === 0 ? pick(random, of) : of[0]);
  const p = timeParts;
  const [dash, colon] = [part(p.dash), part(p.colon)];
  const date = `${part(p.year)}${dash}${part(p.month)}${dash}${part(p.day)}`;
  const time = [part(p.hour), part(p.minute), `${part(p.second)}${part(p.fraction)}`];
  const kept = time.slice(0, random(8) === 0 ? 1 + random(2) : 3).join(colon);
  return `"${date}${part(p.separator)}${kept}${part(p.zone)}"`;
}

const keys = [
  "__proto__",
  "constructor",
  "toString",
  "",
  "event_id ",
  "Value",
  "\\u0065vent_id",
  "location",
  "unit",
  "event_id",
];

function nested(random: Random): string {
  const depth = random(500) === 0 ? 10_000 : 1 + random(40);
  return random(2) === 0
    ? repeat("[", depth) + repeat("]", depth)
    : `${repeat('{"a":', depth)}0${repeat("}", depth)}`;
}

function valueText(random: Random): string {
  const kind = random(12);
  if (kind < 3) return timestampText(random);
  if (kind === 3) return nested(random);
  if (kind === 4) return `${random(2) === 0 ? "-" : ""}${random(10)}.${random(1e9)}e${random(700) - 350}`;
  return pick(random, values) ?? "null";
}

function mutateFields(random: Random, fields: [string, string][]): void {
  const at = random(fields.length);
  const field = fields[at];
  switch (random(6)) {
    case 0:
      fields.splice(at, 1);
      break;
    case 1:
      fields.push([field?.[0] ?? "", valueText(random)]); // a duplicate key: the last one counts
      break;
    case 2:
      fields.splice(at, 0, [pick(random, keys) ?? "", valueText(random)]);
      break;
    case 3:
      if (field) field[0] = pick(random, keys) ?? "";
      break;
    default:
      if (field) field[1] = field[0] === "timestamp" ? timestampText(random) : valueText(random);
  }
}

/** A byte order mark, NUL, bytes that are no UTF-8, an encoded surrogate, an overlong slash, and JSON's own signs. */
const fragments = [
  "efbbbf",
  "00",
  "ff",
  "eda080",
  "c0af",
  "f4908080",
  "7b",
  "7d",
  "22",
  "2c",
  "5c",
  "3a",
  "20",
  "0a",
].map((hex) => Buffer.from(hex, "hex"));

function mutateBytes(random: Random, bytes: Buffer, other: Buffer): Buffer {
  const at = random(bytes.length + 1);
  switch (random(5)) {
    case 0: {
      const flipped = Buffer.from(bytes);
      const index = Math.min(at, bytes.length - 1);
      if (index >= 0) flipped[index] = (flipped[index] ?? 0) ^ (1 << random(8));
      return flipped;
    }
    case 1:
      return bytes.subarray(0, at);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), other.subarray(random(other.length + 1))]);
    case 3:
      return Buffer.concat([
        bytes.subarray(0, at),
        bytes.subarray(Math.min(bytes.length, at + 1 + random(4))),
      ]);
    default:
      return Buffer.concat([bytes.subarray(0, at), pick(random, fragments) ?? bytes, bytes.subarray(at)]);
  }
}

/** The next mutated record; `before` is what splices take from. */
export function mutatedRecord(stream: StreamName, random: Random, before: Buffer): Buffer {
  const fields = Object.entries(validFields[stream]);
  const changes = random(4);
  for (let i = 0; i < changes; i++) if (fields.length > 0) mutateFields(random, fields);
  let bytes: Buffer = Buffer.from(`{${fields.map(([key, value]) => `"${key}":${value}`).join()}}`);
  const byteChanges = Math.max(0, random(6) - 3);
  for (let i = 0; i < byteChanges; i++) bytes = mutateBytes(random, bytes, before);
  return bytes;
}
