CREATE OR REPLACE FUNCTION keep_consumption_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO consumption_aggregates_history (window_start, customer_id, revision, total_consumption,
    avg_consumption, reading_count, finalized_at, updated_at, replaced_because)
  VALUES (OLD.window_start, OLD.customer_id, OLD.revision, OLD.total_consumption,
    OLD.avg_consumption, OLD.reading_count, OLD.finalized_at, OLD.updated_at,
    current_setting('smartgrid.cause', true));
  RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER keep_history BEFORE UPDATE ON consumption_aggregates_realtime
  FOR EACH ROW WHEN (OLD.state = 'final') EXECUTE FUNCTION keep_consumption_history();

COMMENT ON FUNCTION keep_consumption_history IS 'Trigger: keeps the revision of a final row that is about to be replaced';
