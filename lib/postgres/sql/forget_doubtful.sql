-- The stations' history, which is what temperatures are doubted by, needs two days at most.
CREATE OR REPLACE FUNCTION forget_doubtful(retention interval, most integer) RETURNS bigint LANGUAGE sql
SECURITY DEFINER SET search_path FROM CURRENT AS $$
  DELETE FROM weather_station_hour WHERE (latitude, longitude, hour) IN (
    SELECT latitude, longitude, hour FROM weather_station_hour WHERE entered_at < now() - interval '2 days'
    ORDER BY entered_at LIMIT most FOR UPDATE SKIP LOCKED);
  WITH due AS (
    SELECT log_id, "offset", field FROM doubtful WHERE recorded_at < now() - retention
    ORDER BY recorded_at LIMIT most FOR UPDATE SKIP LOCKED),
  gone AS (
    DELETE FROM doubtful AS d USING due
    WHERE (d.log_id, d."offset", d.field) = (due.log_id, due."offset", due.field) RETURNING 1)
  SELECT count(*) FROM gone
$$;

COMMENT ON FUNCTION forget_doubtful(interval, integer) IS 'Deletes doubtful values that are older than the retention, at most so many, and says how many; and hours of stations that were entered two days ago';

GRANT EXECUTE ON FUNCTION forget_doubtful TO smartgrid_sweep;
