-- Deletes up to `most` hours of stations that were entered two days ago, the oldest first; says how many. Temperatures are
-- doubted by 24 hours of them.
CREATE OR REPLACE FUNCTION forget_station_hours(most integer) RETURNS bigint LANGUAGE sql
SECURITY DEFINER SET search_path FROM CURRENT AS $$
  WITH due AS (
    SELECT latitude, longitude, hour FROM weather_station_hour WHERE entered_at < now() - interval '2 days'
    ORDER BY entered_at LIMIT most FOR UPDATE SKIP LOCKED),
  gone AS (
    DELETE FROM weather_station_hour AS h USING due
    WHERE (h.latitude, h.longitude, h.hour) = (due.latitude, due.longitude, due.hour) RETURNING 1)
  SELECT count(*) FROM gone
$$;

COMMENT ON FUNCTION forget_station_hours(integer) IS 'Deletes hours of stations that were entered two days ago, at most so many, and says how many';

GRANT EXECUTE ON FUNCTION forget_station_hours TO smartgrid_sweep;
