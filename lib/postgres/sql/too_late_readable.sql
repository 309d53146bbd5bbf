CREATE OR REPLACE VIEW too_late_readable AS
  SELECT position_text(t.topic, t.partition, t."offset", t.incarnation) AS position, t.event_time, came.shown AS value,
    came.encoding AS value_encoding, t.recorded_at, t.source, t.topic, t.partition, t.incarnation, t."offset"
  FROM too_late AS t, readable_bytes(t.value) AS came;

COMMENT ON VIEW too_late_readable IS 'The table too_late with text instead of bytes';
COMMENT ON COLUMN too_late_readable."position" IS 'the record as the commands name it: topic-partition@offset, with #incarnation where that is not 0';
COMMENT ON COLUMN too_late_readable.event_time IS 'the event''s own time';
COMMENT ON COLUMN too_late_readable.value IS 'the record''s value as text';
COMMENT ON COLUMN too_late_readable.value_encoding IS 'utf8 or escape, as in quarantine_readable';
COMMENT ON COLUMN too_late_readable.recorded_at IS 'when it was put here';
COMMENT ON COLUMN too_late_readable.source IS 'the cluster: its ARN, or the bootstrap brokers of one that has none';
COMMENT ON COLUMN too_late_readable.topic IS 'the Kafka topic';
COMMENT ON COLUMN too_late_readable.partition IS 'the partition within the topic';
COMMENT ON COLUMN too_late_readable.incarnation IS '0 for the first log under this topic''s name, one more for each log that took its place';
COMMENT ON COLUMN too_late_readable."offset" IS 'where the record stands in the log';

GRANT SELECT ON too_late_readable TO smartgrid_read;
