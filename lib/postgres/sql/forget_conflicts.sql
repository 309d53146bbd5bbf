-- Deletes up to `most` conflicts of which nothing has been heard for the retention's time, the oldest first; says how many.
CREATE OR REPLACE FUNCTION forget_conflicts(retention interval, most integer) RETURNS bigint LANGUAGE sql
SECURITY DEFINER SET search_path FROM CURRENT AS $$
  WITH due AS (
    SELECT id FROM conflict WHERE recorded_at < now() - retention
      AND (dismissed_at IS NULL OR dismissed_at < now() - retention) ORDER BY recorded_at LIMIT most
    FOR UPDATE SKIP LOCKED),
  gone AS (DELETE FROM conflict AS c USING due WHERE c.id = due.id RETURNING c.log_id),
  noted AS (
    UPDATE ledger AS l SET conflicts_forgotten = l.conflicts_forgotten + g.records
    FROM (SELECT log_id, count(*) AS records FROM gone GROUP BY 1) AS g WHERE l.id = g.log_id)
  SELECT count(*) FROM gone
$$;

COMMENT ON FUNCTION forget_conflicts IS 'Deletes conflicts that are older than the retention, up to a number of them';

GRANT EXECUTE ON FUNCTION forget_conflicts TO smartgrid_sweep;
