-- Making rows final: up to `most` open rows whose window the stream's watermark has passed, in the order in which
-- commits lock them. Returns how many; the caller goes on until it is less than `most`. By window_end, which is the same
-- order as window_start (a stream's windows are of one length), they are found along the index of open rows, and rows
-- that are final already cost nothing (docs/scale.md).

CREATE FUNCTION finalise_sensor(most integer) RETURNS integer LANGUAGE plpgsql AS $$
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

CREATE FUNCTION finalise_consumption(most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  mark timestamptz := (SELECT watermark FROM stream_state WHERE stream = 'consumption');
  finalised integer;
BEGIN
  WITH due AS (
    SELECT window_start, customer_id FROM consumption_aggregates_realtime
    WHERE state = 'open' AND window_end <= mark
    ORDER BY window_end, customer_id LIMIT most FOR UPDATE)
  UPDATE consumption_aggregates_realtime AS t
  SET state = 'final', revision = 1, finalized_at = now(), updated_at = now()
  FROM due WHERE (t.window_start, t.customer_id) = (due.window_start, due.customer_id) AND t.state = 'open';
  GET DIAGNOSTICS finalised = ROW_COUNT;
  RETURN finalised;
END $$;

CREATE FUNCTION finalise_weather(most integer) RETURNS integer LANGUAGE plpgsql AS $$
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

-- Enters offsets that hold no record into a partition's ranges; counts stay as they are.
CREATE FUNCTION settle_holes(
  of_source text, of_topic text, of_partition integer, of_incarnation integer, holes int8multirange
) RETURNS void LANGUAGE sql AS $$
  INSERT INTO ledger AS l (source, topic, partition, incarnation, applied)
  VALUES (of_source, of_topic, of_partition, of_incarnation, holes)
  ON CONFLICT (source, topic, partition, incarnation) DO UPDATE SET applied = l.applied + excluded.applied
$$;
