CREATE OR REPLACE FUNCTION keep_sensor_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO sensor_aggregates_history (window_start, sensor_type, sensor_id, revision, avg_value, min_value,
    max_value, count, stddev_value, sum_value, sum_squares, finalized_at, updated_at, replaced_because)
  VALUES (OLD.window_start, OLD.sensor_type, OLD.sensor_id, OLD.revision, OLD.avg_value, OLD.min_value,
    OLD.max_value, OLD.count, OLD.stddev_value, OLD.sum_value, OLD.sum_squares, OLD.finalized_at, OLD.updated_at,
    current_setting('smartgrid.cause', true));
  RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER keep_history BEFORE UPDATE ON sensor_aggregates_realtime
  FOR EACH ROW WHEN (OLD.state = 'final') EXECUTE FUNCTION keep_sensor_history();

COMMENT ON FUNCTION keep_sensor_history IS 'Trigger: keeps the revision of a final row that is about to be replaced';
