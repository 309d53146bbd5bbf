-- An amendment is counted by those who make it; this keeps what was there before it.
CREATE OR REPLACE FUNCTION keep_sensor_history() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  newest_final timestamptz := (SELECT watermark FROM stream_state WHERE stream = 'sensor') - window_length('sensor');
BEGIN
  IF newest_final IS NULL OR NOT EXISTS (SELECT FROM before WHERE window_start <= newest_final) THEN RETURN NULL; END IF;
  IF EXISTS (SELECT FROM before AS b JOIN after AS a USING (window_start, series)
    WHERE b.window_start <= newest_final AND a.amendments <> b.amendments + 1)
  THEN RAISE EXCEPTION 'a change of a final row is an amendment: SET amendments = amendments + 1, changed_at = now()'; END IF;
  INSERT INTO sensor_aggregates_history (window_start, sensor_type, sensor_id, avg_value, min_value, max_value, count, stddev_value,
    sum_value, sum_squares, revision, finalized_at, updated_at, replaced_because)
  SELECT b.window_start, s.sensor_type, s.sensor_id, b.sum_value / nullif(b.count, 0), b.min_value, b.max_value, b.count,
    sample_stddev(b.count, b.sum_value, b.sum_squares), b.sum_value, b.sum_squares, 1 + b.amendments, f.at, f.at, current_setting('smartgrid.cause', true)
  FROM before AS b JOIN sensor_series AS s ON s.id = b.series
  CROSS JOIN LATERAL (SELECT greatest(b.changed_at, (SELECT at FROM finality WHERE stream = 'sensor'
    AND up_to >= b.window_start + window_length('sensor') ORDER BY up_to LIMIT 1)) AS at) AS f
  WHERE b.window_start <= newest_final;
  RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER keep_history AFTER UPDATE ON sensor_window
  REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION keep_sensor_history();

COMMENT ON FUNCTION keep_sensor_history IS 'Trigger: keeps the revisions of final rows that were replaced';
