-- Brings the rows of an entry to their values after it, as a new revision where they are final.
CREATE OR REPLACE FUNCTION change_sensor_rows(entry bigint) RETURNS void LANGUAGE sql AS $$
  UPDATE sensor_aggregates_realtime AS t SET
    count = r.count_after, min_value = r.min_after, max_value = r.max_after,
    sum_value = r.sum_after, sum_squares = r.sum_squares_after,
    revision = CASE t.state WHEN 'final' THEN t.revision + 1 ELSE 0 END,
    finalized_at = CASE t.state WHEN 'final' THEN now() END,
    updated_at = now()
  FROM amendment_row AS r
  WHERE r.amendment_id = entry
    AND (t.window_start, t.sensor_type, t.sensor_id) = (r.window_start, r.sensor_type, r.key)
    AND (t.count, t.min_value, t.max_value, t.sum_value, t.sum_squares)
      IS DISTINCT FROM (r.count_after, r.min_after, r.max_after, r.sum_after, r.sum_squares_after)
$$;

COMMENT ON FUNCTION change_sensor_rows IS 'Brings the rows of sensors to what an amendment''s entry says';
