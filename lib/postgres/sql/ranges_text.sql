-- The first few ranges, so that a line stays a line: `[20,25) [40,41) … 7 ranges`.
CREATE OR REPLACE FUNCTION ranges_text(ranges int8multirange) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT string_agg(r::text, ' ' ORDER BY n) FILTER (WHERE n <= 5)
    || CASE WHEN count(*) > 5 THEN ' … ' || count(*) || ' ranges' ELSE '' END
  FROM unnest(ranges) WITH ORDINALITY AS u(r, n)
$$;

COMMENT ON FUNCTION ranges_text IS 'The first few of a list of ranges, and how many there are';
