-- Ends a commit: notes how many of the counted events came for windows that were final already.
CREATE OR REPLACE FUNCTION settle_late(header jsonb, outcome jsonb, late_events bigint) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  IF late_events > 0 THEN
    UPDATE ledger SET late = late + late_events
    WHERE source = header->>'source' AND topic = header->>'topic'
      AND partition = (header->>'partition')::integer AND incarnation = (outcome->>'incarnation')::integer;
  END IF;
  RETURN outcome || jsonb_build_object('late', coalesce(late_events, 0));
END $$;

COMMENT ON FUNCTION settle_late IS 'Ends a commit: notes how many counted events came for final windows';
