CREATE OR REPLACE FUNCTION change_consumption_rows(entry bigint) RETURNS void LANGUAGE sql AS $$
  UPDATE consumption_aggregates_realtime AS t SET
    reading_count = r.count_after, total_consumption = r.sum_after,
    revision = CASE t.state WHEN 'final' THEN t.revision + 1 ELSE 0 END,
    finalized_at = CASE t.state WHEN 'final' THEN now() END,
    updated_at = now()
  FROM amendment_row AS r
  WHERE r.amendment_id = entry AND (t.window_start, t.customer_id) = (r.window_start, r.key)
    AND (t.reading_count, t.total_consumption) IS DISTINCT FROM (r.count_after, r.sum_after)
$$;

COMMENT ON FUNCTION change_consumption_rows IS 'Brings the rows of consumption to what an amendment''s entry says';
