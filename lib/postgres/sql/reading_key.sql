-- The event_key of a meter's reading.
CREATE OR REPLACE FUNCTION reading_key(meter text, event_id text) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT encode(substring(sha256(convert_to(meter, 'UTF8') || '\x00'::bytea || convert_to(event_id, 'UTF8')) FOR 16), 'hex')::uuid
$$;

COMMENT ON FUNCTION reading_key IS 'The event_key of a reading: the first 128 bits of SHA-256 of its meter and event_id';

GRANT EXECUTE ON FUNCTION reading_key TO smartgrid_read;
