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

-- Records that are no valid event, as they came.
CREATE TABLE quarantine (
  source text COLLATE "C" NOT NULL,
  topic text COLLATE "C" NOT NULL,
  partition integer NOT NULL,
  incarnation integer NOT NULL,
  "offset" bigint NOT NULL,
  reason text NOT NULL,
  field text,
  value bytea, -- null for a record without a value
  quarantined_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (source, topic, partition, incarnation, "offset")
);
CREATE INDEX quarantine_by_time ON quarantine (quarantined_at DESC);

-- Valid events for windows older than the amendment horizon.
CREATE TABLE too_late (
  source text COLLATE "C" NOT NULL,
  topic text COLLATE "C" NOT NULL,
  partition integer NOT NULL,
  incarnation integer NOT NULL,
  "offset" bigint NOT NULL,
  event_time timestamptz NOT NULL,
  value bytea NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (source, topic, partition, incarnation, "offset")
);
CREATE INDEX too_late_by_time ON too_late (recorded_at DESC);

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

-- Events whose identity had been counted with other content: the first that was applied counts, the other is kept here
-- beside it. The sweeper reads the first one's value from the topic where the batch did not hold it.
CREATE TABLE conflict (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  stream text COLLATE "C" NOT NULL,
  event_key uuid NOT NULL, -- of both events, as in seen_event
  log_id integer NOT NULL REFERENCES ledger (id), -- where the event stands that was not counted
  "offset" bigint NOT NULL,
  event_time timestamptz NOT NULL,
  value bytea NOT NULL,
  first_log_id integer NOT NULL, -- where the event stands that was counted
  first_offset bigint NOT NULL,
  first_value bytea, -- null until it has been read, and where it was gone by then
  first_gone boolean NOT NULL DEFAULT false,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  dismissed_at timestamptz, -- somebody has looked at it, and what is counted stays
  dismissed_by text,
  dismissed_note text,
  UNIQUE (log_id, "offset"),
  CHECK ((dismissed_at IS NULL) = (dismissed_by IS NULL))
);
CREATE INDEX conflict_by_time ON conflict (recorded_at DESC);

-- Values of counted events that break no rule and are still likely to be another unit (lib/streams/doubt.ts).
CREATE TABLE doubtful (
  stream text COLLATE "C" NOT NULL,
  log_id integer NOT NULL REFERENCES ledger (id), -- where the event stands
  "offset" bigint NOT NULL,
  field text NOT NULL,
  value numeric NOT NULL, -- as it was counted
  reason text NOT NULL,
  event_time timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (log_id, "offset", field)
);
CREATE INDEX doubtful_by_time ON doubtful (recorded_at DESC);

-- What each weather station has sent, for doubts by its own history (jumps_to_fahrenheit in 0003). One row per station and
-- hour of event time; the sweeper forgets them after two days (forget_doubtful).
CREATE TABLE weather_station_hour (
  latitude numeric NOT NULL, -- degrees, in steps of 0.01 (1 km): a station is where it stands
  longitude numeric NOT NULL,
  hour timestamptz NOT NULL,
  readings bigint NOT NULL,
  lowest numeric NOT NULL, -- °C; of a value that was doubted as °F: what it would be in °C
  highest numeric NOT NULL,
  entered_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (latitude, longitude, hour)
) WITH (fillfactor = 70);
CREATE INDEX weather_station_hour_by_age ON weather_station_hour (entered_at);

CREATE TABLE stream_state (
  stream text COLLATE "C" PRIMARY KEY,
  watermark timestamptz, -- null until the stream has had an event
  held_by integer, -- the partition that keeps the watermark from going on
  swept_at timestamptz
);
INSERT INTO stream_state (stream) VALUES ('sensor'), ('consumption'), ('weather');

-- What the sweeper last saw on the broker.
CREATE TABLE partition_progress (
  source text COLLATE "C" NOT NULL,
  topic text COLLATE "C" NOT NULL,
  partition integer NOT NULL,
  stream text COLLATE "C" NOT NULL,
  first_offset bigint NOT NULL,
  end_offset bigint NOT NULL,
  lag bigint NOT NULL,
  idle boolean NOT NULL,
  observed_since timestamptz NOT NULL, -- start of the present unbroken watch; silence counts from here at most
  observed_at timestamptz NOT NULL,
  -- LOST: what the trigger's group has passed (its committed offset was asked before the ledger was read) and the ledger
  -- does not hold. New traffic does not change that.
  committed_offset bigint, -- null where the group has committed none
  lost int8multirange NOT NULL DEFAULT '{}', -- the broker has records there: the sweeper delivers them again
  expired int8multirange NOT NULL DEFAULT '{}', -- retention has removed it, above the first offset that was ever applied
  unasked bigint NOT NULL DEFAULT 0, -- offsets of the same kind of which the broker was not asked yet
  lost_since timestamptz,
  lost_why text, -- why it was not delivered again, and what to do; null where nothing is in the way
  PRIMARY KEY (source, topic, partition)
) WITH (fillfactor = 50);

CREATE FUNCTION offsets_in(ranges int8multirange) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce(sum(upper(r) - lower(r)), 0)::bigint FROM unnest(ranges) AS r
$$;
