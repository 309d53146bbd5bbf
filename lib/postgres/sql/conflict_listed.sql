-- A conflict with the positions of both events, and what became of it: the reading was replaced since, by the second event or
-- by another value.
CREATE OR REPLACE VIEW conflict_listed AS
  SELECT c.id, c.stream, l.source, l.topic, l.partition, l.incarnation, c."offset", c.event_time, c.value,
    f.source AS first_source, f.partition AS first_partition, f.incarnation AS first_incarnation, c.first_offset,
    c.first_value, c.first_gone, c.recorded_at,
    r.id AS amendment_id, coalesce(r.conflict_id = c.id::text, false) AS counts_now,
    c.dismissed_at, c.dismissed_by, c.dismissed_note,
    c.dismissed_at IS NULL AND r.id IS NULL AS is_open
  FROM conflict AS c JOIN ledger AS l ON l.id = c.log_id JOIN ledger AS f ON f.id = c.first_log_id
  LEFT JOIN LATERAL (
    SELECT a.id, a.correction->>'conflict' AS conflict_id FROM amendment AS a
    WHERE c.stream = 'consumption' AND a.kind = 'replace' AND a.made_at > c.recorded_at
      AND a.event_key = c.event_key
      AND NOT EXISTS (SELECT FROM amendment AS undoing WHERE undoing.reverts = a.id)
    ORDER BY a.id DESC LIMIT 1) AS r ON true;

COMMENT ON VIEW conflict_listed IS 'The table conflict with the positions of both events';
COMMENT ON COLUMN conflict_listed.id IS 'in the order in which they were found';
COMMENT ON COLUMN conflict_listed.stream IS 'the stream, as its declaration names it';
COMMENT ON COLUMN conflict_listed.source IS 'the cluster of the event that was not counted';
COMMENT ON COLUMN conflict_listed.topic IS 'the topic of both events';
COMMENT ON COLUMN conflict_listed.partition IS 'the partition of the event that was not counted';
COMMENT ON COLUMN conflict_listed.incarnation IS 'which ledger entry of the partition, 0 for the first';
COMMENT ON COLUMN conflict_listed."offset" IS 'the offset of the event that was not counted';
COMMENT ON COLUMN conflict_listed.event_time IS 'the time of the event that was not counted';
COMMENT ON COLUMN conflict_listed.value IS 'its bytes';
COMMENT ON COLUMN conflict_listed.first_source IS 'the cluster of the event that was counted';
COMMENT ON COLUMN conflict_listed.first_partition IS 'the partition of the event that was counted';
COMMENT ON COLUMN conflict_listed.first_incarnation IS 'which ledger entry of that partition, 0 for the first';
COMMENT ON COLUMN conflict_listed.first_offset IS 'the offset of the event that was counted';
COMMENT ON COLUMN conflict_listed.first_value IS 'its bytes; null until the sweeper has read them, and where they were gone';
COMMENT ON COLUMN conflict_listed.first_gone IS 'whether the broker no longer held the event that was counted';
COMMENT ON COLUMN conflict_listed.recorded_at IS 'when the conflict was found';
COMMENT ON COLUMN conflict_listed.amendment_id IS 'the newest amendment in force that replaced the reading since; null where there is none';
COMMENT ON COLUMN conflict_listed.counts_now IS 'whether that amendment counts the second event in place of the first';
COMMENT ON COLUMN conflict_listed.dismissed_at IS 'when somebody decided that what is counted stays; null where nobody has';
COMMENT ON COLUMN conflict_listed.dismissed_by IS 'who decided it';
COMMENT ON COLUMN conflict_listed.dismissed_note IS 'and why';
COMMENT ON COLUMN conflict_listed.is_open IS 'whether somebody still has to look at it: not dismissed, and the reading not replaced since';

GRANT SELECT ON conflict_listed TO smartgrid_read;
