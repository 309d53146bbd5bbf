-- kind:
--   partition_stuck  records wait on the broker, and nothing of the partition has been applied for so long
--   sweeper_silent   no sweep of the stream has succeeded for so long
--   watermark_held   the watermark has not moved for so long, because of one partition. One that is merely silent is
--                    let go by itself once it is idle: then the time counts from there.
--   log_broken       a log has lost records, another cluster answers, or something was counted under two names; until
--                    somebody acknowledges it (npm run audit -- --acknowledge), for a day at most
--   records_lost     the trigger's group has passed offsets that the ledger does not hold, or its committed offset lies
--                    beyond the log's end. Said at once.
-- place: topic-partition, or the stream where no partition is to blame.
-- It runs as its owner, for those who may know of trouble need not see the ledger.
CREATE OR REPLACE FUNCTION trouble(stuck_after interval, idle_after interval)
RETURNS TABLE (kind text, stream text, place text, since timestamptz, why text)
LANGUAGE sql STABLE
SECURITY DEFINER SET search_path FROM CURRENT AS $$
  WITH newest AS (
    SELECT DISTINCT ON (source, topic, partition) source, topic, partition, max_event_time, advanced_at, updated_at
    FROM ledger ORDER BY source, topic, partition, incarnation DESC),
  -- What the sweeper has not looked at for so long says nothing; then its silence is the trouble.
  watched AS (
    SELECT p.stream, p.topic, p.partition, p.topic || '-' || p.partition AS place, p.lag, n.max_event_time,
      greatest(p.lagging_since, n.updated_at) AS stuck_since,
      greatest(p.observed_since, n.advanced_at) AS silent_since
    FROM partition_progress AS p LEFT JOIN newest AS n USING (source, topic, partition)
    WHERE p.observed_at > now() - stuck_after)
  SELECT 'partition_stuck', w.stream, w.place, w.stuck_since,
    w.lag || ' records wait on the broker and none has been applied: does the trigger run, does the function fail? (npm run audit says what waits)'
  FROM watched AS w WHERE w.lag > 0 AND w.stuck_since <= now() - stuck_after
  UNION ALL
  SELECT 'sweeper_silent', s.stream, s.stream, swept.last,
    'no sweep has succeeded: does sweep-windows run, does it reach Kafka, does the topic exist?'
  FROM stream_state AS s,
    LATERAL (SELECT coalesce(s.swept_at, (SELECT max(m.applied_at) FROM schema_migration AS m)) AS last) AS swept
  WHERE swept.last <= now() - stuck_after
  UNION ALL
  SELECT 'watermark_held', s.stream, w.place, s.moved_at,
    'the watermark stands at ' || coalesce(to_char(s.watermark AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'nothing')
      || ' because of this partition: '
      || CASE WHEN w.lag > 0 THEN w.lag || ' of its records have not been applied'
        WHEN w.max_event_time IS NULL THEN 'it has never had an event and does not become idle'
        WHEN w.silent_since <= now() - stuck_after THEN 'it is silent and does not become idle'
        ELSE 'its events are of ' || to_char(w.max_event_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') END
  FROM stream_state AS s JOIN watched AS w ON w.stream = s.stream AND w.partition = s.held_by
  WHERE s.moved_at <= now() - CASE WHEN w.lag > 0 OR w.silent_since > now() - stuck_after
    THEN stuck_after ELSE idle_after + stuck_after END
  UNION ALL
  SELECT * FROM (
    SELECT DISTINCT ON (b.topic, b.partition) 'log_broken',
      (SELECT min(p.stream) FROM partition_progress AS p WHERE p.topic = b.topic), b.topic || '-' || b.partition, b.found_at,
      CASE b.kind
        WHEN 'truncated' THEN 'the broker has lost offsets ' || b.from_offset || ' to ' || b.to_offset - 1 || ' of this log; '
          || b.counted_offsets || ' of them had been counted and stay counted'
        WHEN 'another_cluster' THEN 'another cluster answers under ' || b.source
        WHEN 'created_again' THEN 'the topic was deleted and created again; ' || b.counted_offsets
          || ' offsets of it had been counted and stay counted'
        ELSE b.counted_offsets || ' offsets were counted under ' || b.before || ' and under ' || b.after END
        || ' (npm run audit -- --acknowledge)'
    FROM log_break AS b
    WHERE b.acknowledged_at IS NULL AND b.found_at > now() - interval '1 day'
      AND (b.kind IN ('truncated', 'another_cluster') OR b.counted_offsets > 0) -- as needsNote of the audit
    ORDER BY b.topic, b.partition, b.found_at DESC) AS broken
  UNION ALL
  SELECT 'records_lost', p.stream, p.topic || '-' || p.partition, p.lost_since, concat_ws('; ',
    CASE WHEN holds_less(p) THEN 'the database holds less than the trigger has passed: it was emptied, or is an older copy, '
      || 'or the last or first batch was given up. Leave the group''s offsets as they are; npm run audit says what is missing' END,
    CASE WHEN p.lost <> '{}' THEN 'LOST ' || CASE WHEN p.unchecked > 0 THEN 'at least ' ELSE '' END || offsets_in(p.lost)
      || ' offsets ' || ranges_text(p.lost) || ' that the trigger has passed (it goes on at ' || p.committed_offset
      || ') and that are not counted; '
      || CASE WHEN p.unchecked > 0 THEN p.unchecked || ' more offsets have not been looked up on the broker yet; ' ELSE '' END
      || coalesce(p.lost_why, 'the sweeper delivers them again from the broker') END,
    CASE WHEN p.expired <> '{}' THEN 'LOST for good ' || offsets_in(p.expired) || ' offsets ' || ranges_text(p.expired)
      || ' that retention removed before they were counted: npm run audit -- --acknowledge takes note of it' END,
    CASE WHEN p.committed_offset > p.end_offset THEN 'the trigger''s group goes on at offset ' || p.committed_offset
      || ', but the log ends at ' || p.end_offset || ': it was truncated, or is that of another cluster' END)
  FROM present_progress() AS p
  WHERE p.lost_since IS NOT NULL
  ORDER BY 1, 3
$$;

COMMENT ON FUNCTION trouble IS 'What does not go on: which, since when and why. stuck_after: how long is too long; idle_after: when a silent partition is let go';

GRANT EXECUTE ON FUNCTION trouble TO smartgrid_api, smartgrid_read, smartgrid_sweep;
