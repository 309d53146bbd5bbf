-- Makes the tables of the months that windows of a stream begin in, where they are not there. A month is attached when it is
-- whole: that waits for no commit, and no commit waits for it. UPDATEs of the whole table and of a month alone both keep
-- history: PostgreSQL calls the trigger of the table that the statement names.
CREATE OR REPLACE FUNCTION make_months(of_stream text, window_starts_us bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  whole text := of_stream || '_window';
  month timestamptz;
  part text;
BEGIN
  FOR month IN SELECT DISTINCT date_trunc('month', instant(us), 'UTC') FROM unnest(window_starts_us) AS us ORDER BY 1 LOOP
    part := month_table(of_stream, month);
    CONTINUE WHEN to_regclass(part) IS NOT NULL;
    PERFORM pg_advisory_xact_lock(hashtextextended('months of ' || whole, 0));
    CONTINUE WHEN to_regclass(part) IS NOT NULL; -- made in the meantime
    -- fillfactor: merging into a row changes no indexed column, so it stays a heap-only update.
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL) WITH (fillfactor = 85)', part, whole);
    EXECUTE format('COMMENT ON TABLE %I IS %L', part, 'A month of ' || whole);
    EXECUTE format('CREATE TRIGGER keep_history AFTER UPDATE ON %I REFERENCING OLD TABLE AS before NEW TABLE AS after '
      'FOR EACH STATEMENT EXECUTE FUNCTION %I()', part, 'keep_' || of_stream || '_history');
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', whole, part, month, next_month(month));
  END LOOP;
END $$;

COMMENT ON FUNCTION make_months IS 'Makes the tables of the months that windows of a stream begin in, where they are not there';
