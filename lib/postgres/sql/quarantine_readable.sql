CREATE OR REPLACE VIEW quarantine_readable AS
  SELECT position_text(q.topic, q.partition, q."offset", q.incarnation) AS position, q.reason,
    reason_in_words(q.reason) AS reason_in_words, q.field, came.shown AS value, came.encoding AS value_encoding,
    q.quarantined_at, coalesce(q.resolution, 'unresolved') AS resolution, q.outcome, q.resolved_at, q.resolved_by, q.note,
    edited.shown AS edited_value, edited.encoding AS edited_value_encoding, q.attempts, q.attempted_at, q.attempted_by,
    q.last_reason, q.last_field, q.source, q.topic, q.partition, q.incarnation, q."offset"
  FROM quarantine AS q, readable_bytes(q.value) AS came, readable_bytes(q.edited_value) AS edited;

COMMENT ON VIEW quarantine_readable IS 'The table quarantine with text instead of bytes and reasons in words';
COMMENT ON COLUMN quarantine_readable."position" IS 'the record as the commands name it: topic-partition@offset, with #incarnation where that is not 0';
COMMENT ON COLUMN quarantine_readable.reason IS 'why the record was refused, as a code: docs/quarantine.md';
COMMENT ON COLUMN quarantine_readable.reason_in_words IS 'the reason as a sentence';
COMMENT ON COLUMN quarantine_readable.field IS 'the field that is to blame; null where it is the value as a whole';
COMMENT ON COLUMN quarantine_readable.value IS 'the record''s value as text; null for a record without a value';
COMMENT ON COLUMN quarantine_readable.value_encoding IS 'utf8: the value is the text; escape: its bytes are not UTF-8, decode(value, ''escape'') gives them';
COMMENT ON COLUMN quarantine_readable.quarantined_at IS 'when it was refused';
COMMENT ON COLUMN quarantine_readable.resolution IS 'unresolved, replayed or discarded';
COMMENT ON COLUMN quarantine_readable.outcome IS 'what became of the replay: counted, duplicate, conflict, too_late, or applied_before';
COMMENT ON COLUMN quarantine_readable.resolved_at IS 'when it was replayed or discarded';
COMMENT ON COLUMN quarantine_readable.resolved_by IS 'who decided that';
COMMENT ON COLUMN quarantine_readable.note IS 'why, in the decider''s words';
COMMENT ON COLUMN quarantine_readable.edited_value IS 'what was replayed instead of value, as text';
COMMENT ON COLUMN quarantine_readable.edited_value_encoding IS 'utf8 or escape, as for value_encoding';
COMMENT ON COLUMN quarantine_readable.attempts IS 'how many replays were refused again';
COMMENT ON COLUMN quarantine_readable.attempted_at IS 'when the last of them was';
COMMENT ON COLUMN quarantine_readable.attempted_by IS 'who tried it';
COMMENT ON COLUMN quarantine_readable.last_reason IS 'why it was refused, as a code';
COMMENT ON COLUMN quarantine_readable.last_field IS 'the field that was to blame then';
COMMENT ON COLUMN quarantine_readable.source IS 'the cluster: its ARN, or the bootstrap brokers of one that has none';
COMMENT ON COLUMN quarantine_readable.topic IS 'the Kafka topic';
COMMENT ON COLUMN quarantine_readable.partition IS 'the partition within the topic';
COMMENT ON COLUMN quarantine_readable.incarnation IS '0 for the first log under this topic''s name, one more for each log that took its place';
COMMENT ON COLUMN quarantine_readable."offset" IS 'where the record stands in the log';

GRANT SELECT ON quarantine_readable TO smartgrid_read;
