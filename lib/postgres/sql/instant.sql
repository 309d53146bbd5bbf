CREATE OR REPLACE FUNCTION instant(epoch_us bigint) RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT timestamptz 'epoch' + epoch_us * interval '1 microsecond'
$$;

COMMENT ON FUNCTION instant IS 'An instant from µs since 1970';

GRANT EXECUTE ON FUNCTION instant TO smartgrid_read, smartgrid_sweep;
