// The oracle: what the tables must hold, as a pure function over the log. Deliberately simple and independent of the
// pipeline's own code: decimals are BigInt multiples of 10^-80, windows are remainders, everything is a plain map.

import type { LoggedRecord, StreamName } from "./log.ts";

/** Rows by key, each as one text, and how many events it counts. */
export type Rows = ReadonlyMap<string, { readonly events: number; readonly values: string }>;

export interface StreamTotals {
  readonly records: number;
  readonly counted: number;
  readonly quarantined: number;
  readonly tooLate: number;
  /** Retries and conflicts: which of an identity's records is which depends on the one that is applied first. */
  readonly repeated: number;
  /** Identities with more than one content. */
  readonly contested: number;
}

export interface Tables {
  readonly rows: Readonly<Record<StreamName, Rows>>;
  /** `topic-partition:offset reason field bytes` */
  readonly quarantine: ReadonlySet<string>;
  readonly tooLate: ReadonlySet<string>;
  readonly totals: Readonly<Record<StreamName, StreamTotals>>;
}

const SCALE = 80n;
const windowMs = { sensor: 300_000, consumption: 3_600_000, weather: 3_600_000 };
const perKwh: Readonly<Record<string, bigint>> = { kWh: 1n, Wh: 1_000n };

/** The multiple of 10^-80 that a number's text stands for. */
function scaled(value: number): bigint {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value));
  if (match === null) throw new Error(`not a number: ${value}`);
  const [, sign, whole = "", fraction = "", exponent = "0"] = match;
  const digits = BigInt(whole + fraction) * 10n ** (SCALE - BigInt(fraction.length) + BigInt(exponent));
  return sign === "-" ? -digits : digits;
}

/** Without zeros at the end, so that only the value matters. */
function text(value: bigint): string {
  const digits = (value < 0n ? -value : value).toString().padStart(Number(SCALE) + 1, "0");
  return canonical(
    `${value < 0n ? "-" : ""}${digits.slice(0, -Number(SCALE))}.${digits.slice(-Number(SCALE))}`,
  );
}

export function canonical(decimal: string): string {
  return decimal.includes(".") ? decimal.replace(/\.?0+$/, "") : decimal;
}

export function positionOf(record: Pick<LoggedRecord, "stream" | "partition" | "offset">): string {
  return `${record.stream}-${record.partition}:${record.offset}`;
}

/** The start of the window, ms; a time stamp without a zone is UTC. */
function windowOf(stream: StreamName, timestamp: string): number {
  const timeMs = Date.parse(/(Z|[+-]\d\d:\d\d)$/.test(timestamp) ? timestamp : `${timestamp}Z`);
  return timeMs - (timeMs % windowMs[stream]);
}

interface Sums {
  events: number;
  readonly sums: Record<string, bigint>;
  min: bigint | null;
  max: bigint | null;
  readonly conditions: Record<string, number>;
}

type Event = Readonly<Record<string, unknown>>;

/** The key of an event's row, and what it adds to the sums. */
function contribution(stream: StreamName, event: Event): { key: string; adds: Record<string, bigint> } {
  const start = windowOf(stream, String(event.timestamp));
  if (stream === "sensor") {
    const value = scaled(Number(event.value));
    return {
      key: `${start}|${event.sensor_type}|${event.sensor_id}`,
      adds: { value, square: (value * value) / 10n ** SCALE },
    };
  }
  if (stream === "consumption") {
    const reading = scaled(Number(event.reading));
    const unit = String(event.unit ?? "kWh");
    const kwh = unit === "MWh" ? reading * 1_000n : reading / (perKwh[unit] ?? 1n);
    return { key: `${start}|${event.customer_id}`, adds: { kwh } };
  }
  const measured = ["temperature", "humidity", "pressure", "wind_speed"];
  return {
    key: `${start}`,
    adds: Object.fromEntries(measured.map((name) => [name, scaled(Number(event[name]))])),
  };
}

function add(sums: Sums, stream: StreamName, event: Event, adds: Record<string, bigint>): void {
  sums.events++;
  for (const [name, value] of Object.entries(adds)) sums.sums[name] = (sums.sums[name] ?? 0n) + value;
  const { value } = adds;
  if (value !== undefined) {
    sums.min = sums.min === null || value < sums.min ? value : sums.min;
    sums.max = sums.max === null || value > sums.max ? value : sums.max;
  }
  if (stream !== "weather") return;
  const condition = String(event.weather_condition);
  sums.conditions[condition] = (sums.conditions[condition] ?? 0) + 1;
}

export function conditionsText(conditions: Readonly<Record<string, number>>): string {
  return Object.entries(conditions)
    .map(([name, events]) => `${name}=${events}`)
    .sort()
    .join(",");
}

function valuesOf(stream: StreamName, { events, sums, min, max, conditions }: Sums): string {
  const totals = Object.values(sums).map(text);
  const bounds = min === null || max === null ? [] : [text(min), text(max)];
  return [events, ...bounds, ...totals, ...(stream === "weather" ? [conditionsText(conditions)] : [])].join(
    " ",
  );
}

/** Readings count once for each meter and id, weather for each place and id, sensors have no identity. */
function identityOf(stream: StreamName, event: Event): string | null {
  if (stream === "sensor" || event.event_id === undefined) return null;
  return JSON.stringify([event.event_id, stream === "weather" ? event.location : event.meter_id]);
}

/**
 * What must become of the records of one stream. Of two events with one identity and other content the one that is
 * applied first counts, and nobody knows which that will be: the load makes only such as give the same row.
 */
function judge(stream: StreamName, records: readonly LoggedRecord[]) {
  const windows = new Map<string, Sums>();
  const quarantine: string[] = [];
  const tooLate: string[] = [];
  const seen = new Map<string, string>();
  const contested = new Set<string>();
  let repeated = 0;
  for (const record of records) {
    const { value, fate } = record;
    if (fate === "too_late") tooLate.push(positionOf(record));
    if (fate !== "count" && fate !== "too_late") {
      const [reason = "", field = ""] = fate.split(":");
      quarantine.push(`${positionOf(record)} ${reason} ${field} ${value?.toString("base64") ?? "null"}`);
    }
    if (fate !== "count" || value === null) continue;
    const event: Event = JSON.parse(value.toString());
    const { key, adds } = contribution(stream, event);
    const identity = identityOf(stream, event);
    const content = [key, event.timestamp, event.weather_condition, ...Object.values(adds)].join("|");
    const first = identity === null ? undefined : seen.get(identity);
    if (identity !== null && first !== undefined) {
      repeated++;
      if (first !== content) contested.add(identity);
      continue;
    }
    if (identity !== null) seen.set(identity, content);
    const sums = windows.get(key) ?? { events: 0, sums: {}, min: null, max: null, conditions: {} };
    windows.set(key, sums);
    add(sums, stream, event, adds);
  }
  const counted = records.length - quarantine.length - tooLate.length - repeated;
  const totals = {
    records: records.length,
    counted,
    quarantined: quarantine.length,
    tooLate: tooLate.length,
    repeated,
    contested: contested.size,
  };
  const rows: Rows = new Map(
    [...windows].map(([key, sums]) => [key, { events: sums.events, values: valuesOf(stream, sums) }]),
  );
  return { rows, quarantine, tooLate, totals };
}

/** The tables that a log must give, in whatever order and however often its records are delivered. */
export function expectedTables(log: readonly LoggedRecord[]): Tables {
  const of = (stream: StreamName) =>
    judge(
      stream,
      log.filter((record) => record.stream === stream),
    );
  const [sensor, consumption, weather] = [of("sensor"), of("consumption"), of("weather")];
  return {
    rows: { sensor: sensor.rows, consumption: consumption.rows, weather: weather.rows },
    quarantine: new Set([...sensor.quarantine, ...consumption.quarantine, ...weather.quarantine]),
    tooLate: new Set([...sensor.tooLate, ...consumption.tooLate, ...weather.tooLate]),
    totals: { sensor: sensor.totals, consumption: consumption.totals, weather: weather.totals },
  };
}
