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
      ...all.flatMap((stream) => [...functionsOf(stream), viewOf(stream), amendmentsOf(stream)]),
    ],
  };
}
