-- Records that are kept for people: refused, too late, in conflict, doubtful.

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
  -- What became of it. A replay never deletes the row, and never edits the value as it came: what was counted in its
  -- place stands beside it.
  resolution text CHECK (resolution IN ('replayed', 'discarded')), -- null while unresolved
  outcome text CHECK (outcome IN ('counted', 'duplicate', 'conflict', 'too_late', 'applied_before')), -- of the replay
  resolved_at timestamptz,
  resolved_by text,
  note text,
  edited_value bytea, -- what was replayed instead of value; null where it was replayed as it came
  attempts integer NOT NULL DEFAULT 0, -- replays that were refused again
  attempted_at timestamptz,
  attempted_by text,
  last_reason text, -- why the newest attempt was refused
  last_field text,
  PRIMARY KEY (source, topic, partition, incarnation, "offset"),
  CHECK ((resolution IS NULL) = (resolved_at IS NULL)),
  CHECK ((resolution IS NULL) = (resolved_by IS NULL)),
  CHECK ((outcome IS NOT NULL) = (resolution IS NOT DISTINCT FROM 'replayed')),
  CHECK (edited_value IS NULL OR resolution = 'replayed')
);
-- Those that nobody has decided on are counted again and again.
CREATE INDEX quarantine_unresolved ON quarantine (topic) WHERE resolution IS NULL;
CREATE INDEX quarantine_by_time ON quarantine (quarantined_at DESC);
-- Retention counts from the last thing that happened to a record.
CREATE INDEX quarantine_by_age ON quarantine (greatest(quarantined_at, resolved_at));

COMMENT ON TABLE quarantine IS 'Records that are no valid event, as they came, and what became of them. For people: quarantine_readable';
COMMENT ON COLUMN quarantine.source IS 'the cluster: its ARN, or the bootstrap brokers of one that has none';
COMMENT ON COLUMN quarantine.topic IS 'the Kafka topic';
COMMENT ON COLUMN quarantine.partition IS 'the partition within the topic';
COMMENT ON COLUMN quarantine.incarnation IS '0 for the first log under this topic''s name, one more for each log that took its place';
COMMENT ON COLUMN quarantine."offset" IS 'where the record stands in the log';
COMMENT ON COLUMN quarantine.reason IS 'why the record was refused, as a code: docs/quarantine.md';
COMMENT ON COLUMN quarantine.field IS 'the field that is to blame; null where it is the value as a whole';
COMMENT ON COLUMN quarantine.value IS 'the record''s value as it came; null for a record without a value';
COMMENT ON COLUMN quarantine.quarantined_at IS 'when it was refused';
COMMENT ON COLUMN quarantine.resolution IS 'replayed or discarded; null while unresolved';
COMMENT ON COLUMN quarantine.outcome IS 'what became of the replay: counted, duplicate, conflict, too_late, or applied_before';
COMMENT ON COLUMN quarantine.resolved_at IS 'when it was replayed or discarded';
COMMENT ON COLUMN quarantine.resolved_by IS 'who decided that';
COMMENT ON COLUMN quarantine.note IS 'why, in the decider''s words';
COMMENT ON COLUMN quarantine.edited_value IS 'what was replayed instead of value; null where it was replayed as it came';
COMMENT ON COLUMN quarantine.attempts IS 'how many replays were refused again';
COMMENT ON COLUMN quarantine.attempted_at IS 'when the last of them was';
COMMENT ON COLUMN quarantine.attempted_by IS 'who tried it';
COMMENT ON COLUMN quarantine.last_reason IS 'why it was refused, as a code';
COMMENT ON COLUMN quarantine.last_field IS 'the field that was to blame then';

GRANT SELECT ON quarantine TO smartgrid_read;

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

COMMENT ON TABLE too_late IS 'Valid events for windows beyond the amendment horizon, as they came; they are not counted. For people: too_late_readable';
COMMENT ON COLUMN too_late.source IS 'the cluster: its ARN, or the bootstrap brokers of one that has none';
COMMENT ON COLUMN too_late.topic IS 'the Kafka topic';
COMMENT ON COLUMN too_late.partition IS 'the partition within the topic';
COMMENT ON COLUMN too_late.incarnation IS '0 for the first log under this topic''s name, one more for each log that took its place';
COMMENT ON COLUMN too_late."offset" IS 'where the record stands in the log';
COMMENT ON COLUMN too_late.event_time IS 'the event''s own time';
COMMENT ON COLUMN too_late.value IS 'the record''s value as it came';
COMMENT ON COLUMN too_late.recorded_at IS 'when it was put here';

GRANT SELECT ON too_late TO smartgrid_read;

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
-- Conflicts: listed with both positions, completed by the sweeper, forgotten like quarantine.
CREATE INDEX conflict_incomplete ON conflict (first_log_id, id) WHERE first_value IS NULL AND NOT first_gone;

COMMENT ON TABLE conflict IS 'Events whose identity had been counted with other content: the first counts, the other is kept here and not counted';
COMMENT ON COLUMN conflict.id IS 'in the order in which they were found';
COMMENT ON COLUMN conflict.stream IS 'the stream, as its declaration names it';
COMMENT ON COLUMN conflict.event_key IS 'the identity of both events, as in seen_event';
COMMENT ON COLUMN conflict.log_id IS 'ledger.id of the log where the event stands that was not counted';
COMMENT ON COLUMN conflict."offset" IS 'its offset there';
COMMENT ON COLUMN conflict.event_time IS 'its event time';
COMMENT ON COLUMN conflict.value IS 'its record''s value';
COMMENT ON COLUMN conflict.first_log_id IS 'ledger.id of the log where the event stands that was counted';
COMMENT ON COLUMN conflict.first_offset IS 'its offset there';
COMMENT ON COLUMN conflict.first_value IS 'its record''s value; null until the sweeper has read it from the topic, and where it was gone by then';
COMMENT ON COLUMN conflict.first_gone IS 'whether the topic no longer held it';
COMMENT ON COLUMN conflict.recorded_at IS 'when the conflict was found';
COMMENT ON COLUMN conflict.dismissed_at IS 'when somebody decided that what is counted stays; null where nobody has';
COMMENT ON COLUMN conflict.dismissed_by IS 'who decided it';
COMMENT ON COLUMN conflict.dismissed_note IS 'and why';

GRANT SELECT ON conflict TO smartgrid_read;

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

COMMENT ON TABLE doubtful IS 'Values of counted events that break no rule and are likely to be another unit. For people: doubtful_readable';
COMMENT ON COLUMN doubtful.stream IS 'the stream, as its declaration names it';
COMMENT ON COLUMN doubtful.log_id IS 'ledger.id of the log where the event stands';
COMMENT ON COLUMN doubtful."offset" IS 'its offset there';
COMMENT ON COLUMN doubtful.field IS 'the field of the event';
COMMENT ON COLUMN doubtful.value IS 'its value as it was counted, in the unit that the field should have: temperature °C, humidity %, pressure hPa, wind_speed m/s, value of a frequency Hz';
COMMENT ON COLUMN doubtful.reason IS 'why it is doubted: docs/quarantine.md explains each';
COMMENT ON COLUMN doubtful.event_time IS 'the event''s own time';
COMMENT ON COLUMN doubtful.recorded_at IS 'when the event was counted';

GRANT SELECT ON doubtful TO smartgrid_read;

-- What each weather station has sent, for doubts by its own history (sql/jumps_to_fahrenheit.sql). One row per station and
-- hour of event time; the sweeper forgets them after two days (forget_station_hours).
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

COMMENT ON TABLE weather_station_hour IS 'What each weather station has sent lately, by which its temperatures are doubted; kept for two days';
COMMENT ON COLUMN weather_station_hour.latitude IS 'degrees, rounded to 0.01';
COMMENT ON COLUMN weather_station_hour.longitude IS 'degrees, rounded to 0.01';
COMMENT ON COLUMN weather_station_hour.hour IS 'the hour of the event times, UTC';
COMMENT ON COLUMN weather_station_hour.readings IS 'how many temperatures it holds';
COMMENT ON COLUMN weather_station_hour.lowest IS 'the lowest of them, °C; one that was doubted as °F is taken as °F';
COMMENT ON COLUMN weather_station_hour.highest IS 'the highest of them, in the same way';
COMMENT ON COLUMN weather_station_hour.entered_at IS 'when its first event was counted';

GRANT SELECT ON weather_station_hour TO smartgrid_read;
