// The oracle's arithmetic: what an event adds to which row. Deliberately simple and independent of the pipeline's own
// code: decimals are BigInt multiples of 10^-80, windows are remainders, everything is a plain map.

import type { StreamName } from "./log.ts";

const SCALE = 80n;
const windowMs = { sensor: 300_000, consumption: 3_600_000, weather: 3_600_000 };
const perKwh: Readonly<Record<string, bigint>> = { kWh: 1n, Wh: 1_000n };

/** The multiple of 10^-80 that a number's text stands for. */
export function scaled(value: string): bigint {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(value);
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

/** The start of the window, ms; a time stamp without a zone is UTC. */
function windowOf(stream: StreamName, timestamp: string): number {
  const timeMs = Date.parse(/(Z|[+-]\d\d:\d\d)$/.test(timestamp) ? timestamp : `${timestamp}Z`);
  return timeMs - (timeMs % windowMs[stream]);
}

export interface Sums {
  events: number;
  readonly sums: Record<string, bigint>;
  min: bigint | null;
  max: bigint | null;
  readonly conditions: Record<string, number>;
}

export type Event = Readonly<Record<string, unknown>>;

export interface Contribution {
  /** Of the event's row. */
  readonly key: string;
  /** The first of them tells events apart. */
  readonly adds: Readonly<Record<string, bigint>>;
}

export function contribution(stream: StreamName, event: Event): Contribution {
  const start = windowOf(stream, String(event.timestamp));
  if (stream === "sensor") {
    const value = scaled(String(Number(event.value)));
    return {
      key: `${start}|${event.sensor_type}|${event.sensor_id}`,
      adds: { value, square: (value * value) / 10n ** SCALE },
    };
  }
  if (stream === "consumption") {
    const reading = scaled(String(Number(event.reading)));
    const unit = String(event.unit ?? "kWh");
    const kwh = unit === "MWh" ? reading * 1_000n : reading / (perKwh[unit] ?? 1n);
    return { key: `${start}|${event.customer_id}`, adds: { kwh } };
  }
  const measured = ["temperature", "humidity", "pressure", "wind_speed"];
  return {
    key: `${start}`,
    adds: Object.fromEntries(measured.map((name) => [name, scaled(String(Number(event[name])))])),
  };
}

export const nothing = (): Sums => ({ events: 0, sums: {}, min: null, max: null, conditions: {} });

export function add(sums: Sums, stream: StreamName, event: Event, adds: Contribution["adds"]): void {
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

export function valuesOf(stream: StreamName, { events, sums, min, max, conditions }: Sums): string {
  const totals = Object.values(sums).map(text);
  const bounds = min === null || max === null ? [] : [text(min), text(max)];
  return [events, ...bounds, ...totals, ...(stream === "weather" ? [conditionsText(conditions)] : [])].join(
    " ",
  );
}

/** Readings count once for each meter and id, weather for each place and id, sensors have no identity. */
export function identityOf(stream: StreamName, event: Event): string | null {
  if (stream === "sensor" || event.event_id === undefined) return null;
  return JSON.stringify([event.event_id, stream === "weather" ? event.location : event.meter_id]);
}
