-- How far each stream has come, and what does not go on.

CREATE TABLE stream_state (
  stream text COLLATE "C" PRIMARY KEY,
  watermark timestamptz, -- null until the stream has had an event
  held_by integer, -- the partition that keeps the watermark from going on
  moved_at timestamptz, -- since when the watermark stands where it stands
  swept_at timestamptz
);

COMMENT ON TABLE stream_state IS 'How far each stream has come';
COMMENT ON COLUMN stream_state.stream IS 'the stream, as its declaration names it';
COMMENT ON COLUMN stream_state.watermark IS 'all windows that end at or before it are final (finality says since when); null until the stream has had an event';
COMMENT ON COLUMN stream_state.held_by IS 'the partition that keeps the watermark from going on; null for none';
COMMENT ON COLUMN stream_state.swept_at IS 'when a sweep of the stream last succeeded';
COMMENT ON COLUMN stream_state.moved_at IS 'when the watermark last moved';

GRANT SELECT, UPDATE (swept_at) ON stream_state TO smartgrid_sweep; -- UPDATE: to lock the row
GRANT SELECT ON stream_state TO smartgrid_api, smartgrid_read;

-- What the sweeper last saw on the broker.
CREATE TABLE partition_progress (
  source text COLLATE "C" NOT NULL,
  topic text COLLATE "C" NOT NULL,
  partition integer NOT NULL,
  stream text COLLATE "C" NOT NULL,
  first_offset bigint NOT NULL,
  end_offset bigint NOT NULL,
  lag bigint NOT NULL,
  lagging_since timestamptz, -- since when there has been lag at every sweep
  idle boolean NOT NULL,
  observed_since timestamptz NOT NULL, -- start of the present unbroken watch; silence counts from here at most
  observed_at timestamptz NOT NULL,
  -- LOST: what the trigger's group has passed (its committed offset was asked before the ledger was read) and the ledger
  -- does not hold. New traffic does not change that.
  committed_offset bigint, -- null where the group has committed none
  lost int8multirange NOT NULL DEFAULT '{}', -- the broker has records there: the sweeper delivers them again
  expired int8multirange NOT NULL DEFAULT '{}', -- retention has removed it, above the first offset that was ever applied
  unchecked bigint NOT NULL DEFAULT 0, -- offsets that may be lost and have not been looked up on the broker yet
  lost_since timestamptz,
  lost_why text, -- why it was not delivered again, and what to do; null where nothing is in the way
  PRIMARY KEY (source, topic, partition)
) WITH (fillfactor = 50);

COMMENT ON TABLE partition_progress IS 'What the sweeper last saw of each partition on the broker';
COMMENT ON COLUMN partition_progress.source IS 'the cluster: its ARN, or the bootstrap brokers of one that has none';
COMMENT ON COLUMN partition_progress.topic IS 'the Kafka topic';
COMMENT ON COLUMN partition_progress.partition IS 'the partition within the topic';
COMMENT ON COLUMN partition_progress.stream IS 'the stream that reads the topic';
COMMENT ON COLUMN partition_progress.first_offset IS 'first offset that the broker still has';
COMMENT ON COLUMN partition_progress.end_offset IS 'the offset that the next record will get';
COMMENT ON COLUMN partition_progress.lag IS 'records that wait on the broker and are not applied';
COMMENT ON COLUMN partition_progress.idle IS 'whether the partition is silent for so long that the watermark does not wait for it';
COMMENT ON COLUMN partition_progress.observed_since IS 'since when it has been watched without a break';
COMMENT ON COLUMN partition_progress.observed_at IS 'when the sweeper last looked';
COMMENT ON COLUMN partition_progress.committed_offset IS 'where the trigger''s consumer group goes on; null where it has committed nothing';
COMMENT ON COLUMN partition_progress.lost IS 'offsets that the trigger has passed, that are not counted, and that the broker still has: the sweeper delivers them again';
COMMENT ON COLUMN partition_progress.expired IS 'offsets that the trigger has passed and that retention removed before they were counted: lost for good';
COMMENT ON COLUMN partition_progress.unchecked IS 'offsets that the trigger has passed, that are not counted, and that have not been looked up on the broker yet: lost, or without a record';
COMMENT ON COLUMN partition_progress.lost_since IS 'since when something is lost, or the group is ahead of the log; null where all is well';
COMMENT ON COLUMN partition_progress.lost_why IS 'why what is lost was not delivered again, and what to do; null where nothing is in the way';
COMMENT ON COLUMN partition_progress.lagging_since IS 'since when it has had a lag without a break; null without one';

GRANT INSERT, UPDATE, SELECT ON partition_progress TO smartgrid_sweep;
GRANT SELECT ON partition_progress TO smartgrid_api, smartgrid_read;

-- Trouble that has been logged as begun and not yet as ended.
CREATE TABLE reported_trouble (
  kind text NOT NULL,
  place text COLLATE "C" NOT NULL,
  since timestamptz NOT NULL,
  why text NOT NULL,
  reported_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (kind, place)
);

COMMENT ON TABLE reported_trouble IS 'Trouble that has been logged as begun and not yet as ended; trouble() says what there is now';
COMMENT ON COLUMN reported_trouble.kind IS 'partition_stuck, sweeper_silent, watermark_held or another kind that trouble() names';
COMMENT ON COLUMN reported_trouble.place IS 'topic-partition, or the stream where no partition is to blame';
COMMENT ON COLUMN reported_trouble.since IS 'since when';
COMMENT ON COLUMN reported_trouble.why IS 'the cause, in words';
COMMENT ON COLUMN reported_trouble.reported_at IS 'when it was logged';

GRANT SELECT, INSERT, DELETE ON reported_trouble TO smartgrid_sweep;
GRANT SELECT ON reported_trouble TO smartgrid_read;
