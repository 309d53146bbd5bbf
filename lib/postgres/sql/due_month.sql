-- The oldest month that has a table, where it may be dropped: it ended before the retention's time, and so long before the
-- watermark that an event of it would be too late. So no month with an open window is due, and none that could come again.
CREATE OR REPLACE FUNCTION due_month(of_stream text, retention interval, horizon interval) RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
  SELECT m.month
  FROM (
    SELECT min(to_timestamp(right(c.relname, 6), 'YYYYMM')::timestamp AT TIME ZONE 'UTC') AS month
    FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
    WHERE i.inhparent = to_regclass(of_stream || '_window')) AS m
  JOIN stream_state AS s ON s.stream = of_stream
  WHERE next_month(m.month) <= now() - retention AND next_month(m.month) <= s.watermark - horizon
$$;

COMMENT ON FUNCTION due_month IS 'The oldest month of a stream''s windows, where its retention has passed and no event of it could still be counted; else null';

GRANT EXECUTE ON FUNCTION due_month TO smartgrid_sweep;
