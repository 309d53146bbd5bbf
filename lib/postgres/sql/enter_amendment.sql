-- Writes an entry and its scope. Called under the locks of the rows that it changes: what these rows hold is then
-- committed and in the ledger as this statement sees it, and what they do not hold yet is not.
-- header: kind, stream, topic, selector, correction, fromUs, toUs, reverts, reason, by; dryRun, for an entry that is taken
-- back and shall use up no number: its own is below 0, another one in each session.
CREATE OR REPLACE FUNCTION enter_amendment(header jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  entry bigint;
BEGIN
  entry := CASE WHEN (header->>'dryRun')::boolean THEN -pg_backend_pid()
    ELSE nextval(pg_get_serial_sequence('amendment', 'id')) END;
  INSERT INTO amendment (id, kind, stream, topic, selector, correction, event_key, span_from, span_to, reverts, reason,
    made_by) OVERRIDING SYSTEM VALUE
  VALUES (entry, header->>'kind', header->>'stream', header->>'topic', header->'selector',
    nullif(header->'correction', 'null'),
    CASE header->>'kind' WHEN 'replace' THEN reading_key(header->'selector'->>'meter', header->'selector'->>'eventId') END,
    instant((header->>'fromUs')::bigint), instant((header->>'toUs')::bigint),
    (header->>'reverts')::bigint, header->>'reason', header->>'by');
  INSERT INTO amendment_scope (amendment_id, source, partition, incarnation, applied)
  SELECT entry, l.source, l.partition, l.incarnation, l.applied FROM ledger AS l WHERE l.topic = header->>'topic';
  PERFORM set_config('smartgrid.cause', format('amendment %s: %s', entry, header->>'reason'), true);
  RETURN entry;
END $$;

COMMENT ON FUNCTION enter_amendment IS 'Writes an amendment''s entry and its scope; returns its number';
