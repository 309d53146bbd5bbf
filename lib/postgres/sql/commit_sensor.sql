CREATE OR REPLACE FUNCTION commit_sensor(
  header jsonb,
  event_keys uuid[], event_times_us bigint[], contents bigint[], event_offsets bigint[],
  refused_offsets bigint[], refused_reasons text[], refused_fields text[], refused_values bytea[],
  too_late_offsets bigint[], too_late_times_us bigint[], too_late_values bytea[],
  window_starts_us bigint[], sensor_types text[], sensor_ids text[], counts bigint[],
  mins numeric[], maxs numeric[], sums numeric[], sums_of_squares numeric[]
) RETURNS jsonb LANGUAGE plpgsql
SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  outcome jsonb := claim_batch(header, event_keys, event_times_us, contents, event_offsets, refused_offsets,
    refused_reasons, refused_fields, refused_values, too_late_offsets, too_late_times_us, too_late_values);
  mark timestamptz := instant((outcome->>'watermarkUs')::bigint);
  late_events bigint;
BEGIN
  IF NOT (outcome->>'applied')::boolean THEN RETURN outcome; END IF;
  INSERT INTO sensor_aggregates_realtime AS t (window_start, window_end, sensor_type, sensor_id, count,
    min_value, max_value, sum_value, sum_squares, state, revision, finalized_at)
  SELECT p.start, p.start + interval '5 minutes', p.sensor_type, p.sensor_id, p.count,
    p.min, p.max, p.sum, p.sum_squares, f.state, (f.state = 'final')::integer,
    CASE f.state WHEN 'final' THEN now() END
  FROM (SELECT instant(u.start_us) AS start, u.* FROM unnest(window_starts_us, sensor_types, sensor_ids, counts,
      mins, maxs, sums, sums_of_squares)
      AS u(start_us, sensor_type, sensor_id, count, min, max, sum, sum_squares)) AS p,
    LATERAL (SELECT CASE WHEN p.start + interval '5 minutes' <= mark THEN 'final' ELSE 'open' END AS state) AS f
  ORDER BY p.start, p.sensor_type COLLATE "C", p.sensor_id COLLATE "C"
  ON CONFLICT (window_start, sensor_type, sensor_id) DO UPDATE SET
    count = t.count + excluded.count,
    min_value = least(t.min_value, excluded.min_value),
    max_value = greatest(t.max_value, excluded.max_value),
    sum_value = t.sum_value + excluded.sum_value,
    sum_squares = t.sum_squares + excluded.sum_squares,
    revision = CASE t.state WHEN 'final' THEN t.revision + 1 ELSE 0 END,
    finalized_at = CASE t.state WHEN 'final' THEN now() END,
    updated_at = now();
  SELECT sum(u.count) INTO late_events FROM unnest(window_starts_us, counts) AS u(start_us, count)
  WHERE instant(u.start_us) + interval '5 minutes' <= mark;
  RETURN settle_late(header, outcome, late_events);
END $$;

COMMENT ON FUNCTION commit_sensor IS 'Commits the batch of a partition of the sensor stream: ledger, sums, quarantine and identities change together or not at all';

GRANT EXECUTE ON FUNCTION commit_sensor TO smartgrid_ingest, smartgrid_sweep;
