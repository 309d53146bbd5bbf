-- The condition that held most often; ties go to the one that matters more to a grid, then alphabetically.
CREATE OR REPLACE FUNCTION dominant_condition(condition_counts jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT key FROM jsonb_each_text(condition_counts)
  ORDER BY value::bigint DESC,
    array_position(ARRAY['Stormy', 'Rainy', 'Foggy', 'Windy', 'Cloudy', 'Sunny'], key) NULLS LAST,
    key COLLATE "C"
  LIMIT 1
$$;

COMMENT ON FUNCTION dominant_condition IS 'The weather condition that held in most events; a tie goes to the one that matters more to a grid, then by the alphabet';

GRANT EXECUTE ON FUNCTION dominant_condition TO smartgrid_api, smartgrid_read;
