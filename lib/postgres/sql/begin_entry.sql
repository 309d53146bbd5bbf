-- Begins the entry after the one that was seen, for the log that is there now: what is dead is not part of it. Nothing
-- happens, and the answer is null, where another sweep has begun it. Batches that were committed since the entry was read go over to it.
CREATE OR REPLACE FUNCTION begin_entry(
  of_source text, of_topic text, of_partition integer, seen_incarnation integer, seen_version timestamptz, break_kind text,
  dead int8multirange, lost_from bigint, lost_to bigint, verified_tail bigint,
  new_cluster text, new_topic text, new_epoch integer, new_end bigint,
  OUT log_before text, OUT log_after text
) LANGUAGE plpgsql
SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  entry ledger%ROWTYPE;
  goes_on boolean := break_kind = 'truncated';
BEGIN
  SELECT * INTO STRICT entry FROM ledger AS l
  WHERE l.source = of_source AND l.topic = of_topic AND l.partition = of_partition AND l.incarnation = seen_incarnation
  FOR UPDATE;
  IF entry.observed_at IS DISTINCT FROM seen_version THEN RETURN; END IF;
  -- Of a log that goes on, the largest event time holds; of another one, nothing but its own events do.
  INSERT INTO ledger (source, topic, partition, incarnation, applied, inherited, acknowledged, max_event_time, advanced_at,
    cluster_id, topic_id, leader_epoch, epoch_since, broker_end, observed_at)
  VALUES (of_source, of_topic, of_partition, seen_incarnation + 1, entry.applied - dead, entry.applied - dead,
    CASE WHEN goes_on THEN entry.acknowledged ELSE '{}' END, CASE WHEN goes_on THEN entry.max_event_time END, now(),
    new_cluster, coalesce(new_topic, CASE WHEN goes_on THEN entry.topic_id END), new_epoch, now(), new_end, now())
  ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN RETURN; END IF;
  log_before := log_name(entry.cluster_id, entry.topic_id, entry.leader_epoch);
  log_after := log_name(new_cluster, new_topic, new_epoch);
  DELETE FROM ledger_tail AS t
  WHERE t.source = of_source AND t.topic = of_topic AND t.partition = of_partition
    AND t.incarnation = seen_incarnation AND t.id <= verified_tail;
  UPDATE ledger_tail AS t SET incarnation = seen_incarnation + 1
  WHERE t.source = of_source AND t.topic = of_topic AND t.partition = of_partition AND t.incarnation = seen_incarnation;
  INSERT INTO log_break (source, topic, partition, incarnation, kind, from_offset, to_offset, counted_offsets, before, after)
  VALUES (of_source, of_topic, of_partition, seen_incarnation + 1, break_kind, lost_from, lost_to,
    offsets_in(dead * entry.applied),
    log_before, log_after);
END $$;

COMMENT ON FUNCTION begin_entry IS 'Begins the ledger entry of the log that is there now, where another one was before or a part of it is lost';

GRANT EXECUTE ON FUNCTION begin_entry TO smartgrid_sweep;
