-- The streams' declarations say the same; a test holds them together.
CREATE OR REPLACE FUNCTION window_length(stream text) RETURNS interval LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE stream WHEN 'sensor' THEN interval '5 minutes' WHEN 'consumption' THEN interval '1 hour'
    WHEN 'weather' THEN interval '1 hour' END
$$;

COMMENT ON FUNCTION window_length IS 'How long a stream''s windows are';

GRANT EXECUTE ON FUNCTION window_length TO smartgrid_api, smartgrid_read;
