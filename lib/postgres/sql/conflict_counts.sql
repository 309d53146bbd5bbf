-- How many there have been, and how many are still to look at, for those who may not see the ledger.
CREATE OR REPLACE FUNCTION conflict_counts() RETURNS TABLE (stream text, conflicts bigint, open bigint) LANGUAGE sql STABLE
SECURITY DEFINER SET search_path FROM CURRENT AS $$
  SELECT s.stream, coalesce(sum(l.conflicts), 0)::bigint, coalesce(max(o.conflicts), 0)
  FROM stream_state AS s
  LEFT JOIN (SELECT DISTINCT p.topic, p.stream FROM partition_progress AS p) AS t ON t.stream = s.stream
  LEFT JOIN ledger AS l ON l.topic = t.topic
  LEFT JOIN (SELECT c.stream, count(*) AS conflicts FROM conflict_open AS c GROUP BY 1) AS o ON o.stream = s.stream
  GROUP BY s.stream ORDER BY s.stream
$$;

COMMENT ON FUNCTION conflict_counts IS 'How many conflicts there have been, and how many are still to look at, by stream';

GRANT EXECUTE ON FUNCTION conflict_counts TO smartgrid_api, smartgrid_read;
