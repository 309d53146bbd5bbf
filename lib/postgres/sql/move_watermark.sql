-- Makes final, in one row, all windows that end at or below the mark. Waits for the commits that are under way, and gives up
-- soon: those that come stand behind it.
CREATE OR REPLACE FUNCTION move_watermark(of_stream text, mark timestamptz, holding_partition integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '2s' AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('finality of ' || of_stream, 0));
  UPDATE stream_state SET watermark = mark, held_by = holding_partition, swept_at = now(),
    moved_at = CASE WHEN moved_at IS NULL OR watermark IS DISTINCT FROM mark THEN now() ELSE moved_at END
  WHERE stream = of_stream;
  INSERT INTO finality (stream, up_to, at)
  SELECT of_stream, date_bin(window_length(of_stream), mark, timestamptz 'epoch'), now() WHERE mark IS NOT NULL
  ON CONFLICT DO NOTHING;
END $$;

COMMENT ON FUNCTION move_watermark IS 'Moves a stream''s watermark, which makes final what it passes';

GRANT EXECUTE ON FUNCTION move_watermark TO smartgrid_sweep;
