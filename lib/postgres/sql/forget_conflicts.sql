-- Deletes up to `most` conflicts of which nothing has been heard for the retention's time, the oldest first, and says
-- how many of them were resolved (dismissed, or the reading replaced) and how many were still open.
CREATE OR REPLACE FUNCTION forget_conflicts(
  retention interval, most integer, OUT resolved bigint, OUT unresolved bigint)
LANGUAGE sql
SECURITY DEFINER SET search_path FROM CURRENT AS $$
  WITH due AS (
    SELECT c.id, EXISTS (SELECT FROM conflict_open AS o WHERE o.id = c.id) AS is_open FROM conflict AS c
    WHERE c.recorded_at < now() - retention AND (c.dismissed_at IS NULL OR c.dismissed_at < now() - retention)
    ORDER BY c.recorded_at LIMIT most FOR UPDATE OF c SKIP LOCKED),
  gone AS (DELETE FROM conflict AS c USING due WHERE c.id = due.id RETURNING c.log_id, due.is_open),
  noted AS (
    UPDATE ledger AS l SET conflicts_forgotten = l.conflicts_forgotten + g.records
    FROM (SELECT log_id, count(*) AS records FROM gone GROUP BY 1) AS g WHERE l.id = g.log_id)
  SELECT count(*) FILTER (WHERE NOT is_open), count(*) FILTER (WHERE is_open) FROM gone
$$;

COMMENT ON FUNCTION forget_conflicts IS 'Deletes conflicts that are older than the retention, up to a number of them; returns how many were resolved and unresolved';

GRANT EXECUTE ON FUNCTION forget_conflicts TO smartgrid_sweep;
