-- What the sweeper has learned since its rights were written: holes of the log that nobody delivers, incarnations that
-- begin with a time, and a count of what retention has taken out of quarantine, so that the books still add up.

-- Enters offsets that hold no record into a partition's ranges; counts stay as they are.
CREATE FUNCTION settle_hole(
  hole_source text, hole_topic text, hole_partition integer, hole_incarnation integer, hole int8range
) RETURNS void LANGUAGE sql AS $$
  INSERT INTO ledger AS l (source, topic, partition, incarnation, applied)
  VALUES (hole_source, hole_topic, hole_partition, hole_incarnation, int8multirange(hole))
  ON CONFLICT (source, topic, partition, incarnation) DO UPDATE SET applied = l.applied + excluded.applied
$$;

ALTER TABLE ledger ADD COLUMN quarantine_forgotten bigint NOT NULL DEFAULT 0; -- of quarantined, by retention

CREATE OR REPLACE FUNCTION forget_quarantine(
  retention interval, most integer, OUT resolved bigint, OUT unresolved bigint)
LANGUAGE sql AS $$
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

DO $$
BEGIN
  -- Replacing a function takes its settings away.
  EXECUTE format('ALTER FUNCTION forget_quarantine(interval, integer) SECURITY DEFINER
    SET search_path = pg_catalog, %I, pg_temp', current_schema());
  EXECUTE format('ALTER FUNCTION settle_hole(text, text, integer, integer, int8range) SECURITY DEFINER
    SET search_path = pg_catalog, %I, pg_temp', current_schema());
END $$;
REVOKE EXECUTE ON FUNCTION settle_hole(text, text, integer, integer, int8range) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION settle_hole(text, text, integer, integer, int8range) TO smartgrid_sweep;
