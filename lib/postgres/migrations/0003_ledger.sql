-- What has been applied, and of which log.

-- What has been applied, what was refused, and how far each stream has come.

-- Offsets applied, per source (cluster), topic, partition and incarnation. The sweeper begins the next incarnation where
-- Kafka's metadata name another cluster or topic than before, or where the log was cut. Law: counted + quarantined +
-- too_late + duplicates + conflicts = records; the ranges may hold more offsets than records: transaction markers and
-- compaction leave holes, and an entry takes over from the one before it what it still holds of the same log.
CREATE TABLE ledger (
  id integer GENERATED ALWAYS AS IDENTITY UNIQUE, -- of the log, for what has to name one in few bytes
  source text COLLATE "C" NOT NULL,
  topic text COLLATE "C" NOT NULL,
  partition integer NOT NULL,
  incarnation integer NOT NULL,
  applied int8multirange NOT NULL DEFAULT '{}',
  inherited int8multirange NOT NULL DEFAULT '{}', -- of applied: by the entry before, or under another source
  records bigint NOT NULL DEFAULT 0,
  counted bigint NOT NULL DEFAULT 0,
  quarantined bigint NOT NULL DEFAULT 0,
  quarantine_forgotten bigint NOT NULL DEFAULT 0, -- of quarantined, by retention
  too_late bigint NOT NULL DEFAULT 0,
  duplicates bigint NOT NULL DEFAULT 0, -- retries: same identity, same content
  conflicts bigint NOT NULL DEFAULT 0, -- same identity, other content
  conflicts_forgotten bigint NOT NULL DEFAULT 0, -- of conflicts, by retention
  doubtful bigint NOT NULL DEFAULT 0, -- of the counted ones: with a value that is likely to be another unit
  late bigint NOT NULL DEFAULT 0, -- of the counted ones: came for a final window and amended it
  max_event_time timestamptz, -- of the events that were not too late
  advanced_at timestamptz, -- last time that max_event_time grew; poison and stragglers do not keep a partition awake
  cluster_id text, -- by Kafka's metadata; null until the sweeper has asked for them
  topic_id text, -- null as well where the broker knows topics by name only
  leader_epoch integer, -- last one seen: up to it, all offsets but those of ledger_tail are known to be of this log
  epoch_since timestamptz, -- when it was first seen
  broker_end bigint, -- end of the log when it was last seen
  observed_at timestamptz,
  acknowledged int8multirange NOT NULL DEFAULT '{}', -- lost for good, by retention, and an operator has taken note of it
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(), -- last time that new offsets were applied
  PRIMARY KEY (source, topic, partition, incarnation),
  CHECK (counted + quarantined + too_late + duplicates + conflicts = records)
) WITH (fillfactor = 50);

COMMENT ON TABLE ledger IS 'Which offsets have been applied, and what became of their records. counted + quarantined + too_late + duplicates + conflicts = records';
COMMENT ON COLUMN ledger.id IS 'the entry in few bytes, for seen_event and conflict';
COMMENT ON COLUMN ledger.source IS 'the cluster: its ARN, or the bootstrap brokers of one that has none';
COMMENT ON COLUMN ledger.topic IS 'the Kafka topic';
COMMENT ON COLUMN ledger.partition IS 'the partition within the topic';
COMMENT ON COLUMN ledger.incarnation IS '0 for the first log under this topic''s name, one more for each log that took its place';
COMMENT ON COLUMN ledger.applied IS 'the offsets that are settled; offsets that hold no record (transaction markers, compaction) among them';
COMMENT ON COLUMN ledger.inherited IS 'those of applied that the entry before, or one of another source, has settled: their quarantined and other records are listed there';
COMMENT ON COLUMN ledger.records IS 'how many records were applied';
COMMENT ON COLUMN ledger.counted IS 'records that are in the rows of their windows';
COMMENT ON COLUMN ledger.quarantined IS 'records that are no valid event: see quarantine';
COMMENT ON COLUMN ledger.quarantine_forgotten IS 'of quarantined: how many retention has deleted since';
COMMENT ON COLUMN ledger.too_late IS 'valid events for windows beyond the amendment horizon: see too_late';
COMMENT ON COLUMN ledger.duplicates IS 'retries of a producer: same identity and same content as a counted event';
COMMENT ON COLUMN ledger.conflicts IS 'same identity as a counted event, but other content: see conflict';
COMMENT ON COLUMN ledger.conflicts_forgotten IS 'of conflicts: how many retention has deleted since';
COMMENT ON COLUMN ledger.doubtful IS 'of the counted ones: with a value that is likely to be another unit: see doubtful';
COMMENT ON COLUMN ledger.late IS 'of the counted ones: came for a final window and amended it';
COMMENT ON COLUMN ledger.max_event_time IS 'latest event time, of events that were not too late';
COMMENT ON COLUMN ledger.advanced_at IS 'when max_event_time last grew';
COMMENT ON COLUMN ledger.cluster_id IS 'the cluster''s id by Kafka''s metadata; null until the sweeper has asked';
COMMENT ON COLUMN ledger.topic_id IS 'the topic''s id by Kafka''s metadata; null as well where the broker knows topics by name only';
COMMENT ON COLUMN ledger.leader_epoch IS 'the leader epoch in which the log was last seen';
COMMENT ON COLUMN ledger.epoch_since IS 'when that epoch was first seen';
COMMENT ON COLUMN ledger.broker_end IS 'where the log ended when it was last seen';
COMMENT ON COLUMN ledger.observed_at IS 'when the sweeper last saw the log';
COMMENT ON COLUMN ledger.acknowledged IS 'offsets that are lost for good, by retention, and of which an operator has taken note';
COMMENT ON COLUMN ledger.created_at IS 'when the entry was begun';
COMMENT ON COLUMN ledger.updated_at IS 'when new offsets were last applied';

GRANT SELECT ON ledger TO smartgrid_read, smartgrid_sweep;

-- How late events reach their log: record time less event time (docs/decisions/0027). Law: an entry's events, summed over
-- days and buckets, are its counted and too_late ones whose records have a time.
CREATE TABLE lateness (
  day date NOT NULL,
  log_id integer NOT NULL, -- ledger.id
  below_s bigint NOT NULL,
  stream text COLLATE "C" NOT NULL,
  events bigint NOT NULL CHECK (events > 0),
  PRIMARY KEY (day, log_id, below_s)
) WITH (fillfactor = 50);

COMMENT ON TABLE lateness IS 'How late events reached their log, per stream, partition and day: how many had which lateness. Lateness is the record''s time less the event''s time; of events that are counted or too late';
COMMENT ON COLUMN lateness.day IS 'the UTC day of the record times: when the events came';
COMMENT ON COLUMN lateness.log_id IS 'in the log of this ledger.id, which has topic and partition';
COMMENT ON COLUMN lateness.below_s IS 'their lateness lies below this and at or above half of it, s; 1: from 0 to below 1 s; 0: the event time lies after the record time; 4294967296: this long or longer';
COMMENT ON COLUMN lateness.stream IS 'the stream, as its declaration names it';
COMMENT ON COLUMN lateness.events IS 'how many events that is';

GRANT SELECT ON lateness TO smartgrid_read;

-- Batches that were applied since the sweeper last saw the log, with a digest of each one's last record: they
-- may be of a log that has been cut since. The sweeper deletes those that it knows to be of the present log.
CREATE TABLE ledger_tail (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  source text COLLATE "C" NOT NULL,
  topic text COLLATE "C" NOT NULL,
  partition integer NOT NULL,
  incarnation integer NOT NULL,
  offsets int8multirange NOT NULL,
  last_offset bigint NOT NULL,
  digest uuid NOT NULL
);
CREATE INDEX ledger_tail_by_partition ON ledger_tail (source, topic, partition, incarnation);

COMMENT ON TABLE ledger_tail IS 'Batches that were applied since the sweeper last saw their log, by which it tells a log that was cut since';
COMMENT ON COLUMN ledger_tail.id IS 'in the order of the commits';
COMMENT ON COLUMN ledger_tail.source IS 'the cluster, as in ledger';
COMMENT ON COLUMN ledger_tail.topic IS 'the Kafka topic';
COMMENT ON COLUMN ledger_tail.partition IS 'the partition within the topic';
COMMENT ON COLUMN ledger_tail.incarnation IS 'the log, as in ledger';
COMMENT ON COLUMN ledger_tail.offsets IS 'the offsets that the batch has added';
COMMENT ON COLUMN ledger_tail.last_offset IS 'the last record of the batch as it was delivered';
COMMENT ON COLUMN ledger_tail.digest IS 'of that record: 128 bits of SHA-256';

GRANT SELECT ON ledger_tail TO smartgrid_read, smartgrid_sweep;

-- Where the sweeper found another log under a partition's name than before, or its own log cut.
CREATE TABLE log_break (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  source text COLLATE "C" NOT NULL,
  topic text COLLATE "C" NOT NULL,
  partition integer NOT NULL,
  incarnation integer NOT NULL, -- of the ledger entry that goes on from here
  kind text NOT NULL CHECK (kind IN ('truncated', 'created_again', 'another_cluster', 'renamed')),
  -- truncated: offsets that had been seen and that the log has lost. renamed: counted under both names; null for none.
  from_offset bigint,
  to_offset bigint,
  counted_offsets bigint NOT NULL, -- of these, or of the other log: offsets that had been applied
  before text NOT NULL, -- the cluster's and topic's id and the leader epoch, or the source, until then
  after text NOT NULL,
  found_at timestamptz NOT NULL DEFAULT now(),
  acknowledged_at timestamptz,
  acknowledged_by text
);

COMMENT ON TABLE log_break IS 'Where another log stood under a partition''s name than before, or its own log had been cut';
COMMENT ON COLUMN log_break.id IS 'in the order of finding';
COMMENT ON COLUMN log_break.source IS 'the cluster, as in ledger';
COMMENT ON COLUMN log_break.topic IS 'the Kafka topic';
COMMENT ON COLUMN log_break.partition IS 'the partition within the topic';
COMMENT ON COLUMN log_break.incarnation IS 'the ledger entry that goes on from here';
COMMENT ON COLUMN log_break.kind IS 'truncated, created_again, another_cluster or renamed: docs/runbook.md, log-broken';
COMMENT ON COLUMN log_break.from_offset IS 'truncated: first offset that was lost; renamed: first one that was counted under both names';
COMMENT ON COLUMN log_break.to_offset IS 'offset after the last of these';
COMMENT ON COLUMN log_break.counted_offsets IS 'how many of the offsets that are gone had been applied; renamed: were counted under both names';
COMMENT ON COLUMN log_break.before IS 'cluster, topic and epoch until then; renamed: the source';
COMMENT ON COLUMN log_break.after IS 'the same from then on';
COMMENT ON COLUMN log_break.found_at IS 'when the sweeper found it';
COMMENT ON COLUMN log_break.acknowledged_at IS 'when somebody took note of it, which ends the trouble';
COMMENT ON COLUMN log_break.acknowledged_by IS 'who that was';

GRANT SELECT ON log_break TO smartgrid_read;

-- What was delivered again, because the trigger's group had passed it and the ledger did not hold it: by the sweeper, or
-- by `npm run audit -- --repair`. A row is written in the transaction that commits the records.
CREATE TABLE redelivery (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  source text COLLATE "C" NOT NULL,
  topic text COLLATE "C" NOT NULL,
  partition integer NOT NULL,
  offsets int8range NOT NULL,
  records integer NOT NULL, -- that the ledger did not hold
  counted integer NOT NULL, -- of them; the others were refused, too late or a producer's retry
  delivered_by text NOT NULL,
  delivered_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX redelivery_by_time ON redelivery (delivered_at DESC);

COMMENT ON TABLE redelivery IS 'Lost records that were delivered again: one row for each batch';
COMMENT ON COLUMN redelivery.id IS 'the batch''s number';
COMMENT ON COLUMN redelivery.source IS 'the cluster: its ARN, or the bootstrap brokers of one that has none';
COMMENT ON COLUMN redelivery.topic IS 'the Kafka topic';
COMMENT ON COLUMN redelivery.partition IS 'the partition within the topic';
COMMENT ON COLUMN redelivery.offsets IS 'the offsets that were read again';
COMMENT ON COLUMN redelivery.records IS 'how many of their records the ledger did not hold';
COMMENT ON COLUMN redelivery.counted IS 'how many of these were counted';
COMMENT ON COLUMN redelivery.delivered_by IS 'sweep-windows, or the command that somebody typed';
COMMENT ON COLUMN redelivery.delivered_at IS 'when';

GRANT INSERT ON redelivery TO smartgrid_sweep;
GRANT SELECT ON redelivery TO smartgrid_read;

-- Identities of counted events, for streams that count a producer's retry once. An entry is needed as long as its
-- event would not be too late anyway, so the sweeper forgets it by event time.
CREATE TABLE seen_event (
  stream text COLLATE "C" NOT NULL,
  event_key uuid NOT NULL, -- first 128 bits of SHA-256 of the identity: (meter, event_id), (place, event_id) of weather
  event_time timestamptz NOT NULL,
  content bigint NOT NULL, -- 52 bits of SHA-256 of what was counted
  "offset" bigint NOT NULL, -- where the event stands: in the log of ledger.id
  log_id integer NOT NULL,
  PRIMARY KEY (stream, event_key)
);
CREATE INDEX seen_event_by_time ON seen_event (stream, event_time);

COMMENT ON TABLE seen_event IS 'Identities of counted events, so that a producer''s retry counts once; forgotten with the amendment horizon';
COMMENT ON COLUMN seen_event.stream IS 'the stream, as its declaration names it';
COMMENT ON COLUMN seen_event.event_key IS 'first 128 bits of SHA-256 of the identity';
COMMENT ON COLUMN seen_event.event_time IS 'the event''s time';
COMMENT ON COLUMN seen_event.content IS '52 bits of SHA-256 of what was counted, which tells a retry from a conflict';
COMMENT ON COLUMN seen_event."offset" IS 'where the counted event stands';
COMMENT ON COLUMN seen_event.log_id IS 'in the log of this ledger.id';

GRANT SELECT (stream, event_time), DELETE ON seen_event TO smartgrid_sweep;
