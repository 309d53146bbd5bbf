// The tables as they are, in the oracle's form.

import type { ClientBase } from "pg";
import { type LoggedRecord, type StreamName, streams } from "./log.ts";
import { positionOf, type Rows, type StreamTotals, type Tables, tooLateOf } from "./oracle.ts";
import { canonical, conditionsText } from "./oracle-sums.ts";

type Topics = Readonly<Record<StreamName, string>>;

const START = "(extract(epoch FROM window_start) * 1000)::bigint";
const rowQueries = {
  sensor: `SELECT concat_ws('|', ${START}, sensor_type, sensor_id) AS key, count AS events,
    ARRAY[min_value, max_value, sum_value, sum_squares]::text[] AS numbers, NULL AS conditions
    FROM sensor_aggregates_realtime`,
  consumption: `SELECT concat_ws('|', ${START}, customer_id) AS key, reading_count AS events,
    ARRAY[total_consumption]::text[] AS numbers, NULL AS conditions FROM consumption_aggregates_realtime`,
  weather: `SELECT ${START}::text AS key, event_count AS events,
    ARRAY[sum_temperature, sum_humidity, sum_pressure, sum_wind_speed]::text[] AS numbers,
    condition_counts AS conditions FROM weather_aggregates_realtime`,
} as const;

async function readRows(client: ClientBase, stream: StreamName): Promise<Rows> {
  const { rows } = await client.query<{
    key: string;
    events: string;
    numbers: string[];
    conditions: Record<string, number> | null;
  }>(rowQueries[stream]);
  return new Map(
    rows.map(({ key, events, numbers, conditions }) => {
      const parts = [events, ...numbers.map(canonical)];
      if (conditions !== null) parts.push(conditionsText(conditions));
      return [key, { events: Number(events), values: parts.join(" ") }];
    }),
  );
}

interface Positioned {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
}

function placeIn(topics: Topics, { topic, partition, offset }: Positioned) {
  const stream = streams.find((name) => topics[name] === topic);
  if (stream === undefined) throw new Error(`${topic} is no topic of this run`);
  return { stream, partition, offset: Number(offset) };
}

async function readTotals(client: ClientBase, topic: string): Promise<StreamTotals> {
  const { rows } = await client.query<Record<keyof StreamTotals, string>>(
    `SELECT coalesce(sum(records), 0) AS records, coalesce(sum(counted), 0) AS counted,
       coalesce(sum(quarantined), 0) AS quarantined, coalesce(sum(too_late), 0) AS "tooLate",
       coalesce(sum(duplicates + conflicts), 0) AS repeated,
       (SELECT count(DISTINCT (c.first_log_id, c.first_offset)) FROM conflict AS c JOIN ledger AS l ON l.id = c.log_id
        WHERE l.topic = $1) AS contested
     FROM ledger WHERE topic = $1`,
    [topic],
  );
  const total = (name: keyof StreamTotals) => Number(rows[0]?.[name] ?? 0);
  return {
    records: total("records"),
    counted: total("counted"),
    quarantined: total("quarantined"),
    tooLate: total("tooLate"),
    repeated: total("repeated"),
    contested: total("contested"),
  };
}

export async function readTables(client: ClientBase, topics: Topics): Promise<Tables> {
  const quarantine = await client.query<
    Positioned & { reason: string; field: string | null; value: Buffer | null }
  >('SELECT topic, partition, "offset", reason, field, value FROM quarantine');
  const tooLate = await client.query<Positioned & { value: Buffer }>(
    'SELECT topic, partition, "offset", value FROM too_late',
  );
  return {
    rows: {
      sensor: await readRows(client, "sensor"),
      consumption: await readRows(client, "consumption"),
      weather: await readRows(client, "weather"),
    },
    quarantine: new Set(
      quarantine.rows.map(
        (row) =>
          `${positionOf(placeIn(topics, row))} ${row.reason} ${row.field ?? ""} ${row.value?.toString("base64") ?? "null"}`,
      ),
    ),
    tooLate: new Set(tooLate.rows.map((row) => tooLateOf({ ...placeIn(topics, row), value: row.value }))),
    totals: {
      sensor: await readTotals(client, topics.sensor),
      consumption: await readTotals(client, topics.consumption),
      weather: await readTotals(client, topics.weather),
    },
  };
}

/** The records of the log whose offsets no ledger covers; the newest entry of each partition is of this log. */
export async function readUnapplied(
  client: ClientBase,
  topics: Topics,
  log: readonly LoggedRecord[],
): Promise<LoggedRecord[]> {
  const { rows } = await client.query<{ topic: string; partition: number; from: string; to: string }>(
    `SELECT topic, partition, lower(part) AS "from", upper(part) AS "to" FROM (
       SELECT DISTINCT ON (topic, partition) topic, partition, applied FROM ledger ORDER BY topic, partition, incarnation DESC
     ) AS l, unnest(applied) AS part`,
  );
  return log.filter(
    ({ stream, partition, offset }) =>
      !rows.some(
        (range) =>
          range.topic === topics[stream] &&
          range.partition === partition &&
          Number(range.from) <= offset &&
          offset < Number(range.to),
      ),
  );
}
