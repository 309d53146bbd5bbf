-- Doubtful values, for people and for the retention.
CREATE OR REPLACE VIEW doubtful_readable AS
  SELECT position_text(l.topic, l.partition, d."offset", l.incarnation) AS position, d.stream, d.event_time, d.field,
    d.value, d.reason, d.recorded_at, l.source, l.topic, l.partition, l.incarnation, d."offset"
  FROM doubtful AS d JOIN ledger AS l ON l.id = d.log_id;

COMMENT ON VIEW doubtful_readable IS 'The table doubtful with positions as the commands name them';
COMMENT ON COLUMN doubtful_readable."position" IS 'topic-partition@offset, #incarnation where it is not the first';
COMMENT ON COLUMN doubtful_readable.stream IS 'the stream, as its declaration names it';
COMMENT ON COLUMN doubtful_readable.event_time IS 'the event''s own time';
COMMENT ON COLUMN doubtful_readable.field IS 'the field of the event';
COMMENT ON COLUMN doubtful_readable.value IS 'its value as it was counted, in the unit that the field should have';
COMMENT ON COLUMN doubtful_readable.reason IS 'why it is doubted: docs/quarantine.md explains each';
COMMENT ON COLUMN doubtful_readable.recorded_at IS 'when the event was counted';
COMMENT ON COLUMN doubtful_readable.source IS 'the cluster: its ARN, or the bootstrap brokers of one that has none';
COMMENT ON COLUMN doubtful_readable.topic IS 'the Kafka topic';
COMMENT ON COLUMN doubtful_readable.partition IS 'the partition within the topic';
COMMENT ON COLUMN doubtful_readable.incarnation IS '0 for the first log under this topic''s name, one more for each log that took its place';
COMMENT ON COLUMN doubtful_readable."offset" IS 'where the record stands in the log';

GRANT SELECT ON doubtful_readable TO smartgrid_read;
