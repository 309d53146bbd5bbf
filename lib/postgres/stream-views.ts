// The views of a stream, from its declaration: what people read.

import { commentsOn, nameOf, quoted, type RenderedSource, type StreamColumns } from "./stream-columns.ts";

const described = (name: string, comment: string) => ({ name, comment });

export function viewOf(of: StreamColumns): RenderedSource {
  const name = `${of.name}_aggregates_realtime`;
  const stream = quoted(of.name);
  const columns = new Map(of.shown().map((column) => [column.name, column]));
  const shown = of.rules.shown.map((one) => {
    const column = columns.get(nameOf(one));
    return column === undefined ? "w.created_at" : `${column.of("w")} AS ${column.name}`;
  });
  const comments = [
    of.windowStart(),
    described("window_end", "end of the window; an event at this instant belongs to the next one"),
    ...(of.key?.columns.map((key) => described(key.column, of.comment(key.column))) ?? []),
    ...of.rules.shown.map((one) =>
      nameOf(one) === "created_at"
        ? described("created_at", "when the first event of the window was counted")
        : described(nameOf(one), of.comment(nameOf(one))),
    ),
    described(
      "state",
      "open: events may still come; final: the watermark has passed the window, and only an amendment changes the row",
    ),
    described("revision", "0 while open, 1 when first final, then one more for each amendment"),
    described("finalized_at", "when the row became final; null while open"),
    described("updated_at", "when the row was last written: the start of that transaction"),
  ];
  const sql = `CREATE OR REPLACE VIEW ${name} AS
  SELECT ${["w.window_start", "e.window_end", ...of.keyTexts(), ...shown].join(", ")},
    CASE WHEN m.has_passed THEN 'final' ELSE 'open' END AS state,
    CASE WHEN m.has_passed THEN 1 + w.amendments ELSE 0 END AS revision, f.finalized_at,
    coalesce(f.finalized_at, w.changed_at) AS updated_at
  FROM ${of.window} AS w${of.keyJoin("w", "LEFT JOIN")}
  CROSS JOIN LATERAL (SELECT w.window_start + window_length(${stream}) AS window_end) AS e
  CROSS JOIN LATERAL (
    SELECT e.window_end <= (SELECT watermark FROM stream_state WHERE stream = ${stream}) AS has_passed) AS m
  CROSS JOIN LATERAL (
    SELECT CASE WHEN m.has_passed THEN greatest(w.changed_at, (SELECT at FROM finality
      WHERE stream = ${stream} AND up_to >= e.window_end ORDER BY up_to LIMIT 1)) END AS finalized_at) AS f;

${commentsOn("VIEW", name, `${of.words.rows}: ${of.words.each}`, comments)}

GRANT SELECT ON ${name} TO smartgrid_api, smartgrid_read;
`;
  return { name, sql };
}

export function amendmentsOf(of: StreamColumns): RenderedSource {
  const name = `${of.name}_amendments`;
  const { shown, count } = of.rules;
  const contract = shown.slice(0, shown.indexOf("created_at")).map(nameOf);
  const compared = [count, ...contract.filter((column) => column !== count)];
  const key = of.shownKey.join(", ");
  const comments = [
    of.windowStart(),
    ...(of.key?.columns.map((one) => described(one.column, of.comment(one.column))) ?? []),
    described("revision", "the revision that the change made"),
    described("amended_at", "when"),
    described(
      "because",
      "why: topic-partition:{[from,to)} offsets of late events, or the amendment's number and reason",
    ),
    ...compared.flatMap((one) => [
      described(`old_${one}`, `before: ${of.comment(one)}`),
      described(`new_${one}`, `after: ${of.comment(one)}`),
    ]),
  ];
  const revision = [key, "revision", ...compared].join(", ");
  const sql = `CREATE OR REPLACE VIEW ${name} AS
  SELECT ${key}, revision + 1 AS revision, replaced_at AS amended_at, replaced_because AS because,
    ${compared.map((one) => `${one} AS old_${one}, new_${one}`).join(", ")}
  FROM (
    SELECT *, ${compared.map((one) => `lead(${one}) OVER revisions AS new_${one}`).join(", ")}
    FROM (
      SELECT ${revision}, replaced_at, replaced_because FROM ${of.name}_aggregates_history
      UNION ALL
      SELECT ${revision}, NULL, NULL FROM ${of.name}_aggregates_realtime WHERE revision > 1) AS all_revisions
    WINDOW revisions AS (PARTITION BY ${key} ORDER BY revision)) AS paired
  WHERE replaced_at IS NOT NULL;

${commentsOn("VIEW", name, `Every change of a final row of ${of.name}_aggregates_realtime, old beside new`, comments)}

GRANT SELECT ON ${name} TO smartgrid_read;
`;
  return { name, sql };
}
