-- Doubts the temperatures of a weather batch by their stations' history, and enters them into it, in the order of its key,
-- in which all callers lock. A value that is doubted as °F enters as what it is in °C, so that the next one is doubted as well.
-- A station's hour is read once and written once, however many readings of it there are. Says in the outcome how many events
-- are doubtful by that alone. A plan that was made while the table was empty would read it whole, and be kept: hence the SET.
CREATE OR REPLACE FUNCTION doubt_by_history(header jsonb, outcome jsonb) RETURNS jsonb LANGUAGE plpgsql
SET enable_seqscan = off AS $$
DECLARE
  measured record; -- the readings of one station and hour
  past record; -- the station's 24 hours up to this one, with the readings of this batch so far
  reading record;
  is_fahrenheit boolean;
  celsius numeric;
  low numeric; -- of this batch's readings of the hour
  high numeric;
  found_offsets bigint[] := '{}';
  found_events bigint;
  log ledger.id%TYPE;
BEGIN
  FOR measured IN
    SELECT round(r.latitude, 2) AS latitude, round(r.longitude, 2) AS longitude,
      date_trunc('hour', instant(r."timeUs"), 'UTC') AS hour, count(*) AS readings,
      array_agg(r."offset" ORDER BY r."timeUs", r."offset") AS offsets,
      array_agg(r.celsius ORDER BY r."timeUs", r."offset") AS celsius,
      array_agg(d.reason IS NOT NULL ORDER BY r."timeUs", r."offset") AS fits_fahrenheit
    FROM jsonb_to_recordset(header->'stationReadings') AS r("offset" bigint, "timeUs" bigint, latitude numeric,
        longitude numeric, celsius numeric)
      LEFT JOIN jsonb_to_recordset(header->'doubtful') AS d("offset" bigint, reason text)
        ON d."offset" = r."offset" AND d.reason = 'fits_fahrenheit'
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
  LOOP
    -- Silent for two hours: neither this hour nor the one before has a reading. Counted by hours, the last one may be
    -- only 61 minutes old.
    SELECT coalesce(sum(h.readings), 0)::bigint AS readings, min(h.lowest) AS lowest, max(h.highest) AS highest,
      max(h.hour) <= measured.hour - interval '2 hours' AS silent INTO past
    FROM weather_station_hour AS h
    WHERE h.latitude = measured.latitude AND h.longitude = measured.longitude
      AND h.hour > measured.hour - interval '24 hours' AND h.hour <= measured.hour;
    low := NULL;
    high := NULL;
    FOR reading IN
      SELECT * FROM unnest(measured.offsets, measured.celsius, measured.fits_fahrenheit)
        WITH ORDINALITY AS m("offset", celsius, fits_fahrenheit, place) ORDER BY m.place
    LOOP
      is_fahrenheit := reading.fits_fahrenheit;
      IF NOT is_fahrenheit
        AND jumps_to_fahrenheit(reading.celsius, past.readings, past.lowest, past.highest, past.silent) THEN
        is_fahrenheit := true;
        found_offsets := found_offsets || reading."offset";
      END IF;
      celsius := CASE WHEN is_fahrenheit THEN round((reading.celsius - 32) / 1.8, 2) ELSE reading.celsius END;
      low := least(low, celsius);
      high := greatest(high, celsius);
      past.readings := past.readings + 1;
      past.lowest := least(past.lowest, celsius);
      past.highest := greatest(past.highest, celsius);
      past.silent := false;
    END LOOP;
    INSERT INTO weather_station_hour AS h (latitude, longitude, hour, readings, lowest, highest)
    VALUES (measured.latitude, measured.longitude, measured.hour, measured.readings, low, high)
    ON CONFLICT (latitude, longitude, hour) DO UPDATE SET readings = h.readings + excluded.readings,
      lowest = least(h.lowest, excluded.lowest), highest = greatest(h.highest, excluded.highest);
  END LOOP;
  IF cardinality(found_offsets) = 0 THEN RETURN outcome || '{"doubtfulByHistory": 0}'; END IF;

  SELECT l.id INTO log FROM ledger AS l WHERE l.source = header->>'source' AND l.topic = header->>'topic'
    AND l.partition = (header->>'partition')::integer AND l.incarnation = (outcome->>'incarnation')::integer;
  INSERT INTO doubtful (stream, log_id, "offset", field, value, reason, event_time)
  SELECT header->>'stream', log, r."offset", 'temperature', r.celsius, 'jumps_to_fahrenheit', instant(r."timeUs")
  FROM jsonb_to_recordset(header->'stationReadings') AS r("offset" bigint, "timeUs" bigint, celsius numeric)
  WHERE r."offset" = ANY (found_offsets)
  ON CONFLICT DO NOTHING;
  SELECT count(*) INTO found_events FROM unnest(found_offsets) AS f("offset")
  WHERE f."offset" NOT IN (SELECT d."offset" FROM jsonb_to_recordset(header->'doubtful') AS d("offset" bigint));
  UPDATE ledger SET doubtful = doubtful + found_events WHERE id = log;
  RETURN outcome || jsonb_build_object('doubtfulByHistory', found_events);
END $$;

COMMENT ON FUNCTION doubt_by_history(jsonb, jsonb) IS 'Doubts the temperatures of a batch by their stations'' history, and enters them into it';
