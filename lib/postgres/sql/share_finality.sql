-- A commit holds this lock until it ends, together with other commits; move_watermark takes it alone. So no event is counted
-- into a window that became final in between without being an amendment.
CREATE OR REPLACE FUNCTION share_finality(of_stream text) RETURNS timestamptz LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(hashtextextended('finality of ' || of_stream, 0));
  RETURN (SELECT watermark FROM stream_state WHERE stream = of_stream);
END $$;

COMMENT ON FUNCTION share_finality IS 'A stream''s watermark, which stays until the transaction ends';
