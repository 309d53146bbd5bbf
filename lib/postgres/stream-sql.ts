// The SQL of all streams, from their declarations.

import { streamRules, streamSettings, streamWords } from "../streams/declared.ts";
import { streamNames } from "../streams/stream.ts";
import { quoted, type RenderedSource, StreamColumns, windowInWords } from "./stream-columns.ts";
import { functionsOf } from "./stream-functions.ts";
import { tablesOf } from "./stream-tables.ts";
import { amendmentsOf, viewOf } from "./stream-views.ts";

/** How long a stream's windows are, for all streams. */
function windowLength(): RenderedSource {
  const lengths = Object.values(streamSettings).map(
    ({ name, windowMinutes }) => `WHEN ${quoted(name)} THEN interval '${windowInWords(windowMinutes)}'`,
  );
  const sql = `CREATE OR REPLACE FUNCTION window_length(stream text) RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE stream ${lengths.join(" ")} END
$$;

COMMENT ON FUNCTION window_length IS 'How long a stream''s windows are';

GRANT EXECUTE ON FUNCTION window_length TO smartgrid_api, smartgrid_read;
`;
  return { name: "window_length", sql };
}

/** How many events a window of a series usually holds, for all streams. Windows lie on a grid, so each is found by its key. */
function usualCount(all: readonly StreamColumns[]): RenderedSource {
  const counts = all.map(({ name, window, key, rules }) => {
    const series = key === null ? "" : ` AND t.${key.number} = of_series`;
    return `SELECT t.${rules.count} AS events FROM ${window} AS t
    WHERE of_stream = ${quoted(name)} AND t.window_start = start${series}`;
  });
  const sql = `-- The median stays right while less than half of the windows are incomplete, and is a count that there was.
CREATE OR REPLACE FUNCTION usual_count(of_stream text, of_series integer, before timestamptz, windows integer DEFAULT 288)
RETURNS integer LANGUAGE sql STABLE
SECURITY DEFINER SET search_path FROM CURRENT AS $$
  SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY w.events)::integer
  FROM stream_state AS s
  CROSS JOIN LATERAL (SELECT window_length(s.stream) AS length) AS l
  CROSS JOIN LATERAL (
    SELECT date_bin(l.length, least(before, s.watermark), timestamptz 'epoch') AS grid_end) AS g
  CROSS JOIN LATERAL generate_series(g.grid_end - windows * l.length, g.grid_end - l.length, l.length) AS start
  CROSS JOIN LATERAL (
    ${counts.join("\n    UNION ALL\n    ")}) AS w
  WHERE s.stream = of_stream AND w.events > 0
$$;

COMMENT ON FUNCTION usual_count IS 'How many events a window usually holds: the median of the last so many final windows that end at or before an instant, those without events left out; null where there is none. The series is the number of sensor or customer; null for a stream whose windows have one row';

GRANT EXECUTE ON FUNCTION usual_count TO smartgrid_api, smartgrid_read;
`;
  return { name: "usual_count", sql };
}

/** Which column of a stream's rows says how many events a row holds. */
function countColumn(all: readonly StreamColumns[]): RenderedSource {
  const columns = all.map(({ name, rules }) => `WHEN ${quoted(name)} THEN ${quoted(rules.count)}`);
  const sql = `CREATE OR REPLACE FUNCTION count_column(stream text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE stream ${columns.join(" ")} END
$$;

COMMENT ON FUNCTION count_column IS 'Which column of a stream''s rows says how many events a row holds';
`;
  return { name: "count_column", sql };
}

export interface DeclaredSql {
  /** Run again where the text has changed: they make what is not there. */
  readonly tables: readonly RenderedSource[];
  /** Each defines the function or view that its name says. */
  readonly sources: readonly RenderedSource[];
}

/** @returns the SQL of all streams, as they are declared */
export function declaredSql(): DeclaredSql {
  const all = streamNames.map((name) => new StreamColumns(streamRules[name], streamWords[name]));
  return {
    tables: all.map(tablesOf),
    sources: [
      windowLength(),
      usualCount(all),
      countColumn(all),
      ...all.flatMap((stream) => [...functionsOf(stream), viewOf(stream), amendmentsOf(stream)]),
    ],
  };
}
