CREATE OR REPLACE FUNCTION amendment_summary(entry bigint) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('id', entry, 'rows', count(*), 'countBefore', coalesce(sum(count_before), 0),
    'countAfter', coalesce(sum(count_after), 0))
  FROM amendment_row WHERE amendment_id = entry
$$;

COMMENT ON FUNCTION amendment_summary IS 'An amendment''s number, how many rows it changed, and their events before and after';
