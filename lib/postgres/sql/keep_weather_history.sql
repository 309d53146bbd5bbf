-- An amendment is counted by those who make it; this keeps what was there before it.
CREATE OR REPLACE FUNCTION keep_weather_history() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  newest_final timestamptz := (SELECT watermark FROM stream_state WHERE stream = 'weather') - window_length('weather');
BEGIN
  IF newest_final IS NULL OR NOT EXISTS (SELECT FROM before WHERE window_start <= newest_final) THEN RETURN NULL; END IF;
  IF EXISTS (SELECT FROM before AS b JOIN after AS a USING (window_start)
    WHERE b.window_start <= newest_final AND a.amendments <> b.amendments + 1)
  THEN RAISE EXCEPTION 'a change of a final row is an amendment: SET amendments = amendments + 1, changed_at = now()'; END IF;
  INSERT INTO weather_aggregates_history (window_start, avg_temperature, avg_humidity, avg_pressure, avg_wind_speed, weather_condition,
    event_count, condition_counts, revision, finalized_at, updated_at, replaced_because)
  SELECT b.window_start, b.sum_temperature / b.event_count, b.sum_humidity / b.event_count, b.sum_pressure / b.event_count,
    b.sum_wind_speed / b.event_count, dominant_condition(b.condition_counts), b.event_count, b.condition_counts, 1 + b.amendments, f.at, f.at, current_setting('smartgrid.cause', true)
  FROM before AS b
  CROSS JOIN LATERAL (SELECT greatest(b.changed_at, (SELECT at FROM finality WHERE stream = 'weather'
    AND up_to >= b.window_start + window_length('weather') ORDER BY up_to LIMIT 1)) AS at) AS f
  WHERE b.window_start <= newest_final;
  RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER keep_history AFTER UPDATE ON weather_window
  REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION keep_weather_history();

COMMENT ON FUNCTION keep_weather_history IS 'Trigger: keeps the revisions of final rows that were replaced';
