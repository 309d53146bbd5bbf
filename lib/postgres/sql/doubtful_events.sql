-- Counted events with a doubtful value, of all time.
CREATE OR REPLACE FUNCTION doubtful_events() RETURNS TABLE (topic text, events bigint) LANGUAGE sql STABLE
SECURITY DEFINER SET search_path FROM CURRENT AS $$
  SELECT l.topic, sum(l.doubtful)::bigint FROM ledger AS l GROUP BY l.topic HAVING sum(l.doubtful) > 0 ORDER BY l.topic
$$;

COMMENT ON FUNCTION doubtful_events() IS 'Counted events with a doubtful value, by topic, of all time';

GRANT EXECUTE ON FUNCTION doubtful_events TO smartgrid_api, smartgrid_read;
