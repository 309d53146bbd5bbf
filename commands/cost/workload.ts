// What is to be processed: sensors, meters and weather as events, keys and rows per second.

export interface Workload {
  readonly sensors: number;
  readonly sensorIntervalSeconds: number;
  readonly meters: number;
  readonly meterIntervalSeconds: number;
  /** Distinct (type, id) that the sensors' events fall on; a sensor of one type is one key. */
  readonly sensorKeys: number;
  /** For how long rows are kept, days; the storage line is for a table that has reached that age. */
  readonly keepDays: number;
  /** For how long Kafka keeps the events, days. */
  readonly retentionDays: number;
}

export type StreamName = "sensor" | "consumption" | "weather";

export interface StreamLoad {
  readonly stream: StreamName;
  readonly eventsPerSecond: number;
  readonly keys: number;
  readonly bytesPerEvent: number;
  /** New rows of the stream's table per second: one per window and key, or one per event where events are rarer. */
  readonly rowsPerSecond: number;
}

/** Measured on the demo's events; with Kafka's key, time stamp and framing, uncompressed. */
const bytesPerEvent = { sensor: 250, consumption: 220, weather: 330 } as const;
/** The simulated weather: six stations once a minute, all in one row an hour. */
const WEATHER_EVENTS_PER_SECOND = 6 / 60;

function load(
  stream: StreamName,
  devices: number,
  intervalSeconds: number,
  keys: number,
  windowSeconds: number,
): StreamLoad {
  const eventsPerSecond = devices / intervalSeconds;
  return {
    stream,
    eventsPerSecond,
    keys,
    bytesPerEvent: bytesPerEvent[stream],
    rowsPerSecond: Math.min(eventsPerSecond, keys / windowSeconds),
  };
}

/** All three streams: topics and triggers are there whether events come or not. */
export function loadsOf(workload: Workload): StreamLoad[] {
  const { sensors, sensorIntervalSeconds, meters, meterIntervalSeconds, sensorKeys } = workload;
  return [
    load("sensor", sensors, sensorIntervalSeconds, sensorKeys, 300),
    load("consumption", meters, meterIntervalSeconds, meters, 3600),
    load("weather", WEATHER_EVENTS_PER_SECOND, 1, 1, 3600),
  ];
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

export const eventsPerSecondOf = (loads: readonly StreamLoad[]) =>
  sum(loads.map((load) => load.eventsPerSecond));
export const bytesPerSecondOf = (loads: readonly StreamLoad[]) =>
  sum(loads.map((load) => load.eventsPerSecond * load.bytesPerEvent));
export const rowsPerSecondOf = (loads: readonly StreamLoad[]) => sum(loads.map((load) => load.rowsPerSecond));

/** The same shape of workload with so many times the devices and keys. */
export function scale(workload: Workload, factor: number): Workload {
  return {
    ...workload,
    sensors: workload.sensors * factor,
    sensorKeys: workload.sensorKeys * factor,
    meters: workload.meters * factor,
  };
}
