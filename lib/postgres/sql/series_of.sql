-- Numbers of sensors with their types, in the order that is asked for; new ones are entered. By index alone: the planner does not know yet how
-- large a young table has become.
CREATE OR REPLACE FUNCTION series_of(sensor_types text[], sensor_ids text[]) RETURNS integer[] LANGUAGE plpgsql
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off AS $$
DECLARE
  found integer[];
BEGIN
  LOOP
    SELECT array_agg(s.id ORDER BY u.n) INTO found
    FROM unnest(sensor_types, sensor_ids) WITH ORDINALITY AS u(sensor_type, sensor_id, n)
    LEFT JOIN sensor_series AS s ON s.sensor_type = u.sensor_type AND s.sensor_id = u.sensor_id;
    EXIT WHEN array_position(found, NULL) IS NULL;
    INSERT INTO sensor_series (sensor_type, sensor_id)
    SELECT DISTINCT u.sensor_type, u.sensor_id FROM unnest(sensor_types, sensor_ids) AS u(sensor_type, sensor_id)
    WHERE NOT EXISTS (SELECT FROM sensor_series AS s WHERE s.sensor_type = u.sensor_type AND s.sensor_id = u.sensor_id)
    ORDER BY 1, 2 -- two batches at once wait for each other in one order
    ON CONFLICT DO NOTHING;
  END LOOP;
  RETURN found;
END $$;

COMMENT ON FUNCTION series_of IS 'Numbers of sensors with their types; new ones are entered';
