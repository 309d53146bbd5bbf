-- The words of lib/quarantine/reasons.ts; a test holds them together.
CREATE OR REPLACE FUNCTION reason_in_words(reason text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
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
    WHEN 'out_of_range' THEN 'a number of more than 38 digits or 30 decimals (zeros before and after them do not count); sensor value beyond ±(2^53−1); reading below 0 or beyond 10^12; temperature outside −100…70 °C, humidity 0…100 %, pressure 300…1100 hPa, wind 0…150 m/s; latitude or longitude that is none'
    WHEN 'unknown_unit' THEN 'has a unit other than kWh, Wh, MWh (a missing one is kWh)'
    WHEN 'invalid_timestamp' THEN 'has a time that does not exist, lies outside 1700–2200, or is not ISO 8601 with date and time, such as "2026-01-15T10:00Z", "2026-01-15T10:00:00.5+01:00", "20260115T100000Z" or "2026-01-15T10:00[Europe/Paris]"'
    WHEN 'ambiguous_timestamp' THEN 'has a local time that its zone''s clocks show twice (they are set back); with `+01:00` or the like it is one'
    WHEN 'nonexistent_timestamp' THEN 'has a local time that its zone''s clocks leave out (they are set forward)'
    WHEN 'in_future' THEN 'lies further ahead of the database''s clock than `FUTURE_SKEW_SECONDS`'
  END
$$;

COMMENT ON FUNCTION reason_in_words IS 'A reason of quarantine as a sentence';

GRANT EXECUTE ON FUNCTION reason_in_words TO smartgrid_read;
