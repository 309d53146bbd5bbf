CREATE OR REPLACE VIEW consumption_aggregates_realtime AS
  SELECT w.window_start, e.window_end, c.customer_id, w.total_consumption,
    w.total_consumption / nullif(w.reading_count, 0) AS avg_consumption, w.reading_count::bigint AS reading_count, w.created_at,
    CASE WHEN m.has_passed THEN 'final' ELSE 'open' END AS state,
    CASE WHEN m.has_passed THEN 1 + w.amendments ELSE 0 END AS revision, f.finalized_at,
    coalesce(f.finalized_at, w.changed_at) AS updated_at
  FROM consumption_window AS w LEFT JOIN customer AS c ON c.id = w.customer
  CROSS JOIN LATERAL (SELECT w.window_start + window_length('consumption') AS window_end) AS e
  CROSS JOIN LATERAL (
    SELECT e.window_end <= (SELECT watermark FROM stream_state WHERE stream = 'consumption') AS has_passed) AS m
  CROSS JOIN LATERAL (
    SELECT CASE WHEN m.has_passed THEN greatest(w.changed_at, (SELECT at FROM finality
      WHERE stream = 'consumption' AND up_to >= e.window_end ORDER BY up_to LIMIT 1)) END AS finalized_at) AS f;

COMMENT ON VIEW consumption_aggregates_realtime IS 'Energy by customer and hour of event time: one row for each window and customer, over all of the customer''s meters';
COMMENT ON COLUMN consumption_aggregates_realtime.window_start IS 'start of the window of 1 hour, UTC-aligned; the row''s window holds events from here on';
COMMENT ON COLUMN consumption_aggregates_realtime.window_end IS 'end of the window; an event at this instant belongs to the next one';
COMMENT ON COLUMN consumption_aggregates_realtime.customer_id IS 'the customer, as the readings name it';
COMMENT ON COLUMN consumption_aggregates_realtime.total_consumption IS 'exact sum of the readings, kWh';
COMMENT ON COLUMN consumption_aggregates_realtime.avg_consumption IS 'kWh per reading; null without readings';
COMMENT ON COLUMN consumption_aggregates_realtime.reading_count IS 'how many readings the row holds; 0 where an amendment has removed all of them';
COMMENT ON COLUMN consumption_aggregates_realtime.created_at IS 'when the first event of the window was counted';
COMMENT ON COLUMN consumption_aggregates_realtime.state IS 'open: events may still come; final: the watermark has passed the window, and only an amendment changes the row';
COMMENT ON COLUMN consumption_aggregates_realtime.revision IS '0 while open, 1 when first final, then one more for each amendment';
COMMENT ON COLUMN consumption_aggregates_realtime.finalized_at IS 'when the row became final; null while open';
COMMENT ON COLUMN consumption_aggregates_realtime.updated_at IS 'when the row was last written: the start of that transaction';

GRANT SELECT ON consumption_aggregates_realtime TO smartgrid_api, smartgrid_read;
