CREATE OR REPLACE FUNCTION commit_consumption(
  header jsonb,
  event_keys uuid[], event_times_us bigint[], contents bigint[], event_offsets bigint[],
  refused_offsets bigint[], refused_reasons text[], refused_fields text[], refused_values bytea[],
  too_late_offsets bigint[], too_late_times_us bigint[], too_late_values bytea[],
  window_starts_us bigint[], customer_ids text[], counts bigint[], energies_kwh numeric[]
) RETURNS jsonb LANGUAGE plpgsql
SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  outcome jsonb := claim_batch(header, event_keys, event_times_us, contents, event_offsets, refused_offsets,
    refused_reasons, refused_fields, refused_values, too_late_offsets, too_late_times_us, too_late_values);
  mark timestamptz := instant((outcome->>'watermarkUs')::bigint);
  late_events bigint;
BEGIN
  IF NOT (outcome->>'applied')::boolean THEN RETURN outcome; END IF;
  INSERT INTO consumption_aggregates_realtime AS t (window_start, window_end, customer_id, reading_count,
    total_consumption, state, revision, finalized_at)
  SELECT p.start, p.start + interval '1 hour', p.customer_id, p.count, p.energy_kwh, f.state,
    (f.state = 'final')::integer, CASE f.state WHEN 'final' THEN now() END
  FROM (SELECT instant(u.start_us) AS start, u.* FROM unnest(window_starts_us, customer_ids, counts, energies_kwh)
      AS u(start_us, customer_id, count, energy_kwh)) AS p,
    LATERAL (SELECT CASE WHEN p.start + interval '1 hour' <= mark THEN 'final' ELSE 'open' END AS state) AS f
  ORDER BY p.start, p.customer_id COLLATE "C"
  ON CONFLICT (window_start, customer_id) DO UPDATE SET
    reading_count = t.reading_count + excluded.reading_count,
    total_consumption = t.total_consumption + excluded.total_consumption,
    revision = CASE t.state WHEN 'final' THEN t.revision + 1 ELSE 0 END,
    finalized_at = CASE t.state WHEN 'final' THEN now() END,
    updated_at = now();
  SELECT sum(u.count) INTO late_events FROM unnest(window_starts_us, counts) AS u(start_us, count)
  WHERE instant(u.start_us) + interval '1 hour' <= mark;
  RETURN settle_late(header, outcome, late_events);
END $$;

COMMENT ON FUNCTION commit_consumption IS 'Commits the batch of a partition of the consumption stream: ledger, sums, quarantine and identities change together or not at all';

GRANT EXECUTE ON FUNCTION commit_consumption TO smartgrid_ingest, smartgrid_sweep;
