-- The commit of one partition's batch: one call, one transaction. PostgreSQL judges whether the caller folded the
-- batch on facts that still hold (which offsets are new, what time it is, where the watermark stands, which
-- identities were seen). If so, ledger, sums, quarantine and identities change together and the outcome says
-- "applied": true. If not, nothing changes, and the outcome holds the facts to fold again with.
-- Locks are taken in one order by all callers (ledger row, identities, rows by key), so there is no deadlock.

CREATE FUNCTION instant(epoch_us bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT timestamptz 'epoch' + epoch_us * interval '1 microsecond'
$$;

CREATE FUNCTION epoch_us(at timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT (extract(epoch FROM at) * 1000000)::bigint
$$;

-- header: stream, source, topic, partition, offsets, lastOffset and digest (of the last record delivered),
-- records, counted, duplicates, firstWindowEndUs, maxEventTimeUs, futureSkewUs, amendmentHorizonUs; times are null where
-- the batch has none. conflicts: a list of eventKey, offset, timeUs, value (base64), firstLog (null for this one), firstOffset,
-- firstValue (null where the batch does not hold it). doubtful: a list of offset, timeUs, field, value, reason.
-- stationReadings, of weather only: what counted, a list of offset, timeUs, latitude, longitude, celsius.
CREATE FUNCTION claim_batch(
  header jsonb,
  event_keys uuid[], event_times_us bigint[], contents bigint[], event_offsets bigint[],
  refused_offsets bigint[], refused_reasons text[], refused_fields text[], refused_values bytea[],
  too_late_offsets bigint[], too_late_times_us bigint[], too_late_values bytea[]
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  batch record;
  entry ledger%ROWTYPE;
  mark timestamptz;
  already_seen jsonb;
  inserted integer;
  conflicting integer;
BEGIN
  SELECT * INTO batch FROM jsonb_to_record(header) AS h(
    stream text, source text, topic text, partition integer, offsets int8multirange, "lastOffset" bigint, digest uuid,
    records integer, counted integer, duplicates integer, "firstWindowEndUs" bigint, "maxEventTimeUs" bigint,
    "futureSkewUs" bigint, "amendmentHorizonUs" bigint);
  PERFORM set_config('smartgrid.cause', format('%s-%s:%s', batch.topic, batch.partition, batch.offsets), true);

  LOOP
    SELECT * INTO entry FROM ledger AS l
    WHERE l.source = batch.source AND l.topic = batch.topic AND l.partition = batch.partition
    ORDER BY l.incarnation DESC LIMIT 1 FOR UPDATE;
    -- The sweeper may have begun the next one while this waited for the lock.
    EXIT WHEN FOUND AND NOT EXISTS (SELECT FROM ledger AS l
      WHERE l.source = batch.source AND l.topic = batch.topic AND l.partition = batch.partition
        AND l.incarnation > entry.incarnation);
    INSERT INTO ledger (source, topic, partition, incarnation)
    VALUES (batch.source, batch.topic, batch.partition, 0)
    ON CONFLICT DO NOTHING;
  END LOOP;
  SELECT watermark INTO mark FROM stream_state AS s WHERE s.stream = batch.stream;
  IF cardinality(event_keys) > 0 THEN
    SELECT jsonb_agg(jsonb_build_object('eventKey', s.event_key, 'content', s.content, 'log', s.log_id,
      'offset', s."offset")) INTO already_seen
    FROM seen_event AS s WHERE s.stream = batch.stream AND s.event_key = ANY (event_keys);
  END IF;

  IF entry.applied && batch.offsets
    OR instant(batch."maxEventTimeUs") > now() + batch."futureSkewUs" * interval '1 microsecond'
    OR instant(batch."firstWindowEndUs") <= mark - batch."amendmentHorizonUs" * interval '1 microsecond'
    OR already_seen IS NOT NULL
  THEN
    RETURN jsonb_build_object('applied', false,
      'incarnation', entry.incarnation,
      'alreadyApplied', (entry.applied * batch.offsets)::text,
      'nowUs', epoch_us(now()),
      'watermarkUs', epoch_us(mark),
      'seen', coalesce(already_seen, '[]'));
  END IF;

  INSERT INTO seen_event (stream, event_key, event_time, content, log_id, "offset")
  SELECT batch.stream, e.event_key, instant(e.time_us), e.content, entry.id, e."offset"
  FROM unnest(event_keys, event_times_us, contents, event_offsets) AS e(event_key, time_us, content, "offset")
  ORDER BY e.event_key
  ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS inserted = ROW_COUNT;
  IF inserted < cardinality(event_keys) THEN
    RAISE EXCEPTION 'another batch has just counted an event of this one' USING ERRCODE = '40001';
  END IF;
  INSERT INTO quarantine (source, topic, partition, incarnation, "offset", reason, field, value)
  SELECT batch.source, batch.topic, batch.partition, entry.incarnation, r.*
  FROM unnest(refused_offsets, refused_reasons, refused_fields, refused_values) AS r;
  INSERT INTO too_late (source, topic, partition, incarnation, "offset", event_time, value)
  SELECT batch.source, batch.topic, batch.partition, entry.incarnation, t."offset", instant(t.time_us), t.value
  FROM unnest(too_late_offsets, too_late_times_us, too_late_values) AS t("offset", time_us, value);
  INSERT INTO conflict (stream, event_key, log_id, "offset", event_time, value, first_log_id, first_offset, first_value)
  SELECT batch.stream, c."eventKey", entry.id, c."offset", instant(c."timeUs"), decode(c.value, 'base64'),
    coalesce(c."firstLog", entry.id), c."firstOffset", decode(c."firstValue", 'base64')
  FROM jsonb_to_recordset(header->'conflicts') AS c("eventKey" uuid, "offset" bigint, "timeUs" bigint, value text, "firstLog" integer,
    "firstOffset" bigint, "firstValue" text)
  ORDER BY c."offset";
  GET DIAGNOSTICS conflicting = ROW_COUNT;
  INSERT INTO doubtful (stream, log_id, "offset", field, value, reason, event_time)
  SELECT batch.stream, entry.id, d."offset", d.field, d.value, d.reason, instant(d."timeUs")
  FROM jsonb_to_recordset(header->'doubtful') AS d("offset" bigint, "timeUs" bigint, field text, value numeric,
    reason text);
  UPDATE ledger AS l SET
    applied = l.applied + batch.offsets,
    records = l.records + batch.records,
    counted = l.counted + batch.counted,
    quarantined = l.quarantined + cardinality(refused_offsets),
    too_late = l.too_late + cardinality(too_late_offsets),
    duplicates = l.duplicates + batch.duplicates,
    conflicts = l.conflicts + conflicting,
    doubtful = l.doubtful + (SELECT count(DISTINCT d->'offset') FROM jsonb_array_elements(header->'doubtful') AS d),
    max_event_time = greatest(l.max_event_time, instant(batch."maxEventTimeUs")),
    advanced_at = CASE WHEN instant(batch."maxEventTimeUs") > coalesce(l.max_event_time, '-infinity') THEN now()
      ELSE l.advanced_at END,
    updated_at = now()
  WHERE l.source = batch.source AND l.topic = batch.topic AND l.partition = batch.partition
    AND l.incarnation = entry.incarnation;
  INSERT INTO ledger_tail (source, topic, partition, incarnation, offsets, last_offset, digest)
  VALUES (batch.source, batch.topic, batch.partition, entry.incarnation, batch.offsets, batch."lastOffset", batch.digest);
  RETURN jsonb_build_object('applied', true, 'incarnation', entry.incarnation, 'nowUs', epoch_us(now()),
    'watermarkUs', epoch_us(mark));
END $$;

-- Ends a commit: notes how many of the counted events came for windows that were final already.
CREATE FUNCTION settle_late(header jsonb, outcome jsonb, late_events bigint) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  IF late_events > 0 THEN
    UPDATE ledger SET late = late + late_events
    WHERE source = header->>'source' AND topic = header->>'topic'
      AND partition = (header->>'partition')::integer AND incarnation = (outcome->>'incarnation')::integer;
  END IF;
  RETURN outcome || jsonb_build_object('late', coalesce(late_events, 0));
END $$;

-- Whether a temperature is °F by what its station has sent in the 24 hours before: at least two readings, between lowest and
-- highest. As °C it lies 10 °C or more above the highest; as °F within 10 °C of them, or, where the station has been silent for
-- two hours, within 5 °C. Weather does not do that: in 29 years of stations' temperatures none was more than 5.6 °C above
-- the highest of the 24 hours before, and a number of °F is 18 or more above that of °C, wherever it is positive (decision 17).
CREATE FUNCTION jumps_to_fahrenheit(celsius numeric, readings bigint, lowest numeric, highest numeric, silent boolean)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT readings >= 2 AND celsius >= highest + 10
    AND (celsius - 32) / 1.8 BETWEEN lowest - within AND highest + within
  FROM (SELECT CASE WHEN silent THEN 5 ELSE 10 END AS within) AS t
$$;

-- Doubts the temperatures of a weather batch by their stations' history, and enters them into it, in the order of its key,
-- in which all callers lock. A value that is doubted as °F enters as what it is in °C, so that the next one is doubted as well.
-- Says in the outcome how many events are doubtful by that alone.
CREATE FUNCTION doubt_by_history(header jsonb, outcome jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  log ledger%ROWTYPE;
  reading record;
  past record;
  is_fahrenheit boolean;
  found_events bigint := 0;
BEGIN
  SELECT * INTO log FROM ledger AS l WHERE l.source = header->>'source' AND l.topic = header->>'topic'
    AND l.partition = (header->>'partition')::integer AND l.incarnation = (outcome->>'incarnation')::integer;
  FOR reading IN
    SELECT r."offset", r.celsius, instant(r."timeUs") AS at, round(r.latitude, 2) AS latitude,
      round(r.longitude, 2) AS longitude,
      d.reasons IS NOT NULL AS is_doubtful, coalesce('fits_fahrenheit' = ANY (d.reasons), false) AS fits_fahrenheit
    FROM jsonb_to_recordset(header->'stationReadings') AS r("offset" bigint, "timeUs" bigint, latitude numeric,
        longitude numeric, celsius numeric)
      LEFT JOIN (SELECT e."offset", array_agg(e.reason) AS reasons
        FROM jsonb_to_recordset(header->'doubtful') AS e("offset" bigint, reason text) GROUP BY 1) AS d USING ("offset")
    ORDER BY 4, 5, 3, 1
  LOOP
    SELECT sum(h.readings)::bigint AS readings, min(h.lowest) AS lowest, max(h.highest) AS highest,
      max(h.hour) <= reading.at - interval '2 hours' AS silent INTO past
    FROM weather_station_hour AS h
    WHERE h.latitude = reading.latitude AND h.longitude = reading.longitude
      AND h.hour > reading.at - interval '24 hours' AND h.hour <= reading.at;
    is_fahrenheit := reading.fits_fahrenheit;
    IF NOT is_fahrenheit
      AND jumps_to_fahrenheit(reading.celsius, past.readings, past.lowest, past.highest, past.silent) THEN
      is_fahrenheit := true;
      INSERT INTO doubtful (stream, log_id, "offset", field, value, reason, event_time)
      VALUES (header->>'stream', log.id, reading."offset", 'temperature', reading.celsius, 'jumps_to_fahrenheit', reading.at)
      ON CONFLICT DO NOTHING;
      IF NOT reading.is_doubtful THEN found_events := found_events + 1; END IF;
    END IF;
    INSERT INTO weather_station_hour AS h (latitude, longitude, hour, readings, lowest, highest)
    SELECT reading.latitude, reading.longitude, to_timestamp(floor(extract(epoch FROM reading.at) / 3600) * 3600), 1, v, v
    FROM (SELECT CASE WHEN is_fahrenheit THEN round((reading.celsius - 32) / 1.8, 2) ELSE reading.celsius END AS v) AS t
    ON CONFLICT (latitude, longitude, hour) DO UPDATE SET readings = h.readings + 1,
      lowest = least(h.lowest, excluded.lowest), highest = greatest(h.highest, excluded.highest);
  END LOOP;
  IF found_events > 0 THEN UPDATE ledger SET doubtful = doubtful + found_events WHERE id = log.id; END IF;
  RETURN outcome || jsonb_build_object('doubtfulByHistory', found_events);
END $$;

CREATE FUNCTION commit_sensor(
  header jsonb,
  event_keys uuid[], event_times_us bigint[], contents bigint[], event_offsets bigint[],
  refused_offsets bigint[], refused_reasons text[], refused_fields text[], refused_values bytea[],
  too_late_offsets bigint[], too_late_times_us bigint[], too_late_values bytea[],
  window_starts_us bigint[], sensor_types text[], sensor_ids text[], counts bigint[],
  mins numeric[], maxs numeric[], sums numeric[], sums_of_squares numeric[]
) RETURNS jsonb LANGUAGE plpgsql AS $$
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

CREATE FUNCTION commit_consumption(
  header jsonb,
  event_keys uuid[], event_times_us bigint[], contents bigint[], event_offsets bigint[],
  refused_offsets bigint[], refused_reasons text[], refused_fields text[], refused_values bytea[],
  too_late_offsets bigint[], too_late_times_us bigint[], too_late_values bytea[],
  window_starts_us bigint[], customer_ids text[], counts bigint[], energies_kwh numeric[]
) RETURNS jsonb LANGUAGE plpgsql AS $$
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

CREATE FUNCTION commit_weather(
  header jsonb,
  event_keys uuid[], event_times_us bigint[], contents bigint[], event_offsets bigint[],
  refused_offsets bigint[], refused_reasons text[], refused_fields text[], refused_values bytea[],
  too_late_offsets bigint[], too_late_times_us bigint[], too_late_values bytea[],
  window_starts_us bigint[], counts bigint[], temperatures numeric[], humidities numeric[],
  pressures numeric[], wind_speeds numeric[], condition_counts jsonb[]
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  outcome jsonb := claim_batch(header, event_keys, event_times_us, contents, event_offsets, refused_offsets,
    refused_reasons, refused_fields, refused_values, too_late_offsets, too_late_times_us, too_late_values);
  mark timestamptz := instant((outcome->>'watermarkUs')::bigint);
  late_events bigint;
BEGIN
  IF NOT (outcome->>'applied')::boolean THEN RETURN outcome; END IF;
  INSERT INTO weather_aggregates_realtime AS t (window_start, window_end, event_count, sum_temperature,
    sum_humidity, sum_pressure, sum_wind_speed, condition_counts, state, revision, finalized_at)
  SELECT p.start, p.start + interval '1 hour', p.count, p.temperature, p.humidity, p.pressure, p.wind_speed,
    p.condition_counts, f.state, (f.state = 'final')::integer, CASE f.state WHEN 'final' THEN now() END
  FROM (SELECT instant(u.start_us) AS start, u.* FROM unnest(window_starts_us, counts, temperatures, humidities,
      pressures, wind_speeds, condition_counts)
      AS u(start_us, count, temperature, humidity, pressure, wind_speed, condition_counts)) AS p,
    LATERAL (SELECT CASE WHEN p.start + interval '1 hour' <= mark THEN 'final' ELSE 'open' END AS state) AS f
  ORDER BY p.start
  ON CONFLICT (window_start) DO UPDATE SET
    event_count = t.event_count + excluded.event_count,
    sum_temperature = t.sum_temperature + excluded.sum_temperature,
    sum_humidity = t.sum_humidity + excluded.sum_humidity,
    sum_pressure = t.sum_pressure + excluded.sum_pressure,
    sum_wind_speed = t.sum_wind_speed + excluded.sum_wind_speed,
    condition_counts = merge_condition_counts(t.condition_counts, excluded.condition_counts),
    revision = CASE t.state WHEN 'final' THEN t.revision + 1 ELSE 0 END,
    finalized_at = CASE t.state WHEN 'final' THEN now() END,
    updated_at = now();
  SELECT sum(u.count) INTO late_events FROM unnest(window_starts_us, counts) AS u(start_us, count)
  WHERE instant(u.start_us) + interval '1 hour' <= mark;
  RETURN settle_late(header, doubt_by_history(header, outcome), late_events);
END $$;
