-- Making rows final: up to `most` open rows whose window the stream's watermark has passed, in the order in which
-- commits lock them. Returns how many; the caller goes on until it is less than `most`. By window_end, which is the same
-- order as window_start (a stream's windows are of one length), they are found along the index of open rows, and rows
-- that are final already cost nothing (docs/scale.md).
CREATE OR REPLACE FUNCTION finalise_sensor(most integer) RETURNS integer LANGUAGE plpgsql
SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  mark timestamptz := (SELECT watermark FROM stream_state WHERE stream = 'sensor');
  finalised integer;
BEGIN
  WITH due AS (
    SELECT window_start, sensor_type, sensor_id FROM sensor_aggregates_realtime
    WHERE state = 'open' AND window_end <= mark
    ORDER BY window_end, sensor_type, sensor_id LIMIT most FOR UPDATE)
  UPDATE sensor_aggregates_realtime AS t
  SET state = 'final', revision = 1, finalized_at = now(), updated_at = now()
  FROM due WHERE (t.window_start, t.sensor_type, t.sensor_id) = (due.window_start, due.sensor_type, due.sensor_id)
    AND t.state = 'open';
  GET DIAGNOSTICS finalised = ROW_COUNT;
  RETURN finalised;
END $$;

COMMENT ON FUNCTION finalise_sensor IS 'Makes up to so many open rows final whose window the watermark has passed; returns how many';

GRANT EXECUTE ON FUNCTION finalise_sensor TO smartgrid_sweep;
