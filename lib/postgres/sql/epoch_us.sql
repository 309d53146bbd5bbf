CREATE OR REPLACE FUNCTION epoch_us(at timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT (extract(epoch FROM at) * 1000000)::bigint
$$;

COMMENT ON FUNCTION epoch_us IS 'µs since 1970 of an instant';

GRANT EXECUTE ON FUNCTION epoch_us TO smartgrid_read, smartgrid_sweep;
