-- Enters offsets that hold no record into a partition's ranges; counts stay as they are.
CREATE OR REPLACE FUNCTION settle_holes(
  of_source text, of_topic text, of_partition integer, of_incarnation integer, holes int8multirange
) RETURNS void LANGUAGE sql
SECURITY DEFINER SET search_path FROM CURRENT AS $$
  INSERT INTO ledger AS l (source, topic, partition, incarnation, applied)
  VALUES (of_source, of_topic, of_partition, of_incarnation, holes)
  ON CONFLICT (source, topic, partition, incarnation) DO UPDATE SET applied = l.applied + excluded.applied
$$;

COMMENT ON FUNCTION settle_holes IS 'Enters offsets that hold no record into a partition''s ledger';

GRANT EXECUTE ON FUNCTION settle_holes TO smartgrid_sweep;
