-- Writes down that the log is the entry's: its ids, its epoch (null: to be looked at again), its end, and up to which of
-- its batches are known to be of it. Where the same log was swept under another source since, that source's offsets are
-- taken over; the answer is the other source, and the offsets that were counted under both.
CREATE OR REPLACE FUNCTION observe_log(
  of_source text, of_topic text, of_partition integer, seen_incarnation integer, seen_version timestamptz,
  verified_tail bigint,
  seen_cluster text, seen_topic text, seen_epoch integer, seen_end bigint,
  OUT renamed_from text, OUT counted_twice int8multirange
) LANGUAGE plpgsql
SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  entry ledger%ROWTYPE;
  other ledger%ROWTYPE;
BEGIN
  INSERT INTO ledger (source, topic, partition, incarnation)
  VALUES (of_source, of_topic, of_partition, seen_incarnation) ON CONFLICT DO NOTHING;
  SELECT * INTO STRICT entry FROM ledger AS l
  WHERE l.source = of_source AND l.topic = of_topic AND l.partition = of_partition AND l.incarnation = seen_incarnation
  FOR UPDATE;
  IF entry.observed_at IS DISTINCT FROM seen_version THEN RETURN; END IF;
  SELECT * INTO other FROM ledger AS l
  WHERE l.cluster_id = seen_cluster AND l.topic_id IS NOT DISTINCT FROM seen_topic AND l.topic = of_topic
    AND l.partition = of_partition AND l.source <> of_source
    AND l.observed_at > coalesce(entry.observed_at, '-infinity')
    AND NOT EXISTS (SELECT FROM ledger AS n WHERE (n.source, n.topic, n.partition) = (l.source, l.topic, l.partition)
      AND n.incarnation > l.incarnation)
  ORDER BY l.observed_at DESC LIMIT 1;
  IF FOUND AND NOT other.applied <@ entry.applied OR FOUND AND entry.observed_at IS NULL AND other.applied <> '{}' THEN
    renamed_from := other.source;
    SELECT coalesce(range_agg(t.offsets), '{}') * other.applied INTO counted_twice FROM ledger_tail AS t
    WHERE t.source = of_source AND t.topic = of_topic AND t.partition = of_partition
      AND t.incarnation = seen_incarnation;
    INSERT INTO log_break (source, topic, partition, incarnation, kind, from_offset, to_offset, counted_offsets, before, after)
    VALUES (of_source, of_topic, of_partition, seen_incarnation, 'renamed', lower(counted_twice), upper(counted_twice),
      offsets_in(counted_twice), other.source, of_source);
  END IF;
  UPDATE ledger AS l SET
    applied = l.applied + coalesce(CASE WHEN renamed_from IS NOT NULL THEN other.applied END, '{}'),
    inherited = l.inherited + coalesce(CASE WHEN renamed_from IS NOT NULL THEN other.applied - l.applied END, '{}'),
    acknowledged = l.acknowledged + coalesce(CASE WHEN renamed_from IS NOT NULL THEN other.acknowledged END, '{}'),
    max_event_time = greatest(l.max_event_time, CASE WHEN renamed_from IS NOT NULL THEN other.max_event_time END),
    cluster_id = coalesce(seen_cluster, l.cluster_id),
    topic_id = coalesce(seen_topic, l.topic_id),
    epoch_since = CASE WHEN seen_epoch IS DISTINCT FROM l.leader_epoch AND seen_epoch IS NOT NULL THEN now()
      ELSE l.epoch_since END,
    leader_epoch = coalesce(seen_epoch, l.leader_epoch),
    broker_end = seen_end,
    observed_at = now()
  WHERE l.source = of_source AND l.topic = of_topic AND l.partition = of_partition AND l.incarnation = seen_incarnation;
  DELETE FROM ledger_tail AS t
  WHERE t.source = of_source AND t.topic = of_topic AND t.partition = of_partition
    AND t.incarnation = seen_incarnation AND t.id <= verified_tail;
END $$;

COMMENT ON FUNCTION observe_log IS 'Writes down that a log is that of its ledger entry, and what was counted of it under another source';

GRANT EXECUTE ON FUNCTION observe_log TO smartgrid_sweep;
