CREATE OR REPLACE FUNCTION month_table(of_stream text, month timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT of_stream || '_window_' || to_char(month AT TIME ZONE 'UTC', 'YYYYMM')
$$;

COMMENT ON FUNCTION month_table IS 'Name of the table that holds a month of a stream''s windows';
