-- This month's tables and the next one's, before the first event of it comes.
CREATE OR REPLACE FUNCTION make_months_ahead() RETURNS void LANGUAGE sql
SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '2s' AS $$
  SELECT make_months(stream, ARRAY[epoch_us(now()), epoch_us(now() + interval '31 days')]) FROM stream_state ORDER BY stream
$$;

COMMENT ON FUNCTION make_months_ahead IS 'Makes the tables of this month and the next one, for all streams';

GRANT EXECUTE ON FUNCTION make_months_ahead TO smartgrid_sweep;
