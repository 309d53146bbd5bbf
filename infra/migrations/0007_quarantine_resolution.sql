-- What became of a quarantined record: replayed or discarded, by whom and when. A replay never deletes the row, and
-- never edits the value as it came: what was counted in its place stands beside it.

ALTER TABLE quarantine
  ADD COLUMN resolution text CHECK (resolution IN ('replayed', 'discarded')), -- null while unresolved
  ADD COLUMN outcome text CHECK (outcome IN ('counted', 'duplicate', 'conflict', 'too_late', 'applied_before')), -- of the replay
  ADD COLUMN resolved_at timestamptz,
  ADD COLUMN resolved_by text,
  ADD COLUMN note text,
  ADD COLUMN edited_value bytea, -- what was replayed instead of value; null where it was replayed as it came
  ADD COLUMN attempts integer NOT NULL DEFAULT 0, -- replays that were refused again
  ADD COLUMN attempted_at timestamptz,
  ADD COLUMN attempted_by text,
  ADD COLUMN last_reason text, -- why the newest attempt was refused
  ADD COLUMN last_field text,
  ADD CHECK ((resolution IS NULL) = (resolved_at IS NULL)),
  ADD CHECK ((resolution IS NULL) = (resolved_by IS NULL)),
  ADD CHECK ((outcome IS NOT NULL) = (resolution IS NOT DISTINCT FROM 'replayed')),
  ADD CHECK (edited_value IS NULL OR resolution = 'replayed');

-- Retention counts from the last thing that happened to a record.
CREATE INDEX quarantine_by_age ON quarantine (greatest(quarantined_at, resolved_at));

-- Deletes up to `most` records of which nothing has been heard for the retention's time, the oldest first, and says
-- how many of them were resolved and how many nobody had ever looked at. One that is being replayed is left alone.
CREATE FUNCTION forget_quarantine(
  retention interval, most integer, OUT resolved bigint, OUT unresolved bigint)
LANGUAGE sql AS $$
  WITH due AS (
    SELECT source, topic, partition, incarnation, "offset" FROM quarantine
    WHERE greatest(quarantined_at, resolved_at) < now() - retention
    ORDER BY greatest(quarantined_at, resolved_at) LIMIT most FOR UPDATE SKIP LOCKED),
  gone AS (
    DELETE FROM quarantine AS q USING due
    WHERE (q.source, q.topic, q.partition, q.incarnation, q."offset")
      = (due.source, due.topic, due.partition, due.incarnation, due."offset")
    RETURNING q.source, q.topic, q.partition, q.incarnation, q.resolution),
  noted AS (
    UPDATE ledger AS l SET quarantine_forgotten = l.quarantine_forgotten + g.records
    FROM (SELECT source, topic, partition, incarnation, count(*) AS records FROM gone GROUP BY 1, 2, 3, 4) AS g
    WHERE (l.source, l.topic, l.partition, l.incarnation) = (g.source, g.topic, g.partition, g.incarnation))
  SELECT count(resolution), count(*) - count(resolution) FROM gone
$$;

-- The sweeper forgets, and sees no record.
CALL run_as_owner('forget_quarantine');
GRANT EXECUTE ON FUNCTION forget_quarantine TO smartgrid_sweep;

-- Quarantine and what came too late, for people: text instead of bytes, reasons in words.

-- As lib/quarantine/readable.ts: text where the bytes are UTF-8 without control characters other than tab and line ends and
-- without signs that turn the direction of text (encoding: utf8), else with each byte that is not printable ASCII as a
-- backslash and three octal digits (encoding: escape), which decode(text, 'escape') takes back.
CREATE FUNCTION readable_bytes(bytes bytea, OUT shown text, OUT encoding text) STRICT IMMUTABLE LANGUAGE plpgsql AS $$
DECLARE
  code integer;
BEGIN
  BEGIN
    shown := convert_from(bytes, 'UTF8');
  EXCEPTION WHEN character_not_in_repertoire OR untranslatable_character THEN
    shown := NULL;
  END;
  encoding := 'utf8';
  IF shown IS NULL
    OR shown ~ '[\u0001-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]'
  THEN
    encoding := 'escape';
    shown := encode(bytes, 'escape'); -- of control characters it escapes NUL only
    FOR code IN SELECT generate_series(1, 31) UNION SELECT 127 LOOP
      shown := replace(shown, chr(code), '\' || code / 64 || code / 8 % 8 || code % 8);
    END LOOP;
  END IF;
END $$;

-- A record as the commands name it.
CREATE FUNCTION position_text(topic text, partition integer, "offset" bigint, incarnation integer) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT topic || '-' || partition || '@' || "offset" || CASE WHEN incarnation > 0 THEN '#' || incarnation ELSE '' END
$$;

-- The words of lib/quarantine/reasons.ts; a test holds them together.
CREATE FUNCTION reason_in_words(reason text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT 'the record''s value ' || CASE reason
    WHEN 'null_value' THEN 'is missing (a tombstone)'
    WHEN 'empty_value' THEN 'has no bytes'
    WHEN 'invalid_utf8' THEN 'is not UTF-8'
    WHEN 'malformed_json' THEN 'is not JSON (a byte order mark is not)'
    WHEN 'not_an_object' THEN 'is JSON, but no object'
    WHEN 'missing_field' THEN 'lacks a field that the contract asks for, or it is null'
    WHEN 'wrong_type' THEN 'has a field of another type, for instance a number as text'
    WHEN 'empty_text' THEN 'has an empty id, type or condition'
    WHEN 'text_too_long' THEN 'has an id beyond 100, a type or condition beyond 50, an event_id beyond 300 characters'
    WHEN 'invalid_text' THEN 'has text with NUL or a lone surrogate, which cannot be stored, or with U+FFFD, which is written where bytes were not UTF-8'
    WHEN 'out_of_range' THEN 'sensor value beyond ±(2^53−1), or 0 < size < 1e-30; reading below 0 or beyond 10^12; temperature outside −100…70 °C, humidity 0…100 %, pressure 300…1100 hPa, wind 0…150 m/s; latitude or longitude that is none'
    WHEN 'unknown_unit' THEN 'has a unit other than kWh, Wh, MWh (a missing one is kWh)'
    WHEN 'invalid_timestamp' THEN 'has a time that does not exist, lies outside 1700–2200, or is not ISO 8601 with date and time, such as "2026-01-15T10:00Z", "2026-01-15T10:00:00.5+01:00", "20260115T100000Z" or "2026-01-15T10:00[Europe/Paris]"'
    WHEN 'ambiguous_timestamp' THEN 'has a local time that its zone''s clocks show twice (they are set back); with `+01:00` or the like it is one'
    WHEN 'nonexistent_timestamp' THEN 'has a local time that its zone''s clocks leave out (they are set forward)'
    WHEN 'in_future' THEN 'lies further ahead of the database''s clock than `FUTURE_SKEW_SECONDS`'
  END
$$;

CREATE VIEW quarantine_readable AS
  SELECT position_text(q.topic, q.partition, q."offset", q.incarnation) AS position, q.reason,
    reason_in_words(q.reason) AS reason_in_words, q.field, came.shown AS value, came.encoding AS value_encoding,
    q.quarantined_at, coalesce(q.resolution, 'unresolved') AS resolution, q.outcome, q.resolved_at, q.resolved_by, q.note,
    edited.shown AS edited_value, edited.encoding AS edited_value_encoding, q.attempts, q.attempted_at, q.attempted_by,
    q.last_reason, q.last_field, q.source, q.topic, q.partition, q.incarnation, q."offset"
  FROM quarantine AS q, readable_bytes(q.value) AS came, readable_bytes(q.edited_value) AS edited;

CREATE VIEW too_late_readable AS
  SELECT position_text(t.topic, t.partition, t."offset", t.incarnation) AS position, t.event_time, came.shown AS value,
    came.encoding AS value_encoding, t.recorded_at, t.source, t.topic, t.partition, t.incarnation, t."offset"
  FROM too_late AS t, readable_bytes(t.value) AS came;

GRANT EXECUTE ON FUNCTION readable_bytes, position_text, reason_in_words TO smartgrid_read;
GRANT SELECT ON quarantine_readable, too_late_readable TO smartgrid_read;

-- Doubtful values, for people and for the retention.

CREATE VIEW doubtful_readable AS
  SELECT position_text(l.topic, l.partition, d."offset", l.incarnation) AS position, d.stream, d.event_time, d.field,
    d.value, d.reason, d.recorded_at, l.source, l.topic, l.partition, l.incarnation, d."offset"
  FROM doubtful AS d JOIN ledger AS l ON l.id = d.log_id;
GRANT SELECT ON doubtful_readable TO smartgrid_read;

-- Counted events with a doubtful value, of all time.
CREATE FUNCTION doubtful_events() RETURNS TABLE (topic text, events bigint) LANGUAGE sql STABLE AS $$
  SELECT l.topic, sum(l.doubtful)::bigint FROM ledger AS l GROUP BY l.topic HAVING sum(l.doubtful) > 0 ORDER BY l.topic
$$;

-- The stations' history, which is what temperatures are doubted by, needs two days at most.
CREATE FUNCTION forget_doubtful(retention interval, most integer) RETURNS bigint LANGUAGE sql AS $$
  DELETE FROM weather_station_hour WHERE (latitude, longitude, hour) IN (
    SELECT latitude, longitude, hour FROM weather_station_hour WHERE entered_at < now() - interval '2 days'
    ORDER BY entered_at LIMIT most FOR UPDATE SKIP LOCKED);
  WITH due AS (
    SELECT log_id, "offset", field FROM doubtful WHERE recorded_at < now() - retention
    ORDER BY recorded_at LIMIT most FOR UPDATE SKIP LOCKED),
  gone AS (
    DELETE FROM doubtful AS d USING due
    WHERE (d.log_id, d."offset", d.field) = (due.log_id, due."offset", due.field) RETURNING 1)
  SELECT count(*) FROM gone
$$;

CALL run_as_owner('doubtful_events', 'forget_doubtful');
GRANT EXECUTE ON FUNCTION doubtful_events TO smartgrid_api, smartgrid_read;
GRANT EXECUTE ON FUNCTION forget_doubtful TO smartgrid_sweep;
