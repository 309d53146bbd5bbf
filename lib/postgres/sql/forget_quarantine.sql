-- Deletes up to `most` records of which nothing has been heard for the retention's time, the oldest first, and says
-- how many of them were resolved and how many nobody had ever looked at. One that is being replayed is left alone.
CREATE OR REPLACE FUNCTION forget_quarantine(
  retention interval, most integer, OUT resolved bigint, OUT unresolved bigint)
LANGUAGE sql
SECURITY DEFINER SET search_path FROM CURRENT AS $$
  WITH due AS (
    SELECT source, topic, partition, incarnation, "offset" FROM quarantine
    WHERE greatest(quarantined_at, resolved_at) < now() - retention
    ORDER BY greatest(quarantined_at, resolved_at) LIMIT most FOR UPDATE SKIP LOCKED),
  gone AS (
    DELETE FROM quarantine AS q USING due
    WHERE (q.source, q.topic, q.partition, q.incarnation, q."offset")
      = (due.source, due.topic, due.partition, due.incarnation, due."offset")
    RETURNING q.source, q.topic, q.partition, q.incarnation, q.resolution),
  noted AS (
    UPDATE ledger AS l SET quarantine_forgotten = l.quarantine_forgotten + g.records
    FROM (SELECT source, topic, partition, incarnation, count(*) AS records FROM gone GROUP BY 1, 2, 3, 4) AS g
    WHERE (l.source, l.topic, l.partition, l.incarnation) = (g.source, g.topic, g.partition, g.incarnation))
  SELECT count(resolution), count(*) - count(resolution) FROM gone
$$;

COMMENT ON FUNCTION forget_quarantine IS 'Deletes up to so many quarantined records whose retention has passed; returns how many were resolved and unresolved';

GRANT EXECUTE ON FUNCTION forget_quarantine TO smartgrid_sweep;
