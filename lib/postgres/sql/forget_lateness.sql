-- Deletes up to `most` rows of lateness of days beyond the retention, and of days that lie ahead: there a producer has
-- stamped its records by a wrong clock. Says how many.
CREATE OR REPLACE FUNCTION forget_lateness(retention interval, most integer) RETURNS bigint LANGUAGE sql
SECURITY DEFINER SET search_path FROM CURRENT AS $$
  WITH due AS (
    SELECT day, log_id, below_s FROM lateness
    WHERE day < (now() AT TIME ZONE 'UTC' - retention)::date OR day > (now() AT TIME ZONE 'UTC' + interval '1 day')::date
    ORDER BY day LIMIT most FOR UPDATE SKIP LOCKED),
  gone AS (
    DELETE FROM lateness AS l USING due
    WHERE (l.day, l.log_id, l.below_s) = (due.day, due.log_id, due.below_s) RETURNING 1)
  SELECT count(*) FROM gone
$$;

COMMENT ON FUNCTION forget_lateness(interval, integer) IS 'Deletes rows of lateness that are older than the retention or lie ahead, at most so many, and says how many';

GRANT EXECUTE ON FUNCTION forget_lateness TO smartgrid_sweep;
