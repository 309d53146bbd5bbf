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
  newest_final timestamptz := mark - window_length('consumption');
  numbers integer[];
  late_events bigint;
BEGIN
  IF NOT (outcome->>'applied')::boolean THEN RETURN outcome; END IF;
  numbers := customers_of(customer_ids);
  INSERT INTO consumption_window AS t (window_start, customer, reading_count, total_consumption, changed_at)
  SELECT instant(u.start_us), u.customer, u.count, u.energy_kwh, now()
  FROM unnest(window_starts_us, numbers, counts, energies_kwh) AS u(start_us, customer, count, energy_kwh)
  ORDER BY u.start_us, u.customer
  ON CONFLICT (window_start, customer) DO UPDATE SET
    reading_count = t.reading_count + excluded.reading_count,
    total_consumption = t.total_consumption + excluded.total_consumption,
    amendments = t.amendments + CASE WHEN t.window_start <= newest_final THEN 1 ELSE 0 END,
    changed_at = now();
  SELECT sum(u.count) INTO late_events FROM unnest(window_starts_us, counts) AS u(start_us, count)
  WHERE instant(u.start_us) <= newest_final;
  RETURN settle_late(header, outcome, late_events);
END $$;

COMMENT ON FUNCTION commit_consumption IS 'Commits the batch of a partition of the consumption stream: ledger, sums, quarantine and identities change together or not at all';

GRANT EXECUTE ON FUNCTION commit_consumption TO smartgrid_ingest, smartgrid_sweep;
