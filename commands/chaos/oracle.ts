// The oracle: what the tables must hold, as a pure function over the log and over what was cut from it.

import type { LoggedRecord, StreamName } from "./log.ts";
import { type CutEvent, chooseCounted } from "./oracle-cut.ts";
import { add, contribution, type Event, identityOf, nothing, type Sums, valuesOf } from "./oracle-sums.ts";

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
  /** `topic-partition:offset bytes` */
  readonly tooLate: ReadonlySet<string>;
  readonly totals: Readonly<Record<StreamName, StreamTotals>>;
}

/** Records that are not in the log any more, and the tables that show what had become of them. */
export interface Cut {
  readonly records: readonly LoggedRecord[];
  readonly actual: Tables;
}

export interface Expected {
  readonly tables: Tables;
  /** Of the cut events, those that had been counted. */
  readonly counted: readonly LoggedRecord[];
}

export function positionOf(record: Pick<LoggedRecord, "stream" | "partition" | "offset">): string {
  return `${record.stream}-${record.partition}:${record.offset}`;
}

function quarantineOf(record: LoggedRecord): string {
  const [reason = "", field = ""] = record.fate.split(":");
  return `${positionOf(record)} ${reason} ${field} ${record.value?.toString("base64") ?? "null"}`;
}

export function tooLateOf(record: Pick<LoggedRecord, "stream" | "partition" | "offset" | "value">): string {
  return `${positionOf(record)} ${record.value?.toString("base64")}`;
}

/** By what must become of them. */
function sortByFate(records: readonly LoggedRecord[]) {
  const isCount = ({ fate, value }: LoggedRecord) => fate === "count" && value !== null;
  return {
    quarantine: records.filter(({ fate }) => fate !== "count" && fate !== "too_late").map(quarantineOf),
    tooLate: records.filter(({ fate }) => fate === "too_late").map(tooLateOf),
    events: records.filter(isCount).map((record): CutEvent & { identity: string | null; content: string } => {
      const event: Event = JSON.parse(String(record.value));
      const { key, adds } = contribution(record.stream, event);
      const content = [key, event.timestamp, event.weather_condition, ...Object.values(adds)].join("|");
      return { record, event, key, adds, content, identity: identityOf(record.stream, event) };
    }),
  };
}

/**
 * What must become of the records of one stream. Of two events with one identity and other content the one that is
 * applied first counts, and nobody knows which that will be: the load makes only such as give the same row.
 */
function expectStream(stream: StreamName, log: readonly LoggedRecord[], cut: Cut | null) {
  const records = log.filter((record) => record.stream === stream);
  const { quarantine, tooLate, events } = sortByFate(records);
  const windows = new Map<string, Sums>();
  const seen = new Map<string, string>();
  const contested = new Set<string>();
  let repeated = 0;
  for (const { event, key, adds, content, identity } of events) {
    const first = identity === null ? undefined : seen.get(identity);
    if (identity !== null && first !== undefined) {
      repeated++;
      if (first !== content) contested.add(identity);
      continue;
    }
    if (identity !== null) seen.set(identity, content);
    const sums = windows.get(key) ?? nothing();
    windows.set(key, sums);
    add(sums, stream, event, adds);
  }
  const lost = chooseWorld(stream, windows, seen, cut);
  const counted = events.length - repeated + lost.counted.length;
  const found = cut?.actual.totals[stream];
  // Of the cut records that only repeat others nothing but their number could be told apart.
  const atMost = (least: number, more: number, actual = least) =>
    Math.min(Math.max(actual, least), least + more);
  const quarantined = [...quarantine, ...lost.quarantine];
  const late = [...tooLate, ...lost.tooLate];
  const repeats = atMost(repeated, lost.repeats, found?.repeated);
  const totals = {
    records: counted + quarantined.length + late.length + repeats,
    counted,
    quarantined: quarantined.length,
    tooLate: late.length,
    repeated: repeats,
    contested: atMost(contested.size, lost.repeats, found?.contested),
  };
  const rows: Rows = new Map(
    [...windows].map(([key, sums]) => [key, { events: sums.events, values: valuesOf(stream, sums) }]),
  );
  return { rows, quarantine: quarantined, tooLate: late, totals, counted: lost.counted };
}

/**
 * What had become of cut records, as far as the tables can be right. Adds the counted ones to the windows.
 * @param seen identities in the log: an event of these counts once, whether or not its cut record did
 */
function chooseWorld(
  stream: StreamName,
  windows: Map<string, Sums>,
  seen: ReadonlyMap<string, string>,
  cut: Cut | null,
) {
  const { quarantine, tooLate, events } = sortByFate(
    cut?.records.filter((record) => record.stream === stream) ?? [],
  );
  const alone = new Map<unknown, (typeof events)[number]>();
  for (const one of events)
    if (one.identity === null || !seen.has(one.identity)) alone.set(one.identity ?? one, one);
  const counted: typeof events = [];
  for (const [key, candidates] of Map.groupBy(alone.values(), (one) => one.key)) {
    const row = cut?.actual.rows[stream].get(key);
    if (row === undefined) continue;
    const chosen = chooseCounted(stream, windows.get(key) ?? nothing(), candidates, row.values);
    if (chosen.counted.length > 0) windows.set(key, chosen.sums);
    counted.push(...chosen.counted);
  }
  const withIdentity = (all: typeof events) => all.filter(({ identity }) => identity !== null).length;
  return {
    counted: counted.map(({ record }) => record),
    quarantine: quarantine.filter((entry) => cut?.actual.quarantine.has(entry)),
    tooLate: tooLate.filter((entry) => cut?.actual.tooLate.has(entry)),
    repeats: withIdentity(events) - withIdentity(counted),
  };
}

/**
 * The tables that a log must give, in whatever order and however often its records are delivered.
 * @param cut of an event that was cut from the log, each of both is right: counted once or not at all
 */
export function expectTables(log: readonly LoggedRecord[], cut: Cut | null): Expected {
  const [sensor, consumption, weather] = [
    expectStream("sensor", log, cut),
    expectStream("consumption", log, cut),
    expectStream("weather", log, cut),
  ];
  return {
    tables: {
      rows: { sensor: sensor.rows, consumption: consumption.rows, weather: weather.rows },
      quarantine: new Set([...sensor.quarantine, ...consumption.quarantine, ...weather.quarantine]),
      tooLate: new Set([...sensor.tooLate, ...consumption.tooLate, ...weather.tooLate]),
      totals: { sensor: sensor.totals, consumption: consumption.totals, weather: weather.totals },
    },
    counted: [...sensor.counted, ...consumption.counted, ...weather.counted],
  };
}
