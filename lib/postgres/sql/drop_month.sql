-- Drops the month that is due, and enters what it held. Nothing can be written into it while it is counted. The whole table is
-- locked for the moment in which the month leaves it; commits wait that long, and this gives up before they do.
CREATE OR REPLACE FUNCTION drop_month(of_stream text, retention interval, horizon interval,
  OUT month timestamptz, OUT rows bigint, OUT events bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '2s' AS $$
DECLARE
  part text;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('months of ' || of_stream || '_window', 0));
  month := due_month(of_stream, retention, horizon);
  IF month IS NULL THEN RETURN; END IF;
  part := month_table(of_stream, month);
  EXECUTE format('LOCK TABLE %I IN SHARE ROW EXCLUSIVE MODE', part);
  EXECUTE format('SELECT count(*), coalesce(sum(%I), 0) FROM %I', count_column(of_stream), part) INTO rows, events;
  INSERT INTO dropped_month (stream, month, rows, events) VALUES (of_stream, drop_month.month, drop_month.rows, drop_month.events);
  EXECUTE format('ALTER TABLE %I DETACH PARTITION %I', of_stream || '_window', part);
  EXECUTE format('DROP TABLE %I', part);
END $$;

COMMENT ON FUNCTION drop_month IS 'Drops the oldest month of a stream''s windows that is due, and says what it held; month is null where none is';

GRANT EXECUTE ON FUNCTION drop_month TO smartgrid_sweep;
