-- Whether what is lost of a partition looks like a database that was emptied (nothing below it is applied) or set back to
-- an older copy (nothing above it is). A batch that was given up in between has applied offsets on both sides.
CREATE OR REPLACE FUNCTION holds_less(progress partition_progress) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT progress.lost + progress.expired <> '{}' AND NOT EXISTS (
    SELECT FROM (
      SELECT l.applied FROM ledger AS l
      WHERE (l.source, l.topic, l.partition) = (progress.source, progress.topic, progress.partition)
      ORDER BY l.incarnation DESC LIMIT 1) AS newest
    WHERE lower(newest.applied) < lower(progress.lost + progress.expired)
      AND upper(newest.applied) > upper(progress.lost + progress.expired))
$$;

COMMENT ON FUNCTION holds_less IS 'Whether the database holds less of a partition than the trigger has passed, at its begin or at its end';

GRANT EXECUTE ON FUNCTION holds_less TO smartgrid_read;
