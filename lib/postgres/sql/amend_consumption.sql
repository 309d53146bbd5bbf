CREATE OR REPLACE FUNCTION amend_consumption(
  header jsonb, window_starts_us bigint[],
  ids text[], counts_before bigint[], sums_before numeric[],
  ids_again text[], counts_after bigint[], sums_after numeric[]
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  entry bigint;
  differing jsonb;
  made_starts timestamptz[];
  made_customers integer[];
BEGIN
  PERFORM share_finality('consumption');
  PERFORM make_months('consumption', window_starts_us);
  -- A reading that is replaced by one of another hour or customer may be the first of its row.
  WITH empty AS (
    INSERT INTO consumption_window (window_start, customer, reading_count, total_consumption)
    SELECT instant(u.start_us), u.customer, 0, 0.000000
    FROM unnest(window_starts_us, customers_of(ids_again), counts_after) AS u(start_us, customer, n)
    WHERE u.n > 0 AND header->>'kind' <> 'remove'
    ORDER BY u.start_us, u.customer
    ON CONFLICT DO NOTHING RETURNING window_start, customer)
  SELECT array_agg(window_start), array_agg(customer) INTO made_starts, made_customers FROM empty;
  PERFORM FROM consumption_window AS t JOIN customer AS c ON c.id = t.customer
  JOIN unnest(window_starts_us, ids) AS w(start_us, id) ON (t.window_start, c.customer_id) = (instant(w.start_us), w.id)
  ORDER BY t.window_start, t.customer FOR UPDATE OF t;

  WITH folded AS (
    SELECT instant(u.start_us) AS start, u.id, u.n, u.sum
    FROM unnest(window_starts_us, ids, counts_before, sums_before) AS u(start_us, id, n, sum)),
  concerned AS (
    SELECT t.window_start, t.customer_id, t.reading_count, t.total_consumption
    FROM (
      SELECT start, id FROM folded
      UNION
      SELECT r.window_start, r.key FROM amendment_row AS r WHERE r.amendment_id = (header->>'reverts')::bigint
      UNION
      SELECT w.window_start, w.customer_id FROM consumption_aggregates_realtime AS w
      WHERE header->>'kind' <> 'revert' AND w.reading_count > 0
        AND (w.customer_id = header->'selector'->>'customer'
          OR header->'selector' ? 'meter' AND w.customer_id = ANY (ids))
        AND w.window_start >= instant((header->>'firstUs')::bigint)
        AND w.window_start < instant((header->>'endUs')::bigint)) AS c(start, id)
    JOIN consumption_aggregates_realtime AS t ON (t.window_start, t.customer_id) = (c.start, c.id))
  SELECT jsonb_build_object('differing', count(*), 'first', min(format(
    '%s %s: the row has count %s, sum %s; its events give count %s, sum %s',
    coalesce(t.window_start, b.start), coalesce(t.customer_id, b.id),
    coalesce(t.reading_count, 0), coalesce(t.total_consumption, 0), coalesce(b.n, 0), coalesce(b.sum, 0))))
  INTO differing
  FROM folded AS b
  FULL JOIN concerned AS t ON (t.window_start, t.customer_id) = (b.start, b.id)
  WHERE (t.reading_count, t.total_consumption) IS DISTINCT FROM (b.n, b.sum);
  IF (differing->>'differing')::bigint > 0 THEN
    DELETE FROM consumption_window AS t USING unnest(made_starts, made_customers) AS m(window_start, customer)
    WHERE t.window_start = m.window_start AND t.customer = m.customer;
    RETURN differing;
  END IF;
  IF header->>'kind' <> 'revert' AND (counts_before, sums_before) IS NOT DISTINCT FROM (counts_after, sums_after)
  THEN RETURN amendment_summary(NULL); END IF;

  entry := enter_amendment(header);
  INSERT INTO amendment_row (amendment_id, window_start, sensor_type, key, count_before, count_after, sum_before,
    sum_after)
  SELECT entry, t.window_start, '', t.customer_id, t.reading_count, a.n, t.total_consumption, a.sum
  FROM unnest(window_starts_us, ids_again, counts_after, sums_after) AS a(start_us, id, n, sum)
  JOIN consumption_aggregates_realtime AS t ON (t.window_start, t.customer_id) = (instant(a.start_us), a.id)
  WHERE header->>'kind' = 'revert' OR (t.reading_count, t.total_consumption) IS DISTINCT FROM (a.n, a.sum);
  PERFORM change_consumption_rows(entry);
  RETURN amendment_summary(entry);
END $$;

COMMENT ON FUNCTION amend_consumption IS 'Amends rows of consumption, provided that they still hold what the caller folded';
