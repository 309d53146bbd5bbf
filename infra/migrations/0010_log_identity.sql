-- Which log a ledger entry is of. The sweeper asks Kafka's metadata for the cluster's and the topic's id and the leader for
-- its epochs (lib/core/log-identity.ts decides); these two write down what it saw. Both do nothing where another sweep has
-- written since the entry was read: seen_version is its observed_at of then.

CREATE FUNCTION log_name(cluster_id text, topic_id text, leader_epoch integer) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT concat_ws(', ', 'cluster ' || cluster_id, 'topic ' || topic_id, 'epoch ' || leader_epoch)
$$;

-- Begins the entry after the one that was seen, for the log that is there now: what is dead is not part of it. Nothing
-- happens, and the answer is null, where another sweep has begun it. Batches that were committed since the entry was read go over to it.
CREATE FUNCTION begin_entry(
  of_source text, of_topic text, of_partition integer, seen_incarnation integer, seen_version timestamptz, break_kind text,
  dead int8multirange, lost_from bigint, lost_to bigint, verified_tail bigint,
  new_cluster text, new_topic text, new_epoch integer, new_end bigint,
  OUT log_before text, OUT log_after text
) LANGUAGE plpgsql AS $$
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

-- Writes down that the log is the entry's: its ids, its epoch (null: to be looked at again), its end, and up to which of
-- its batches are known to be of it. Where the same log was swept under another source since, that source's offsets are
-- taken over; the answer is the other source, and the offsets that were counted under both.
CREATE FUNCTION observe_log(
  of_source text, of_topic text, of_partition integer, seen_incarnation integer, seen_version timestamptz,
  verified_tail bigint,
  seen_cluster text, seen_topic text, seen_epoch integer, seen_end bigint,
  OUT renamed_from text, OUT counted_twice int8multirange
) LANGUAGE plpgsql AS $$
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

-- They run as their owner: the sweeper may begin entries, and count nothing in them.
CALL run_as_owner('begin_entry', 'observe_log');
GRANT EXECUTE ON FUNCTION begin_entry, observe_log TO smartgrid_sweep;
GRANT SELECT ON ledger_tail TO smartgrid_sweep;
GRANT SELECT ON ledger_tail, log_break TO smartgrid_read; -- ledger_tail: the audit looks at the logs as well

COMMENT ON FUNCTION log_name IS 'A log as log_break names it';
COMMENT ON FUNCTION begin_entry IS 'Begins the ledger entry of the log that is there now, where another one was before or a part of it is lost';
COMMENT ON FUNCTION observe_log IS 'Writes down that a log is that of its ledger entry, and what was counted of it under another source';
