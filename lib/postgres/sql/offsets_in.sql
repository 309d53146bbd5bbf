CREATE OR REPLACE FUNCTION offsets_in(ranges int8multirange) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce(sum(upper(r) - lower(r)), 0)::bigint FROM unnest(ranges) AS r
$$;

COMMENT ON FUNCTION offsets_in IS 'How many offsets ranges hold';

GRANT EXECUTE ON FUNCTION offsets_in TO smartgrid_api, smartgrid_read, smartgrid_sweep;
