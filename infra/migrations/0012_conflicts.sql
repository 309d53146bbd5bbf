-- Conflicts: listed with both positions, completed by the sweeper, forgotten like quarantine.

CREATE INDEX conflict_incomplete ON conflict (id) WHERE first_value IS NULL AND NOT first_gone;

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
    r.id AS amendment_id, coalesce(r.conflict_id = c.id::text, false) AS counts_now
  FROM conflict AS c JOIN ledger AS l ON l.id = c.log_id JOIN ledger AS f ON f.id = c.first_log_id
  LEFT JOIN LATERAL (
    SELECT a.id, a.correction->>'conflict' AS conflict_id FROM amendment AS a
    WHERE c.stream = 'consumption' AND a.kind = 'replace' AND a.made_at > c.recorded_at
      AND reading_key(a.selector->>'meter', a.selector->>'eventId') = c.event_key
      AND NOT EXISTS (SELECT FROM amendment AS undoing WHERE undoing.reverts = a.id)
    ORDER BY a.id DESC LIMIT 1) AS r ON true;
GRANT EXECUTE ON FUNCTION reading_key(text, text) TO smartgrid_read;
GRANT SELECT ON conflict_listed TO smartgrid_read;

-- Conflicts of a topic whose first event has not been read yet, up to `most`, with the value of the other.
CREATE FUNCTION incomplete_conflicts(of_source text, of_topic text, most integer)
RETURNS TABLE (id bigint, partition integer, "offset" bigint, other bytea)
LANGUAGE sql STABLE AS $$
  SELECT c.id, f.partition, c.first_offset,
    c.value
  FROM conflict AS c JOIN ledger AS f ON f.id = c.first_log_id
  WHERE c.first_value IS NULL AND NOT c.first_gone AND f.source = of_source AND f.topic = of_topic
  ORDER BY c.id LIMIT most
$$;

-- Enters the first event's value, or, where it is null, that it is gone.
CREATE FUNCTION complete_conflict(conflict_id bigint, found bytea) RETURNS void LANGUAGE sql AS $$
  UPDATE conflict SET first_value = found, first_gone = found IS NULL
  WHERE id = conflict_id AND first_value IS NULL
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

-- Deletes up to `most` conflicts that are older than the retention, the oldest first; says how many.
CREATE FUNCTION forget_conflicts(retention interval, most integer) RETURNS bigint LANGUAGE sql AS $$
  WITH due AS (
    SELECT id FROM conflict WHERE recorded_at < now() - retention ORDER BY recorded_at LIMIT most
    FOR UPDATE SKIP LOCKED),
  gone AS (DELETE FROM conflict AS c USING due WHERE c.id = due.id RETURNING c.log_id),
  noted AS (
    UPDATE ledger AS l SET conflicts_forgotten = l.conflicts_forgotten + g.records
    FROM (SELECT log_id, count(*) AS records FROM gone GROUP BY 1) AS g WHERE l.id = g.log_id)
  SELECT count(*) FROM gone
$$;

-- How many there have been, for those who may not see the ledger.
CREATE FUNCTION conflict_counts() RETURNS TABLE (stream text, conflicts bigint) LANGUAGE sql STABLE AS $$
  SELECT s.stream, coalesce(sum(l.conflicts), 0)::bigint
  FROM stream_state AS s
  LEFT JOIN (SELECT DISTINCT p.topic, p.stream FROM partition_progress AS p) AS t ON t.stream = s.stream
  LEFT JOIN ledger AS l ON l.topic = t.topic
  GROUP BY s.stream ORDER BY s.stream
$$;

CALL run_as_owner('incomplete_conflicts', 'complete_conflict', 'complete_conflicts_of_replays', 'forget_conflicts',
  'conflict_counts');
GRANT EXECUTE ON FUNCTION incomplete_conflicts, complete_conflict, complete_conflicts_of_replays, forget_conflicts
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
COMMENT ON FUNCTION reading_key IS 'The event_key of a reading: the first 128 bits of SHA-256 of its meter and event_id';
COMMENT ON FUNCTION incomplete_conflicts IS 'Conflicts whose first event has not been read yet';
COMMENT ON FUNCTION complete_conflict IS 'Enters the first event of a conflict, or that it is gone';
COMMENT ON FUNCTION complete_conflicts_of_replays IS 'Enters the first events that were replays, from quarantine';
COMMENT ON FUNCTION forget_conflicts IS 'Deletes conflicts that are older than the retention, up to a number of them';
COMMENT ON FUNCTION conflict_counts IS 'How many conflicts there have been, by stream';
