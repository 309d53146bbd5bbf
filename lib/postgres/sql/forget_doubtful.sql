CREATE OR REPLACE FUNCTION forget_doubtful(retention interval, most integer) RETURNS bigint LANGUAGE sql
SECURITY DEFINER SET search_path FROM CURRENT AS $$
  WITH due AS (
    SELECT log_id, "offset", field FROM doubtful WHERE recorded_at < now() - retention
    ORDER BY recorded_at LIMIT most FOR UPDATE SKIP LOCKED),
  gone AS (
    DELETE FROM doubtful AS d USING due
    WHERE (d.log_id, d."offset", d.field) = (due.log_id, due."offset", due.field) RETURNING 1)
  SELECT count(*) FROM gone
$$;

COMMENT ON FUNCTION forget_doubtful(interval, integer) IS 'Deletes doubtful values that are older than the retention, at most so many, and says how many';

GRANT EXECUTE ON FUNCTION forget_doubtful TO smartgrid_sweep;
