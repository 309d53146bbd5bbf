CREATE OR REPLACE FUNCTION commit_weather(
  header jsonb,
  event_keys uuid[], event_times_us bigint[], contents bigint[], event_offsets bigint[],
  refused_offsets bigint[], refused_reasons text[], refused_fields text[], refused_values bytea[],
  too_late_offsets bigint[], too_late_times_us bigint[], too_late_values bytea[],
  window_starts_us bigint[], counts bigint[], temperatures numeric[], humidities numeric[],
  pressures numeric[], wind_speeds numeric[], condition_counts jsonb[]
) RETURNS jsonb LANGUAGE plpgsql
SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  outcome jsonb := claim_batch(header, event_keys, event_times_us, contents, event_offsets, refused_offsets,
    refused_reasons, refused_fields, refused_values, too_late_offsets, too_late_times_us, too_late_values);
  mark timestamptz := instant((outcome->>'watermarkUs')::bigint);
  newest_final timestamptz := mark - window_length('weather');
  late_events bigint;
BEGIN
  IF NOT (outcome->>'applied')::boolean THEN RETURN outcome; END IF;
  -- Before the window, whose row all partitions need: it is locked last, and not while one waits for a station.
  outcome := doubt_by_history(header, outcome);
  INSERT INTO weather_window AS t (window_start, event_count, sum_temperature, sum_humidity, sum_pressure,
    sum_wind_speed, condition_counts, changed_at)
  SELECT instant(u.start_us), u.count, u.temperature, u.humidity, u.pressure, u.wind_speed, u.condition_counts, now()
  FROM unnest(window_starts_us, counts, temperatures, humidities, pressures, wind_speeds, condition_counts)
    AS u(start_us, count, temperature, humidity, pressure, wind_speed, condition_counts)
  ORDER BY u.start_us
  ON CONFLICT (window_start) DO UPDATE SET
    event_count = t.event_count + excluded.event_count,
    sum_temperature = t.sum_temperature + excluded.sum_temperature,
    sum_humidity = t.sum_humidity + excluded.sum_humidity,
    sum_pressure = t.sum_pressure + excluded.sum_pressure,
    sum_wind_speed = t.sum_wind_speed + excluded.sum_wind_speed,
    condition_counts = merge_condition_counts(t.condition_counts, excluded.condition_counts),
    amendments = t.amendments + CASE WHEN t.window_start <= newest_final THEN 1 ELSE 0 END,
    changed_at = now();
  SELECT sum(u.count) INTO late_events FROM unnest(window_starts_us, counts) AS u(start_us, count)
  WHERE instant(u.start_us) <= newest_final;
  RETURN settle_late(header, outcome, late_events);
END $$;

COMMENT ON FUNCTION commit_weather IS 'Commits the batch of a partition of the weather stream: ledger, sums, quarantine and identities change together or not at all';

GRANT EXECUTE ON FUNCTION commit_weather TO smartgrid_ingest, smartgrid_sweep;
