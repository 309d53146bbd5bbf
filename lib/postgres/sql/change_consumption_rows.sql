-- Brings the rows of an entry to their values after it, as a new revision where they are final.
CREATE OR REPLACE FUNCTION change_consumption_rows(entry bigint) RETURNS void LANGUAGE sql AS $$
  UPDATE consumption_window AS t SET
    reading_count = r.count_after, total_consumption = r.sum_after,
    amendments = t.amendments + CASE WHEN t.window_start + window_length('consumption') <= m.mark THEN 1 ELSE 0 END,
    changed_at = now()
  FROM amendment_row AS r JOIN customer AS c ON c.customer_id = r.key, share_finality('consumption') AS m(mark)
  WHERE r.amendment_id = entry AND (t.window_start, t.customer) = (r.window_start, c.id)
    AND (t.reading_count, t.total_consumption) IS DISTINCT FROM (r.count_after, r.sum_after)
$$;

COMMENT ON FUNCTION change_consumption_rows IS 'Brings the rows of consumption to what an amendment''s entry says';
