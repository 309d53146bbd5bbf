-- Those that somebody still has to look at.
CREATE OR REPLACE VIEW conflict_open AS
  SELECT c.id, c.stream, c.recorded_at FROM conflict_listed AS c WHERE c.is_open;

COMMENT ON VIEW conflict_open IS 'Conflicts to look at: not dismissed, and the reading not replaced since';
COMMENT ON COLUMN conflict_open.id IS 'conflict.id';
COMMENT ON COLUMN conflict_open.stream IS 'the stream, as its declaration names it';
COMMENT ON COLUMN conflict_open.recorded_at IS 'when it was found';

GRANT SELECT ON conflict_open TO smartgrid_read;
