-- Enters the first events' values or, where they are null, that they are gone.
CREATE OR REPLACE FUNCTION complete_conflicts(conflict_ids bigint[], found bytea[]) RETURNS void LANGUAGE sql
SECURITY DEFINER SET search_path FROM CURRENT AS $$
  UPDATE conflict AS c SET first_value = f.value, first_gone = f.value IS NULL
  FROM unnest(conflict_ids, found) AS f(id, value)
  WHERE c.id = f.id AND c.first_value IS NULL
$$;

COMMENT ON FUNCTION complete_conflicts IS 'Enters the first events of conflicts, or that they are gone';

GRANT EXECUTE ON FUNCTION complete_conflicts TO smartgrid_sweep;
