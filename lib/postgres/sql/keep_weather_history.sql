CREATE OR REPLACE FUNCTION keep_weather_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO weather_aggregates_history (window_start, revision, avg_temperature, avg_humidity, avg_pressure,
    avg_wind_speed, weather_condition, event_count, condition_counts, finalized_at, updated_at, replaced_because)
  VALUES (OLD.window_start, OLD.revision, OLD.avg_temperature, OLD.avg_humidity, OLD.avg_pressure,
    OLD.avg_wind_speed, OLD.weather_condition, OLD.event_count, OLD.condition_counts, OLD.finalized_at,
    OLD.updated_at, current_setting('smartgrid.cause', true));
  RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER keep_history BEFORE UPDATE ON weather_aggregates_realtime
  FOR EACH ROW WHEN (OLD.state = 'final') EXECUTE FUNCTION keep_weather_history();

COMMENT ON FUNCTION keep_weather_history IS 'Trigger: keeps the revision of a final row that is about to be replaced';
