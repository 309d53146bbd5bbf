-- Brings the rows of an entry to their values after it, as a new revision where they are final.
CREATE OR REPLACE FUNCTION change_sensor_rows(entry bigint) RETURNS void LANGUAGE sql AS $$
  UPDATE sensor_window AS t SET
    count = r.count_after, min_value = r.min_after, max_value = r.max_after,
    sum_value = r.sum_after, sum_squares = r.sum_squares_after,
    amendments = t.amendments + CASE WHEN t.window_start + window_length('sensor') <= m.mark THEN 1 ELSE 0 END,
    changed_at = now()
  FROM amendment_row AS r JOIN sensor_series AS s ON (s.sensor_type, s.sensor_id) = (r.sensor_type, r.key),
    share_finality('sensor') AS m(mark)
  WHERE r.amendment_id = entry AND (t.window_start, t.series) = (r.window_start, s.id)
    AND (t.count, t.min_value, t.max_value, t.sum_value, t.sum_squares)
      IS DISTINCT FROM (r.count_after, r.min_after, r.max_after, r.sum_after, r.sum_squares_after)
$$;

COMMENT ON FUNCTION change_sensor_rows IS 'Brings the rows of sensors to what an amendment''s entry says';
