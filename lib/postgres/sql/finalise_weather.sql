CREATE OR REPLACE FUNCTION finalise_weather(most integer) RETURNS integer LANGUAGE plpgsql
SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  mark timestamptz := (SELECT watermark FROM stream_state WHERE stream = 'weather');
  finalised integer;
BEGIN
  WITH due AS (
    SELECT window_start FROM weather_aggregates_realtime
    WHERE state = 'open' AND window_end <= mark
    ORDER BY window_end LIMIT most FOR UPDATE)
  UPDATE weather_aggregates_realtime AS t
  SET state = 'final', revision = 1, finalized_at = now(), updated_at = now()
  FROM due WHERE t.window_start = due.window_start AND t.state = 'open';
  GET DIAGNOSTICS finalised = ROW_COUNT;
  RETURN finalised;
END $$;

COMMENT ON FUNCTION finalise_weather IS 'Makes up to so many open rows final whose window the watermark has passed; returns how many';

GRANT EXECUTE ON FUNCTION finalise_weather TO smartgrid_sweep;
