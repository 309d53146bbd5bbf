CREATE OR REPLACE FUNCTION commit_consumption(
  header jsonb,
  event_keys uuid[], event_times_us bigint[], contents bigint[], event_offsets bigint[],
  refused_offsets bigint[], refused_reasons text[], refused_fields text[], refused_values bytea[],
  too_late_offsets bigint[], too_late_times_us bigint[], too_late_values bytea[],
  window_starts_us bigint[], customer_ids text[], counts bigint[], energies_kwh numeric[]
) RETURNS jsonb LANGUAGE plpgsql
SECURITY DEFINER SET search_path FROM CURRENT
-- Rows are merged in the order of their keys, so that no two batches wait for each other.
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off AS $$
DECLARE
  outcome jsonb := claim_batch(header, event_keys, event_times_us, contents, event_offsets, refused_offsets,
    refused_reasons, refused_fields, refused_values, too_late_offsets, too_late_times_us, too_late_values);
  mark timestamptz := instant((outcome->>'watermarkUs')::bigint);
  newest_final timestamptz := mark - window_length('consumption');
  numbers integer[];
  late_events bigint;
  violated text;
BEGIN
  IF NOT (outcome->>'applied')::boolean THEN RETURN outcome; END IF;
  numbers := customers_of(customer_ids);
  LOOP
    BEGIN
      -- Not INSERT … ON CONFLICT: that logs a lock of each row before it logs the row.
      MERGE INTO consumption_window AS t
      USING (SELECT instant(u.start_us) AS window_start, u.*
        FROM unnest(window_starts_us, numbers, counts, energies_kwh) AS u(start_us, customer, count, energy_kwh)
        ORDER BY u.start_us, u.customer) AS u
      ON t.window_start = u.window_start AND t.customer = u.customer
      WHEN MATCHED THEN UPDATE SET
        reading_count = t.reading_count + u.count,
        total_consumption = t.total_consumption + u.energy_kwh,
        amendments = t.amendments + CASE WHEN t.window_start <= newest_final THEN 1 ELSE 0 END,
        changed_at = now()
      WHEN NOT MATCHED THEN INSERT (window_start, customer, reading_count, total_consumption, changed_at)
        VALUES (u.window_start, u.customer, u.count, u.energy_kwh, now());
      EXIT;
    EXCEPTION WHEN unique_violation THEN
      GET STACKED DIAGNOSTICS violated = TABLE_NAME;
      IF violated NOT LIKE 'consumption_window%' THEN RAISE; END IF;
      -- Another batch has just made one of the rows. It can be seen now.
    END;
  END LOOP;
  SELECT sum(u.count) INTO late_events FROM unnest(window_starts_us, counts) AS u(start_us, count)
  WHERE instant(u.start_us) <= newest_final;
  RETURN settle_late(header, outcome, late_events);
END $$;

COMMENT ON FUNCTION commit_consumption IS 'Commits the batch of a partition of the consumption stream: ledger, sums, quarantine and identities change together or not at all';

GRANT EXECUTE ON FUNCTION commit_consumption TO smartgrid_ingest, smartgrid_sweep;
