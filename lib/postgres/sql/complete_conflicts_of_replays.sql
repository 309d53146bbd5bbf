-- The value of a first event that was a replay is in quarantine.
CREATE OR REPLACE FUNCTION complete_conflicts_of_replays() RETURNS void LANGUAGE sql
SECURITY DEFINER SET search_path FROM CURRENT AS $$
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

COMMENT ON FUNCTION complete_conflicts_of_replays IS 'Enters the first events that were replays, from quarantine';

GRANT EXECUTE ON FUNCTION complete_conflicts_of_replays TO smartgrid_sweep;
