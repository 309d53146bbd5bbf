// The functions of a stream, from its declaration: numbers of what its rows are of, the commit, and what keeps its history.

import type { RowKey } from "../streams/declaration.ts";
import { quoted, type RenderedSource, type StreamColumns } from "./stream-columns.ts";

function numbersOf(of: StreamColumns, { table, numbers, columns }: RowKey): RenderedSource {
  const names = columns.map(({ column }) => column);
  const parameters = names.map((name) => `new_${name}`).join(", ");
  const equal = names.map((name) => `s.${name} = u.${name}`).join(" AND ");
  const sql = `-- By index alone: the planner does not know yet how large a young table has become.
CREATE OR REPLACE FUNCTION ${numbers}(${names.map((name) => `new_${name} text[]`).join(", ")})
RETURNS integer[] LANGUAGE plpgsql
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off AS $$
DECLARE
  found integer[];
BEGIN
  LOOP
    SELECT array_agg(s.id ORDER BY u.n) INTO found
    FROM unnest(${parameters}) WITH ORDINALITY AS u(${names.join(", ")}, n)
    LEFT JOIN ${table} AS s ON ${equal};
    EXIT WHEN array_position(found, NULL) IS NULL;
    INSERT INTO ${table} (${names.join(", ")})
    SELECT DISTINCT ${names.map((name) => `u.${name}`).join(", ")} FROM unnest(${parameters}) AS u(${names.join(", ")})
    WHERE NOT EXISTS (SELECT FROM ${table} AS s WHERE ${equal})
    ORDER BY ${names.map((_, i) => i + 1).join(", ")} -- two batches at once wait for each other in one order
    ON CONFLICT DO NOTHING;
  END LOOP;
  RETURN found;
END $$;

COMMENT ON FUNCTION ${numbers} IS 'Numbers by which ${of.window} names its rows, in the order that is asked for; new ones are entered';
`;
  return { name: numbers, sql };
}

function commitOf(of: StreamColumns): RenderedSource {
  const { count, columns, station } = of.rules;
  const key = of.key;
  const sums = [
    { column: count, merge: "add" as const },
    ...columns.map(({ column, merge }) => ({ column, merge })),
  ];
  const merged = ({ column, merge }: (typeof sums)[number]) => {
    if (merge === "least" || merge === "greatest") return `${merge}(t.${column}, u.${column})`;
    if (merge === "countBy") return `merge_condition_counts(t.${column}, u.${column})`;
    return `t.${column} + u.${column}`;
  };
  const typeOf = ({ column, merge }: (typeof sums)[number]) =>
    column === count ? "bigint[]" : merge === "countBy" ? "jsonb[]" : "numeric[]";
  const parameters = [
    "window_starts_us bigint[]",
    ...(key?.columns.map(({ column }) => `new_${column} text[]`) ?? []),
    ...sums.map((sum) => `new_${sum.column} ${typeOf(sum)}`),
  ];
  const names = sums.map(({ column }) => column);
  const numbered = key === null ? [] : [key.number];
  const from = [...(key === null ? [] : ["numbers"]), ...names.map((name) => `new_${name}`)].join(", ");
  const numbers =
    key === null
      ? ""
      : `\n  numbers := ${key.numbers}(${key.columns.map(({ column }) => `new_${column}`).join(", ")});`;
  // Before the window, whose row all partitions need: it is locked last, and not while one waits for a station.
  const doubts = station === undefined ? "" : "\n  outcome := doubt_by_history(header, outcome);";
  const sql = `CREATE OR REPLACE FUNCTION commit_${of.name}(
  header jsonb,
  event_keys uuid[], event_times_us bigint[], contents bigint[], event_offsets bigint[],
  refused_offsets bigint[], refused_reasons text[], refused_fields text[], refused_values bytea[],
  too_late_offsets bigint[], too_late_times_us bigint[], too_late_values bytea[],
  ${parameters.join(", ")}
) RETURNS jsonb LANGUAGE plpgsql
SECURITY DEFINER SET search_path FROM CURRENT
-- Rows are merged in the order of their keys, so that no two batches wait for each other.
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off AS $$
DECLARE
  outcome jsonb := claim_batch(header, event_keys, event_times_us, contents, event_offsets, refused_offsets,
    refused_reasons, refused_fields, refused_values, too_late_offsets, too_late_times_us, too_late_values);
  mark timestamptz := instant((outcome->>'watermarkUs')::bigint);
  newest_final timestamptz := mark - window_length(${quoted(of.name)});
  numbers integer[];
  late_events bigint;
  violated text;
BEGIN
  IF NOT (outcome->>'applied')::boolean THEN RETURN outcome; END IF;${doubts}${numbers}
  LOOP
    BEGIN
      -- Not INSERT … ON CONFLICT: that logs a lock of each row before it logs the row.
      MERGE INTO ${of.window} AS t
      USING (SELECT instant(u.start_us) AS window_start, u.*
        FROM unnest(window_starts_us, ${from})
          AS u(${["start_us", ...numbered, ...names].join(", ")})
        ORDER BY ${["start_us", ...numbered].map((name) => `u.${name}`).join(", ")}) AS u
      ON ${of.rowKey.map((name) => `t.${name} = u.${name}`).join(" AND ")}
      WHEN MATCHED THEN UPDATE SET
        ${sums.map((sum) => `${sum.column} = ${merged(sum)}`).join(",\n        ")},
        amendments = t.amendments + CASE WHEN t.window_start <= newest_final THEN 1 ELSE 0 END,
        changed_at = now()
      WHEN NOT MATCHED THEN INSERT (${[...of.rowKey, ...names, "changed_at"].join(", ")})
        VALUES (${[...of.rowKey, ...names].map((name) => `u.${name}`).join(", ")}, now());
      EXIT;
    EXCEPTION
      WHEN unique_violation THEN
        GET STACKED DIAGNOSTICS violated = TABLE_NAME;
        IF violated NOT LIKE '${of.window}%' THEN RAISE; END IF;
        -- Another batch has just made one of the rows. It can be seen now.
      WHEN check_violation THEN
        GET STACKED DIAGNOSTICS violated = TABLE_NAME;
        IF violated <> '${of.window}' THEN RAISE; END IF;
        -- A month has no table yet.
        PERFORM make_months(${quoted(of.name)}, window_starts_us);
    END;
  END LOOP;
  SELECT sum(u.count) INTO late_events FROM unnest(window_starts_us, new_${count}) AS u(start_us, count)
  WHERE instant(u.start_us) <= newest_final;
  RETURN settle_late(header, outcome, late_events);
END $$;

COMMENT ON FUNCTION commit_${of.name} IS 'Commits the batch of a partition of the ${of.name} stream: ledger, sums, quarantine and identities change together or not at all';

GRANT EXECUTE ON FUNCTION commit_${of.name} TO smartgrid_ingest, smartgrid_sweep;
`;
  return { name: `commit_${of.name}`, sql };
}

function historyOf(of: StreamColumns): RenderedSource {
  const name = `keep_${of.name}_history`;
  const stream = quoted(of.name);
  const shown = of.shown();
  const kept = [...of.shownKey, ...shown.map((column) => column.name)];
  const values = ["b.window_start", ...of.keyTexts(), ...shown.map((column) => column.of("b"))];
  const sql = `-- An amendment is counted by those who make it; this keeps what was there before it.
CREATE OR REPLACE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  newest_final timestamptz := (SELECT watermark FROM stream_state WHERE stream = ${stream}) - window_length(${stream});
BEGIN
  IF newest_final IS NULL OR NOT EXISTS (SELECT FROM before WHERE window_start <= newest_final) THEN RETURN NULL; END IF;
  IF EXISTS (SELECT FROM before AS b JOIN after AS a USING (${of.rowKey.join(", ")})
    WHERE b.window_start <= newest_final AND a.amendments <> b.amendments + 1)
  THEN RAISE EXCEPTION 'a change of a final row is an amendment: SET amendments = amendments + 1, changed_at = now()'; END IF;
  INSERT INTO ${of.name}_aggregates_history (${kept.join(", ")}, revision, finalized_at, updated_at,
    replaced_because)
  SELECT ${values.join(", ")}, 1 + b.amendments, f.at, f.at, current_setting('smartgrid.cause', true)
  FROM before AS b${of.keyJoin("b", "JOIN")}
  CROSS JOIN LATERAL (SELECT greatest(b.changed_at, (SELECT at FROM finality WHERE stream = ${stream}
    AND up_to >= b.window_start + window_length(${stream}) ORDER BY up_to LIMIT 1)) AS at) AS f
  WHERE b.window_start <= newest_final;
  RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER keep_history AFTER UPDATE ON ${of.window}
  REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION ${name}();

COMMENT ON FUNCTION ${name} IS 'Trigger: keeps the revisions of final rows that were replaced';
`;
  return { name, sql };
}

export function functionsOf(of: StreamColumns): RenderedSource[] {
  return [...(of.key === null ? [] : [numbersOf(of, of.key)]), commitOf(of), historyOf(of)];
}
