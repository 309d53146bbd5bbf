-- Reverts an entry by the differences that it made, which events that came since do not disturb.
-- header: reverts, reason, by. Answers its summary; or {"needsEvents": why} where sums do not say what the rows would be,
-- because amendments build upon each other or an extreme value cannot be told; then nothing has changed.
CREATE OR REPLACE FUNCTION revert_amendment(header jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  reverted amendment%ROWTYPE;
  undone bigint;
  entry bigint;
BEGIN
  SELECT * INTO reverted FROM amendment WHERE id = (header->>'reverts')::bigint FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no amendment %', header->>'reverts' USING ERRCODE = 'SG001';
  END IF;
  IF reverted.kind = 'revert' THEN
    RAISE EXCEPTION 'amendment % is itself a revert: make the amendment % again instead', reverted.id, reverted.reverts
      USING ERRCODE = 'SG001';
  END IF;
  SELECT id INTO undone FROM amendment WHERE reverts = reverted.id;
  IF FOUND THEN
    RAISE EXCEPTION 'amendment % has been reverted before, by amendment %', reverted.id, undone
      USING ERRCODE = 'SG001';
  END IF;

  PERFORM share_finality(reverted.stream);
  PERFORM FROM amendment_row AS r JOIN sensor_series AS s ON (s.sensor_type, s.sensor_id) = (r.sensor_type, r.key)
  JOIN sensor_window AS t ON (t.window_start, t.series) = (r.window_start, s.id)
  WHERE r.amendment_id = reverted.id AND reverted.stream = 'sensor'
  ORDER BY t.window_start, t.series FOR UPDATE OF t;
  PERFORM FROM amendment_row AS r JOIN customer AS c ON c.customer_id = r.key
  JOIN consumption_window AS t ON (t.window_start, t.customer) = (r.window_start, c.id)
  WHERE r.amendment_id = reverted.id AND reverted.stream = 'consumption'
  ORDER BY t.window_start, t.customer FOR UPDATE OF t;

  -- Later entries on the same rows disturb, unless they and their reverts cancel each other.
  IF EXISTS (
    SELECT FROM amendment AS later
    JOIN amendment_row AS theirs ON theirs.amendment_id = later.id
    JOIN amendment_row AS ours ON ours.amendment_id = reverted.id
      AND (ours.window_start, ours.sensor_type, ours.key) = (theirs.window_start, theirs.sensor_type, theirs.key)
    WHERE later.id > reverted.id AND later.stream = reverted.stream
      AND CASE later.kind WHEN 'revert' THEN later.reverts < reverted.id
        ELSE NOT EXISTS (SELECT FROM amendment AS undoing WHERE undoing.reverts = later.id) END)
  THEN RETURN jsonb_build_object('needsEvents', 'later amendments changed the same rows'); END IF;
  IF EXISTS (
    SELECT FROM amendment_row AS r
    JOIN sensor_aggregates_realtime AS t
      ON (t.window_start, t.sensor_type, t.sensor_id) = (r.window_start, r.sensor_type, r.key)
    WHERE r.amendment_id = reverted.id AND reverted.stream = 'sensor'
      AND (extreme_taken_back(1, r.min_before, r.min_after, t.min_value, t.count > r.count_after) IS NULL
        OR extreme_taken_back(-1, r.max_before, r.max_after, t.max_value, t.count > r.count_after) IS NULL))
  THEN RETURN jsonb_build_object('needsEvents', 'events came since, and sums do not say the smallest or largest'); END IF;

  entry := enter_amendment(jsonb_build_object('kind', 'revert', 'stream', reverted.stream, 'topic', reverted.topic,
    'selector', reverted.selector, 'fromUs', epoch_us(reverted.span_from), 'toUs', epoch_us(reverted.span_to),
    'reverts', reverted.id, 'reason', header->>'reason', 'by', header->>'by', 'dryRun', header->'dryRun'));
  INSERT INTO amendment_row (amendment_id, window_start, sensor_type, key, count_before, count_after, sum_before,
    sum_after, sum_squares_before, sum_squares_after, min_before, min_after, max_before, max_after)
  SELECT entry, r.window_start, r.sensor_type, r.key, t.count, t.count + r.count_before - r.count_after,
    t.sum_value, t.sum_value + r.sum_before - r.sum_after,
    t.sum_squares, t.sum_squares + r.sum_squares_before - r.sum_squares_after,
    t.min_value, extreme_taken_back(1, r.min_before, r.min_after, t.min_value, t.count > r.count_after),
    t.max_value, extreme_taken_back(-1, r.max_before, r.max_after, t.max_value, t.count > r.count_after)
  FROM amendment_row AS r
  JOIN sensor_aggregates_realtime AS t
    ON (t.window_start, t.sensor_type, t.sensor_id) = (r.window_start, r.sensor_type, r.key)
  WHERE r.amendment_id = reverted.id AND reverted.stream = 'sensor';
  INSERT INTO amendment_row (amendment_id, window_start, sensor_type, key, count_before, count_after, sum_before,
    sum_after)
  SELECT entry, r.window_start, '', r.key, t.reading_count, t.reading_count + r.count_before - r.count_after,
    t.total_consumption, t.total_consumption + r.sum_before - r.sum_after
  FROM amendment_row AS r
  JOIN consumption_aggregates_realtime AS t ON (t.window_start, t.customer_id) = (r.window_start, r.key)
  WHERE r.amendment_id = reverted.id AND reverted.stream = 'consumption';
  PERFORM CASE reverted.stream WHEN 'sensor' THEN change_sensor_rows(entry) ELSE change_consumption_rows(entry) END;
  RETURN amendment_summary(entry);
END $$;

COMMENT ON FUNCTION revert_amendment IS 'Reverts an amendment by the differences that it made, or says why that takes the events';
