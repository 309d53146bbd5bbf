-- An amendment is counted by those who make it; this keeps what was there before it.
CREATE OR REPLACE FUNCTION keep_consumption_history() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  newest_final timestamptz := (SELECT watermark FROM stream_state WHERE stream = 'consumption') - window_length('consumption');
BEGIN
  IF newest_final IS NULL OR NOT EXISTS (SELECT FROM before WHERE window_start <= newest_final) THEN RETURN NULL; END IF;
  IF EXISTS (SELECT FROM before AS b JOIN after AS a USING (window_start, customer)
    WHERE b.window_start <= newest_final AND a.amendments <> b.amendments + 1)
  THEN RAISE EXCEPTION 'a change of a final row is an amendment: SET amendments = amendments + 1, changed_at = now()'; END IF;
  INSERT INTO consumption_aggregates_history (window_start, customer_id, total_consumption, avg_consumption, reading_count, revision, finalized_at, updated_at, replaced_because)
  SELECT b.window_start, c.customer_id, b.total_consumption, b.total_consumption / nullif(b.reading_count, 0),
    b.reading_count, 1 + b.amendments, f.at, f.at, current_setting('smartgrid.cause', true)
  FROM before AS b JOIN customer AS c ON c.id = b.customer
  CROSS JOIN LATERAL (SELECT greatest(b.changed_at, (SELECT at FROM finality WHERE stream = 'consumption'
    AND up_to >= b.window_start + window_length('consumption') ORDER BY up_to LIMIT 1)) AS at) AS f
  WHERE b.window_start <= newest_final;
  RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER keep_history AFTER UPDATE ON consumption_window
  REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION keep_consumption_history();

COMMENT ON FUNCTION keep_consumption_history IS 'Trigger: keeps the revisions of final rows that were replaced';
