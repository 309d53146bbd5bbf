-- Removes everything that the windows within the span hold of one sensor or customer, whatever it was made of.
-- Answers its summary, or {"id": null} where the windows hold nothing.
CREATE OR REPLACE FUNCTION empty_windows(header jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  entry bigint;
  window_from timestamptz := instant((header->>'fromUs')::bigint);
  window_to timestamptz := instant((header->>'toUs')::bigint);
  sensor text := header->'selector'->>'sensor';
  wanted_type text := header->'selector'->>'type';
  of_customer text := header->'selector'->>'customer';
  starts timestamptz[];
  types text[];
BEGIN
  PERFORM share_finality(header->>'stream');
  IF sensor IS NOT NULL THEN
    SELECT array_agg(window_start), array_agg(sensor_type) INTO starts, types FROM (
      SELECT w.window_start, s.sensor_type FROM sensor_series AS s JOIN sensor_window AS w ON w.series = s.id
      WHERE s.sensor_id = sensor AND (wanted_type IS NULL OR s.sensor_type = wanted_type) AND w.count > 0
        AND w.window_start >= window_from AND w.window_start <= window_to - window_length('sensor')
      ORDER BY w.window_start, w.series FOR UPDATE OF w) AS locked;
  ELSE
    SELECT array_agg(window_start) INTO starts FROM (
      SELECT w.window_start FROM customer AS c JOIN consumption_window AS w ON w.customer = c.id
      WHERE c.customer_id = of_customer AND w.reading_count > 0
        AND w.window_start >= window_from AND w.window_start <= window_to - window_length('consumption')
      ORDER BY w.window_start FOR UPDATE OF w) AS locked;
  END IF;
  IF starts IS NULL THEN RETURN amendment_summary(NULL); END IF;

  entry := enter_amendment(header);
  IF sensor IS NOT NULL THEN
    INSERT INTO amendment_row (amendment_id, window_start, sensor_type, key, count_before, count_after, sum_before,
      sum_after, sum_squares_before, sum_squares_after, min_before, max_before)
    SELECT entry, t.window_start, t.sensor_type, t.sensor_id, t.count, 0, t.sum_value, 0.000000, t.sum_squares,
      0.000000000000, t.min_value, t.max_value
    FROM unnest(starts, types) AS locked(start, type)
    JOIN sensor_aggregates_realtime AS t
      ON (t.window_start, t.sensor_type, t.sensor_id) = (locked.start, locked.type, sensor);
    PERFORM change_sensor_rows(entry);
  ELSE
    INSERT INTO amendment_row (amendment_id, window_start, sensor_type, key, count_before, count_after, sum_before,
      sum_after)
    SELECT entry, t.window_start, '', t.customer_id, t.reading_count, 0, t.total_consumption, 0.000000
    FROM unnest(starts) AS locked(start)
    JOIN consumption_aggregates_realtime AS t ON (t.window_start, t.customer_id) = (locked.start, of_customer);
    PERFORM change_consumption_rows(entry);
  END IF;
  RETURN amendment_summary(entry);
END $$;

COMMENT ON FUNCTION empty_windows IS 'Amends whole windows to hold nothing of a sensor or customer, without reading events';
