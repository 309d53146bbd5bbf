-- Conflicts of a topic whose first event has not been read yet, with the value of the other: up to `most`, and 32 MB of
-- values, from each log in turn. A log that was known under another source before is the same log by its ids.
CREATE OR REPLACE FUNCTION incomplete_conflicts(of_source text, of_topic text, most integer)
RETURNS TABLE (id bigint, partition integer, "offset" bigint, other bytea)
LANGUAGE sql STABLE
SECURITY DEFINER SET search_path FROM CURRENT AS $$
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

COMMENT ON FUNCTION incomplete_conflicts IS 'Conflicts whose first event has not been read yet';

GRANT EXECUTE ON FUNCTION incomplete_conflicts TO smartgrid_sweep;
