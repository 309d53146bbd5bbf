-- What became of a quarantined record: replayed or discarded, by whom and when. A replay never deletes the row, and
-- never edits the value as it came: what was counted in its place stands beside it.

ALTER TABLE quarantine
  ADD COLUMN resolution text CHECK (resolution IN ('replayed', 'discarded')), -- null while unresolved
  ADD COLUMN outcome text CHECK (outcome IN ('counted', 'duplicate', 'too_late', 'applied_before')), -- of the replay
  ADD COLUMN resolved_at timestamptz,
  ADD COLUMN resolved_by text,
  ADD COLUMN note text,
  ADD COLUMN edited_value bytea, -- what was replayed instead of value; null where it was replayed as it came
  ADD COLUMN attempts integer NOT NULL DEFAULT 0, -- replays that were refused again
  ADD COLUMN attempted_at timestamptz,
  ADD COLUMN attempted_by text,
  ADD COLUMN last_reason text, -- why the newest attempt was refused
  ADD COLUMN last_field text,
  ADD CHECK ((resolution IS NULL) = (resolved_at IS NULL)),
  ADD CHECK ((resolution IS NULL) = (resolved_by IS NULL)),
  ADD CHECK ((outcome IS NOT NULL) = (resolution IS NOT DISTINCT FROM 'replayed')),
  ADD CHECK (edited_value IS NULL OR resolution = 'replayed');

-- Retention counts from the last thing that happened to a record.
CREATE INDEX quarantine_by_age ON quarantine (greatest(quarantined_at, resolved_at));

-- Deletes up to `most` records of which nothing has been heard for the retention's time, the oldest first, and says
-- how many of them were resolved and how many nobody had ever looked at. One that is being replayed is left alone.
CREATE FUNCTION forget_quarantine(retention interval, most integer, OUT resolved bigint, OUT unresolved bigint)
LANGUAGE sql AS $$
  WITH due AS (
    SELECT source, topic, partition, incarnation, "offset" FROM quarantine
    WHERE greatest(quarantined_at, resolved_at) < now() - retention
    ORDER BY greatest(quarantined_at, resolved_at) LIMIT most FOR UPDATE SKIP LOCKED),
  gone AS (
    DELETE FROM quarantine AS q USING due
    WHERE (q.source, q.topic, q.partition, q.incarnation, q."offset")
      = (due.source, due.topic, due.partition, due.incarnation, due."offset")
    RETURNING q.resolution)
  SELECT count(resolution), count(*) - count(resolution) FROM gone
$$;

-- The sweeper forgets, and sees no record.
DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION forget_quarantine(interval, integer) SECURITY DEFINER
    SET search_path = pg_catalog, %I, pg_temp', current_schema());
END $$;
REVOKE EXECUTE ON FUNCTION forget_quarantine(interval, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_quarantine(interval, integer) TO smartgrid_sweep;
