CREATE OR REPLACE FUNCTION merge_condition_counts(a jsonb, b jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT jsonb_object_agg(key, events) FROM (
    SELECT key, sum(value::bigint) AS events
    FROM (SELECT * FROM jsonb_each_text(a) UNION ALL SELECT * FROM jsonb_each_text(b)) AS both_sides
    GROUP BY key) AS merged
$$;

COMMENT ON FUNCTION merge_condition_counts IS 'Adds up how many events had each condition';
