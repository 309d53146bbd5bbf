-- Numbers of customers, in the order that is asked for; new ones are entered. By index alone: the planner does not know yet how
-- large a young table has become.
CREATE OR REPLACE FUNCTION customers_of(customer_ids text[]) RETURNS integer[] LANGUAGE plpgsql
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off AS $$
DECLARE
  found integer[];
BEGIN
  LOOP
    SELECT array_agg(s.id ORDER BY u.n) INTO found
    FROM unnest(customer_ids) WITH ORDINALITY AS u(customer_id, n)
    LEFT JOIN customer AS s ON s.customer_id = u.customer_id;
    EXIT WHEN array_position(found, NULL) IS NULL;
    INSERT INTO customer (customer_id)
    SELECT DISTINCT u.customer_id FROM unnest(customer_ids) AS u(customer_id)
    WHERE NOT EXISTS (SELECT FROM customer AS s WHERE s.customer_id = u.customer_id)
    ORDER BY 1 -- two batches at once wait for each other in one order
    ON CONFLICT DO NOTHING;
  END LOOP;
  RETURN found;
END $$;

COMMENT ON FUNCTION customers_of IS 'Numbers of customers; new ones are entered';
