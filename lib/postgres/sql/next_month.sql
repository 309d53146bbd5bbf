CREATE OR REPLACE FUNCTION next_month(month timestamptz) RETURNS timestamptz LANGUAGE sql STABLE AS $$
  SELECT (month AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC'
$$;

COMMENT ON FUNCTION next_month IS 'Start of the month, in UTC, that follows the one that begins here';
