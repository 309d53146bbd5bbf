CREATE OR REPLACE FUNCTION commit_sensor(
  header jsonb,
  event_keys uuid[], event_times_us bigint[], contents bigint[], event_offsets bigint[],
  refused_offsets bigint[], refused_reasons text[], refused_fields text[], refused_values bytea[],
  too_late_offsets bigint[], too_late_times_us bigint[], too_late_values bytea[],
  window_starts_us bigint[], sensor_types text[], sensor_ids text[], counts bigint[],
  mins numeric[], maxs numeric[], sums numeric[], sums_of_squares numeric[]
) RETURNS jsonb LANGUAGE plpgsql
SECURITY DEFINER SET search_path FROM CURRENT
-- Rows are merged in the order of their keys, so that no two batches wait for each other.
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off AS $$
DECLARE
  outcome jsonb := claim_batch(header, event_keys, event_times_us, contents, event_offsets, refused_offsets,
    refused_reasons, refused_fields, refused_values, too_late_offsets, too_late_times_us, too_late_values);
  mark timestamptz := instant((outcome->>'watermarkUs')::bigint);
  newest_final timestamptz := mark - window_length('sensor');
  numbers integer[];
  late_events bigint;
  violated text;
BEGIN
  IF NOT (outcome->>'applied')::boolean THEN RETURN outcome; END IF;
  numbers := series_of(sensor_types, sensor_ids);
  LOOP
    BEGIN
      -- Not INSERT … ON CONFLICT: that logs a lock of each row before it logs the row.
      MERGE INTO sensor_window AS t
      USING (SELECT instant(u.start_us) AS window_start, u.*
        FROM unnest(window_starts_us, numbers, counts, mins, maxs, sums, sums_of_squares)
          AS u(start_us, series, count, min, max, sum, sum_squares)
        ORDER BY u.start_us, u.series) AS u
      ON t.window_start = u.window_start AND t.series = u.series
      WHEN MATCHED THEN UPDATE SET
        count = t.count + u.count,
        min_value = least(t.min_value, u.min),
        max_value = greatest(t.max_value, u.max),
        sum_value = t.sum_value + u.sum,
        sum_squares = t.sum_squares + u.sum_squares,
        amendments = t.amendments + CASE WHEN t.window_start <= newest_final THEN 1 ELSE 0 END,
        changed_at = now()
      WHEN NOT MATCHED THEN INSERT (window_start, series, count, min_value, max_value, sum_value, sum_squares,
          changed_at)
        VALUES (u.window_start, u.series, u.count, u.min, u.max, u.sum, u.sum_squares, now());
      EXIT;
    EXCEPTION WHEN unique_violation THEN
      GET STACKED DIAGNOSTICS violated = TABLE_NAME;
      IF violated NOT LIKE 'sensor_window%' THEN RAISE; END IF;
      -- Another batch has just made one of the rows. It can be seen now.
    END;
  END LOOP;
  SELECT sum(u.count) INTO late_events FROM unnest(window_starts_us, counts) AS u(start_us, count)
  WHERE instant(u.start_us) <= newest_final;
  RETURN settle_late(header, outcome, late_events);
END $$;

COMMENT ON FUNCTION commit_sensor IS 'Commits the batch of a partition of the sensor stream: ledger, sums, quarantine and identities change together or not at all';

GRANT EXECUTE ON FUNCTION commit_sensor TO smartgrid_ingest, smartgrid_sweep;
