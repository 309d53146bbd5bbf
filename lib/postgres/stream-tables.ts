// The tables of a stream, from its declaration.

import type { RowKey } from "../streams/declaration.ts";
import {
  type Column,
  commentsOn,
  quoted,
  type RenderedSource,
  type StreamColumns,
  TEXT,
} from "./stream-columns.ts";

function createTable(
  of: StreamColumns,
  table: string,
  comment: string,
  columns: readonly Column[],
  constraints: readonly string[],
): string {
  const lines = [...columns.map(({ name, type }) => `${name} ${type}`), ...constraints];
  return `CREATE TABLE IF NOT EXISTS ${table} (\n  ${lines.join(",\n  ")}\n)`.concat(
    table === of.window ? " PARTITION BY RANGE (window_start);\n\n" : ";\n\n",
    `${commentsOn("TABLE", table, comment, columns)}\n`,
  );
}

/** Numbers of what rows are of. */
function keyTable(of: StreamColumns, { table, columns }: RowKey): string {
  const texts = columns.map(({ column }): Column => {
    return { name: column, type: `${TEXT} NOT NULL`, comment: of.comment(column) };
  });
  return `${createTable(
    of,
    table,
    `Every ${of.words.key} that has ever been counted, with the number by which ${of.window} names it`,
    [
      { name: "id", type: "integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY", comment: "the number" },
      ...texts,
      {
        name: "first_seen",
        type: "timestamptz NOT NULL DEFAULT now()",
        comment: "when its first event was counted",
      },
    ],
    [
      `UNIQUE (${columns
        .map(({ column }) => column)
        .toReversed()
        .join(", ")})`,
    ],
  )}
GRANT SELECT ON ${table} TO smartgrid_api, smartgrid_read;
`;
}

/** Its months are tables of their own, which make_months makes. Order of columns: those that an update leaves alone stand first, and the write-ahead log has what is behind them. */
function windowTable(of: StreamColumns): string {
  const { count, columns } = of.rules;
  const amendments: Column = {
    name: "amendments",
    type: "integer NOT NULL DEFAULT 0",
    comment: "how many times the row was changed after its window was final",
  };
  const changed: Column = {
    name: "changed_at",
    type: "timestamptz NOT NULL DEFAULT now()",
    comment: "when the row was last written: the start of that transaction",
  };
  const counts: Column = {
    name: count,
    type: `integer NOT NULL CHECK (${count} >= 0)`,
    comment: of.comment(count),
  };
  const created: Column = {
    name: "created_at",
    type: "timestamptz NOT NULL DEFAULT now()",
    comment: "when the first event of the window was counted",
  };
  // Two integers beside each other, so that no byte is lost before a time.
  const head =
    of.key === null
      ? [changed, counts, amendments]
      : [
          {
            name: of.key.number,
            type: "integer NOT NULL",
            comment: `the ${of.words.key}: id of ${of.key.table}`,
          },
          amendments,
          changed,
          counts,
        ];
  const extremes = columns.filter(({ merge }) => merge === "least" || merge === "greatest");
  return createTable(
    of,
    of.window,
    `${of.words.rows}. For people: ${of.name}_aggregates_realtime`,
    [
      ...[of.windowStart(), created, ...head],
      ...[...columns.filter((column) => !extremes.includes(column)), ...extremes].map((column) =>
        of.sumColumn(column),
      ),
    ],
    [
      `PRIMARY KEY (${of.rowKey.join(", ")})`,
      ...extremes.map(({ column }) => `CHECK ((${count} = 0) = (${column} IS NULL))`),
    ],
  );
}

function historyTable(of: StreamColumns): string {
  const table = `${of.name}_aggregates_history`;
  const texts = of.key?.columns.map(({ column }): Column => {
    return { name: column, type: `${TEXT} NOT NULL`, comment: of.comment(column) };
  });
  const time = (name: string, comment: string): Column => ({
    ...{ name, comment },
    type: `timestamptz NOT NULL${name === "replaced_at" ? " DEFAULT now()" : ""}`,
  });
  return `${createTable(
    of,
    table,
    `Earlier revisions of final rows of ${of.name}_aggregates_realtime, kept by a trigger and never deleted`,
    [
      of.windowStart(),
      ...(texts ?? []),
      { name: "revision", type: "integer NOT NULL", comment: "which revision of the row this was" },
      ...of.shown(),
      time("finalized_at", "when the row became final; null while open"),
      time("updated_at", "when the row was last written: the start of that transaction"),
      time("replaced_at", "when the next revision took its place"),
      {
        ...{ name: "replaced_because", type: "text" },
        comment:
          "why: topic-partition:{[from,to)} offsets of late events, or the amendment's number and reason",
      },
    ],
    [`PRIMARY KEY (${[...of.shownKey, "revision"].join(", ")})`],
  )}
GRANT SELECT ON ${table} TO smartgrid_read;
`;
}

/** @returns what makes the tables that are not there, and says what is in them */
export function tablesOf(of: StreamColumns): RenderedSource {
  const parts = [
    of.key === null ? "" : keyTable(of, of.key),
    windowTable(of),
    historyTable(of),
    `INSERT INTO stream_state (stream) VALUES (${quoted(of.name)}) ON CONFLICT DO NOTHING;\n`,
  ];
  return { name: of.window, sql: parts.filter((part) => part !== "").join("\n") };
}
