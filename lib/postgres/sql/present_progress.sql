-- Of a stream that is read from another source or topic by now, the rows of before say nothing.
CREATE OR REPLACE FUNCTION present_progress() RETURNS SETOF partition_progress LANGUAGE sql STABLE AS $$
  SELECT p.* FROM partition_progress AS p
  JOIN (SELECT DISTINCT ON (stream) stream, source, topic FROM partition_progress ORDER BY stream, observed_at DESC)
    AS present USING (stream, source, topic)
$$;

COMMENT ON FUNCTION present_progress IS 'partition_progress without the rows of sources and topics that a stream was read from before';

GRANT EXECUTE ON FUNCTION present_progress TO smartgrid_api;
