-- Doubts the temperatures of a weather batch by their stations' history, and enters them into it, in the order of its key,
-- in which all callers lock. A value that is doubted as °F enters as what it is in °C, so that the next one is doubted as well.
-- Says in the outcome how many events are doubtful by that alone.
CREATE OR REPLACE FUNCTION doubt_by_history(header jsonb, outcome jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
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

COMMENT ON FUNCTION doubt_by_history(jsonb, jsonb) IS 'Doubts the temperatures of a batch by their stations'' history, and enters them into it';
