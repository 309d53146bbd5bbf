-- Conflicts: listed with both positions, completed by the sweeper, forgotten like quarantine.

CREATE INDEX conflict_incomplete ON conflict (first_log_id, id) WHERE first_value IS NULL AND NOT first_gone;

-- The event_key of a meter's reading.
CREATE FUNCTION reading_key(meter text, event_id text) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT encode(substring(sha256(convert_to(meter, 'UTF8') || '\x00'::bytea || convert_to(event_id, 'UTF8')) FOR 16), 'hex')::uuid
$$;
CREATE INDEX amendment_of_reading ON amendment (reading_key(selector->>'meter', selector->>'eventId')) WHERE kind = 'replace';

-- A conflict with the positions of both events, and what became of it: the reading was replaced since, by the second event or
-- by another value.
CREATE VIEW conflict_listed AS
  SELECT c.id, c.stream, l.source, l.topic, l.partition, l.incarnation, c."offset", c.event_time, c.value,
    f.source AS first_source, f.partition AS first_partition, f.incarnation AS first_incarnation, c.first_offset,
    c.first_value, c.first_gone, c.recorded_at,
    r.id AS amendment_id, coalesce(r.conflict_id = c.id::text, false) AS counts_now,
    c.dismissed_at, c.dismissed_by, c.dismissed_note
  FROM conflict AS c JOIN ledger AS l ON l.id = c.log_id JOIN ledger AS f ON f.id = c.first_log_id
  LEFT JOIN LATERAL (
    SELECT a.id, a.correction->>'conflict' AS conflict_id FROM amendment AS a
    WHERE c.stream = 'consumption' AND a.kind = 'replace' AND a.made_at > c.recorded_at
      AND reading_key(a.selector->>'meter', a.selector->>'eventId') = c.event_key
      AND NOT EXISTS (SELECT FROM amendment AS undoing WHERE undoing.reverts = a.id)
    ORDER BY a.id DESC LIMIT 1) AS r ON true;
GRANT EXECUTE ON FUNCTION reading_key(text, text) TO smartgrid_read;

-- Those that somebody still has to look at: not dismissed, and the reading not replaced since.
CREATE VIEW conflict_open AS
  SELECT c.id, c.stream, c.recorded_at FROM conflict AS c
  WHERE c.dismissed_at IS NULL AND NOT EXISTS (
    SELECT FROM amendment AS a WHERE c.stream = 'consumption' AND a.kind = 'replace' AND a.made_at > c.recorded_at
      AND reading_key(a.selector->>'meter', a.selector->>'eventId') = c.event_key
      AND NOT EXISTS (SELECT FROM amendment AS undoing WHERE undoing.reverts = a.id));
GRANT SELECT ON conflict_listed, conflict_open TO smartgrid_read;

-- Conflicts of a topic whose first event has not been read yet, with the value of the other: up to `most`, and 32 MB of
-- values, from each log in turn. A log that was known under another source before is the same log by its ids.
CREATE FUNCTION incomplete_conflicts(of_source text, of_topic text, most integer)
RETURNS TABLE (id bigint, partition integer, "offset" bigint, other bytea)
LANGUAGE sql STABLE AS $$
  WITH logs AS (
    SELECT f.id, f.partition FROM ledger AS f
    WHERE f.topic = of_topic AND (f.source = of_source OR EXISTS (
      SELECT FROM ledger AS n WHERE n.source = of_source AND n.topic = f.topic AND n.partition = f.partition
        AND n.cluster_id = f.cluster_id AND n.topic_id IS NOT DISTINCT FROM f.topic_id))),
  chosen AS (
    SELECT c.id, l.partition, c.first_offset, c.turn FROM logs AS l, LATERAL (
      SELECT i.id, i.first_offset, row_number() OVER (ORDER BY i.id) AS turn FROM conflict AS i
      WHERE i.first_log_id = l.id AND i.first_value IS NULL AND NOT i.first_gone ORDER BY i.id LIMIT most) AS c
    ORDER BY c.turn, c.id LIMIT most)
  SELECT b.id, b.partition, b.first_offset, b.value
  FROM (SELECT chosen.*, c.value, sum(octet_length(c.value)) OVER (ORDER BY turn, c.id) - octet_length(c.value) AS before
    FROM chosen JOIN conflict AS c ON c.id = chosen.id) AS b
  WHERE b.before < 33554432
$$;

-- Enters the first events' values or, where they are null, that they are gone.
CREATE FUNCTION complete_conflicts(conflict_ids bigint[], found bytea[]) RETURNS void LANGUAGE sql AS $$
  UPDATE conflict AS c SET first_value = f.value, first_gone = f.value IS NULL
  FROM unnest(conflict_ids, found) AS f(id, value)
  WHERE c.id = f.id AND c.first_value IS NULL
$$;

-- The value of a first event that was a replay is in quarantine.
CREATE FUNCTION complete_conflicts_of_replays() RETURNS void LANGUAGE sql AS $$
  UPDATE conflict AS c SET first_value = coalesce(q.edited_value, q.value), first_gone = coalesce(q.edited_value, q.value) IS NULL
  FROM (SELECT i.id, i.first_offset, f.topic, f.partition, regexp_replace(f.source, '#replay-\d+$', '') AS source,
      substring(f.source FROM '#replay-(\d+)$')::integer AS incarnation
    FROM conflict AS i JOIN ledger AS f ON f.id = i.first_log_id
    WHERE i.first_value IS NULL AND NOT i.first_gone AND f.source ~ '#replay-\d+$') AS r
  LEFT JOIN quarantine AS q
    ON (q.source, q.topic, q.partition, q.incarnation, q."offset")
      = (r.source, r.topic, r.partition, r.incarnation, r.first_offset)
  WHERE c.id = r.id
$$;

-- Deletes up to `most` conflicts of which nothing has been heard for the retention's time, the oldest first; says how many.
CREATE FUNCTION forget_conflicts(retention interval, most integer) RETURNS bigint LANGUAGE sql AS $$
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

-- How many there have been, and how many are still to look at, for those who may not see the ledger.
CREATE FUNCTION conflict_counts() RETURNS TABLE (stream text, conflicts bigint, open bigint) LANGUAGE sql STABLE AS $$
  SELECT s.stream, coalesce(sum(l.conflicts), 0)::bigint, coalesce(max(o.conflicts), 0)
  FROM stream_state AS s
  LEFT JOIN (SELECT DISTINCT p.topic, p.stream FROM partition_progress AS p) AS t ON t.stream = s.stream
  LEFT JOIN ledger AS l ON l.topic = t.topic
  LEFT JOIN (SELECT c.stream, count(*) AS conflicts FROM conflict_open AS c GROUP BY 1) AS o ON o.stream = s.stream
  GROUP BY s.stream ORDER BY s.stream
$$;

CALL run_as_owner('incomplete_conflicts', 'complete_conflicts', 'complete_conflicts_of_replays', 'forget_conflicts',
  'conflict_counts');
GRANT EXECUTE ON FUNCTION incomplete_conflicts, complete_conflicts, complete_conflicts_of_replays, forget_conflicts
  TO smartgrid_sweep;
GRANT EXECUTE ON FUNCTION conflict_counts TO smartgrid_api, smartgrid_read;

COMMENT ON VIEW conflict_listed IS 'The table conflict with the positions of both events';
COMMENT ON COLUMN conflict_listed.id IS 'in the order in which they were found';
COMMENT ON COLUMN conflict_listed.stream IS 'sensor, consumption or weather';
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
COMMENT ON VIEW conflict_open IS 'Conflicts to look at: not dismissed, and the reading not replaced since';
COMMENT ON COLUMN conflict_open.id IS 'conflict.id';
COMMENT ON COLUMN conflict_open.stream IS 'sensor, consumption or weather';
COMMENT ON COLUMN conflict_open.recorded_at IS 'when it was found';
COMMENT ON FUNCTION reading_key IS 'The event_key of a reading: the first 128 bits of SHA-256 of its meter and event_id';
COMMENT ON FUNCTION incomplete_conflicts IS 'Conflicts whose first event has not been read yet';
COMMENT ON FUNCTION complete_conflicts IS 'Enters the first events of conflicts, or that they are gone';
COMMENT ON FUNCTION complete_conflicts_of_replays IS 'Enters the first events that were replays, from quarantine';
COMMENT ON FUNCTION forget_conflicts IS 'Deletes conflicts that are older than the retention, up to a number of them';
COMMENT ON FUNCTION conflict_counts IS 'How many conflicts there have been, and how many are still to look at, by stream';
