-- How many records are kept for people to look at, by stream: numbers only, for those who may not see the records.
-- stream: the topic's name where no sweep has seen the topic yet.
-- quarantined and conflicts are the unresolved ones. too_late and doubtful are those that were recorded since then, or
-- all that there have ever been, by the ledger's sums, where since is null.
CREATE OR REPLACE FUNCTION kept_counts(since timestamptz)
RETURNS TABLE (stream text, quarantined bigint, too_late bigint, conflicts bigint, doubtful bigint) LANGUAGE sql STABLE
SECURITY DEFINER SET search_path FROM CURRENT AS $$
  WITH by_topic AS (
    SELECT q.topic, count(*) AS quarantined, 0 AS too_late, 0 AS doubtful
    FROM quarantine AS q WHERE q.resolution IS NULL GROUP BY q.topic
    UNION ALL
    SELECT l.topic, 0, count(*), 0 FROM too_late AS l WHERE l.recorded_at >= since GROUP BY l.topic
    UNION ALL
    SELECT l.topic, 0, sum(l.too_late), sum(l.doubtful) FROM ledger AS l WHERE since IS NULL GROUP BY l.topic),
  by_stream AS (
    SELECT s.stream, 0 AS quarantined, 0 AS too_late, 0 AS conflicts, 0 AS doubtful FROM stream_state AS s
    UNION ALL
    SELECT coalesce(p.stream, t.topic), t.quarantined, t.too_late, 0, t.doubtful
    FROM by_topic AS t
    LEFT JOIN (SELECT o.topic, min(o.stream) AS stream FROM partition_progress AS o GROUP BY o.topic) AS p USING (topic)
    UNION ALL
    SELECT c.stream, 0, 0, count(*), 0 FROM conflict_open AS c GROUP BY c.stream
    UNION ALL
    SELECT d.stream, 0, 0, 0, count(*) FROM doubtful AS d WHERE d.recorded_at >= since GROUP BY d.stream)
  SELECT b.stream, sum(b.quarantined)::bigint, sum(b.too_late)::bigint, sum(b.conflicts)::bigint, sum(b.doubtful)::bigint
  FROM by_stream AS b
  GROUP BY b.stream HAVING bool_or(b.stream IN (SELECT s.stream FROM stream_state AS s))
    OR sum(b.quarantined + b.too_late + b.conflicts + b.doubtful) > 0
  ORDER BY b.stream
$$;

COMMENT ON FUNCTION kept_counts IS 'How many records are quarantined and unresolved, too late, in conflict and doubtful, by stream; null: too late and doubtful of all time';

GRANT EXECUTE ON FUNCTION kept_counts TO smartgrid_api, smartgrid_read;
