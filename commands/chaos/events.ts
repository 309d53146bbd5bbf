// Seeded events of the three streams, and what is wrong with some: late, repeated, of 1970, of tomorrow, poison.

import type { StreamName } from "./log.ts";
import { poisonOf } from "./poison.ts";
import type { Random } from "./random.ts";

export interface OutgoingEvent {
  readonly key: string;
  readonly value: Buffer | null;
  /** What must become of it; see `FATE_HEADER`. */
  readonly fate: string;
}

const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;
/** Out of order by less than the watermark's delay, so in time. */
const JITTER_MS = 200 * SECOND_MS;
const LATE_MS = 3 * 3_600 * SECOND_MS;

const oddIds = ["__proto__", "constructor", "'; DROP TABLE ledger; --", "<script>alert(1)</script>", "ë"];

function measured(random: Random): number {
  if (random.chance(0.05)) return (random.fraction() - 0.5) * 10 ** random.between(-9, 12);
  return random.between(-50_000_000, 250_000_000) / 10 ** random.between(0, 6);
}

function sensorEvent(random: Random, timeMs: number) {
  const id = random.chance(0.1) ? random.pick(oddIds) : `sensor-${random.between(1, 40)}`;
  const micros = String(random.between(0, 999)).padStart(3, "0");
  return {
    event_id: `${id}_${timeMs}`,
    sensor_id: id,
    sensor_type: random.pick(["voltage", "power", "frequency"]),
    value: measured(random),
    timestamp: `${new Date(timeMs).toISOString().slice(0, -1)}${micros}`,
  };
}

function meterReading(random: Random, timeMs: number, serial: number) {
  const meter = random.between(1, 60);
  return {
    event_id: `meter-${meter}_${serial}`,
    meter_id: `meter-${meter}`,
    customer_id: random.chance(0.05) ? random.pick(oddIds) : `customer-${meter % 25}`,
    reading: random.between(0, 99_999) / 10 ** random.between(0, 4),
    unit: random.pick(["kWh", "Wh", "MWh"]),
    timestamp: new Date(timeMs).toISOString(),
  };
}

function weatherEvent(random: Random, timeMs: number, serial: number) {
  return {
    ...(random.chance(0.5) ? { event_id: `weather_${serial}` } : {}),
    timestamp: new Date(timeMs).toISOString(),
    temperature: random.between(-100, 400) / 10,
    humidity: random.between(0, 1_000) / 10,
    pressure: random.between(9_800, 10_200) / 10,
    wind_speed: random.between(0, 250) / 10,
    weather_condition: random.pick(["Sunny", "Cloudy", "Rainy", "Windy", "Foggy", "Stormy"]),
    location: { lat: 41.3, lon: 19.8 },
  };
}

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

interface SentEvent {
  readonly stream: StreamName;
  readonly event: OutgoingEvent;
  readonly hasIdentity: boolean;
  isRepeated: boolean;
}

export class EventGenerator {
  readonly #random: Random;
  readonly #span: Span;
  readonly #sent: SentEvent[] = [];
  #serial = 0;

  constructor(random: Random, span: Span) {
    this.#random = random;
    this.#span = span;
  }

  /**
   * The next event of a stream.
   * @param progress how much of the span has passed, 0 to 1
   * @param hasWatermark whether the stream has a watermark: before, nothing but 1970 is too late
   */
  next(stream: StreamName, progress: number, hasWatermark: boolean): OutgoingEvent {
    const random = this.#random;
    const draw = random.fraction();
    if (draw < 0.01) {
      const { value, reason, field } = random.pick(poisonOf(stream));
      return { key: "poison", value, fate: field === null ? reason : `${reason}:${field}` };
    }
    if (draw < 0.013) return this.#make(stream, random.between(0, DAY_MS), "too_late");
    if (draw < 0.016 && hasWatermark) return this.#make(stream, this.#span.fromMs - 30 * DAY_MS, "too_late");
    if (draw < 0.019)
      return this.#make(stream, Date.now() + random.pick([1, 365, 36_500]) * DAY_MS, "in_future:timestamp");
    const repeated = this.#sent.filter((one) => one.stream === stream).at(-random.between(1, 50));
    if (draw < 0.04 && stream !== "sensor" && repeated !== undefined) {
      repeated.isRepeated = true;
      return repeated.event;
    }
    const contested = draw < 0.045 ? this.#contest(stream) : null;
    if (contested !== null) return contested;
    const { fromMs, toMs } = this.#span;
    const behindMs = draw < 0.06 ? random.between(0, LATE_MS) : random.between(0, JITTER_MS);
    const timeMs = Math.max(fromMs, Math.floor(fromMs + progress * (toMs - 1 - fromMs)) - behindMs);
    return this.#make(stream, timeMs, "count");
  }

  /**
   * A retry with other content: another time within the same window, so that the row is the same whichever of the two
   * is applied first. The first of them is not repeated, so that the two contents are two records.
   */
  #contest(stream: StreamName): OutgoingEvent | null {
    const at = this.#sent.findLastIndex((one) => one.stream === stream && one.hasIdentity && !one.isRepeated);
    const [first] = at < 0 ? [] : this.#sent.splice(at, 1);
    if (first === undefined) return null;
    const event = JSON.parse(String(first.event.value));
    const timeMs = Date.parse(event.timestamp);
    const timestamp = new Date(timeMs + (timeMs % 2 === 0 ? 1 : -1)).toISOString();
    return { ...first.event, value: Buffer.from(JSON.stringify({ ...event, timestamp })) };
  }

  #make(stream: StreamName, timeMs: number, fate: string): OutgoingEvent {
    const random = this.#random;
    this.#serial++;
    const event = { sensor: sensorEvent, consumption: meterReading, weather: weatherEvent }[stream](
      random,
      timeMs,
      this.#serial,
    );
    const key = "sensor_id" in event ? event.sensor_id : "meter_id" in event ? event.meter_id : "weather";
    const outgoing = { key, value: Buffer.from(JSON.stringify(event)), fate };
    if (fate === "count")
      this.#sent.push({
        ...{ stream, event: outgoing, isRepeated: false },
        hasIdentity: stream !== "sensor" && "event_id" in event,
      });
    if (this.#sent.length > 2_000) this.#sent.splice(0, 1_000);
    return outgoing;
  }
}
