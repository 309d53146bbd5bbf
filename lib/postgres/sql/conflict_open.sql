-- Those that somebody still has to look at: not dismissed, and the reading not replaced since.
CREATE OR REPLACE VIEW conflict_open AS
  SELECT c.id, c.stream, c.recorded_at FROM conflict AS c
  WHERE c.dismissed_at IS NULL AND NOT EXISTS (
    SELECT FROM amendment AS a WHERE c.stream = 'consumption' AND a.kind = 'replace' AND a.made_at > c.recorded_at
      AND reading_key(a.selector->>'meter', a.selector->>'eventId') = c.event_key
      AND NOT EXISTS (SELECT FROM amendment AS undoing WHERE undoing.reverts = a.id));

COMMENT ON VIEW conflict_open IS 'Conflicts to look at: not dismissed, and the reading not replaced since';
COMMENT ON COLUMN conflict_open.id IS 'conflict.id';
COMMENT ON COLUMN conflict_open.stream IS 'sensor, consumption or weather';
COMMENT ON COLUMN conflict_open.recorded_at IS 'when it was found';

GRANT SELECT ON conflict_open TO smartgrid_read;
