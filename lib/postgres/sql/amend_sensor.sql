-- Amends rows from what their events fold to before and after: all rows of the span's windows that the amendment could
-- concern, changing or not. A revert names the rows of what it reverts even where they do not change. Answers the entry's summary ("id" is null where no row changes); or, where a row is not what
-- its events fold to, {"differing", "first"}: how many are not, and the first. Then nothing has changed.
-- header: as for enter_amendment, and firstUs, endUs: the windows.
CREATE OR REPLACE FUNCTION amend_sensor(
  header jsonb, window_starts_us bigint[],
  types text[], ids text[], counts_before bigint[], mins_before numeric[], maxs_before numeric[],
  sums_before numeric[], squares_before numeric[],
  types_again text[], ids_again text[], counts_after bigint[], mins_after numeric[], maxs_after numeric[],
  sums_after numeric[], squares_after numeric[]
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  entry bigint;
  differing jsonb;
BEGIN
  PERFORM share_finality('sensor');
  PERFORM FROM sensor_window AS t JOIN sensor_series AS s ON s.id = t.series
  JOIN unnest(window_starts_us, types, ids) AS w(start_us, type, id)
    ON (t.window_start, s.sensor_type, s.sensor_id) = (instant(w.start_us), w.type, w.id)
  ORDER BY t.window_start, t.series FOR UPDATE OF t;

  WITH folded AS (
    SELECT instant(u.start_us) AS start, u.type, u.id, u.n, u.sum, u.squares, CASE WHEN u.n > 0 THEN u.min END AS min,
      CASE WHEN u.n > 0 THEN u.max END AS max
    FROM unnest(window_starts_us, types, ids, counts_before, mins_before, maxs_before, sums_before, squares_before)
      AS u(start_us, type, id, n, min, max, sum, squares)),
  concerned AS (
    SELECT t.window_start, t.sensor_type, t.sensor_id, t.count, t.sum_value, t.sum_squares, t.min_value, t.max_value
    FROM (
      SELECT start, type, id FROM folded
      UNION
      SELECT r.window_start, r.sensor_type, r.key FROM amendment_row AS r
      WHERE r.amendment_id = (header->>'reverts')::bigint
      UNION
      SELECT w.window_start, w.sensor_type, w.sensor_id FROM sensor_aggregates_realtime AS w
      WHERE header->>'kind' <> 'revert' AND w.sensor_id = header->'selector'->>'sensor' AND w.count > 0
        AND w.sensor_type = coalesce(header->'selector'->>'type', w.sensor_type)
        AND w.window_start >= instant((header->>'firstUs')::bigint)
        AND w.window_start < instant((header->>'endUs')::bigint)) AS c(start, type, id)
    JOIN sensor_aggregates_realtime AS t ON (t.window_start, t.sensor_type, t.sensor_id) = (c.start, c.type, c.id))
  SELECT jsonb_build_object('differing', count(*), 'first', min(format(
    '%s %s %s: the row has count %s, sum %s; its events give count %s, sum %s',
    coalesce(t.window_start, b.start), coalesce(t.sensor_type, b.type), coalesce(t.sensor_id, b.id),
    coalesce(t.count, 0), coalesce(t.sum_value, 0), coalesce(b.n, 0), coalesce(b.sum, 0))))
  INTO differing
  FROM folded AS b
  FULL JOIN concerned AS t ON (t.window_start, t.sensor_type, t.sensor_id) = (b.start, b.type, b.id)
  WHERE (t.count, t.min_value, t.max_value, t.sum_value, t.sum_squares)
    IS DISTINCT FROM (b.n, b.min, b.max, b.sum, b.squares);
  IF (differing->>'differing')::bigint > 0 THEN RETURN differing; END IF;
  IF header->>'kind' <> 'revert' AND (counts_before, mins_before, maxs_before, sums_before, squares_before)
    IS NOT DISTINCT FROM (counts_after, mins_after, maxs_after, sums_after, squares_after)
  THEN RETURN amendment_summary(NULL); END IF;

  entry := enter_amendment(header);
  INSERT INTO amendment_row (amendment_id, window_start, sensor_type, key, count_before, count_after, sum_before,
    sum_after, sum_squares_before, sum_squares_after, min_before, min_after, max_before, max_after)
  SELECT entry, t.window_start, t.sensor_type, t.sensor_id, t.count, a.n, t.sum_value,
    a.sum, t.sum_squares, a.squares, t.min_value, CASE WHEN a.n > 0 THEN a.min END,
    t.max_value, CASE WHEN a.n > 0 THEN a.max END
  FROM unnest(window_starts_us, types_again, ids_again, counts_after, mins_after, maxs_after, sums_after,
      squares_after) AS a(start_us, type, id, n, min, max, sum, squares)
  JOIN sensor_aggregates_realtime AS t
    ON (t.window_start, t.sensor_type, t.sensor_id) = (instant(a.start_us), a.type, a.id)
  WHERE header->>'kind' = 'revert' OR (t.count, t.sum_value, t.sum_squares, t.min_value, t.max_value)
    IS DISTINCT FROM (a.n, a.sum, a.squares, CASE WHEN a.n > 0 THEN a.min END, CASE WHEN a.n > 0 THEN a.max END);
  PERFORM change_sensor_rows(entry);
  RETURN amendment_summary(entry);
END $$;

COMMENT ON FUNCTION amend_sensor IS 'Amends rows of sensors, provided that they still hold what the caller folded';
