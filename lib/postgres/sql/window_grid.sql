-- A series' rows lie far apart, for rows are ordered by window. Named one by one, each is found at once by the primary key.
CREATE OR REPLACE FUNCTION window_grid(stream text, from_time timestamptz, to_time timestamptz) RETURNS SETOF timestamptz
LANGUAGE sql STABLE PARALLEL SAFE ROWS 300 AS $$
  SELECT generate_series(
    date_bin(window_length(stream), from_time + window_length(stream) - interval '1 microsecond', timestamptz 'epoch'),
    to_time - interval '1 microsecond', window_length(stream))
$$;

COMMENT ON FUNCTION window_grid IS 'Starts of a stream''s windows from one instant up to, and without, another one';

GRANT EXECUTE ON FUNCTION window_grid TO smartgrid_api, smartgrid_read;
