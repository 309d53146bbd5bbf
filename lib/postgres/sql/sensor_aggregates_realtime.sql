CREATE OR REPLACE VIEW sensor_aggregates_realtime AS
  SELECT w.window_start, e.window_end, s.sensor_type, s.sensor_id, w.sum_value / nullif(w.count, 0) AS avg_value, w.min_value,
    w.max_value, w.count::bigint AS count, sample_stddev(w.count, w.sum_value, w.sum_squares) AS stddev_value, w.created_at,
    w.sum_value, w.sum_squares,
    CASE WHEN m.has_passed THEN 'final' ELSE 'open' END AS state,
    CASE WHEN m.has_passed THEN 1 + w.amendments ELSE 0 END AS revision, f.finalized_at,
    coalesce(f.finalized_at, w.changed_at) AS updated_at
  FROM sensor_window AS w LEFT JOIN sensor_series AS s ON s.id = w.series
  CROSS JOIN LATERAL (SELECT w.window_start + window_length('sensor') AS window_end) AS e
  CROSS JOIN LATERAL (
    SELECT e.window_end <= (SELECT watermark FROM stream_state WHERE stream = 'sensor') AS has_passed) AS m
  CROSS JOIN LATERAL (
    SELECT CASE WHEN m.has_passed THEN greatest(w.changed_at, (SELECT at FROM finality
      WHERE stream = 'sensor' AND up_to >= e.window_end ORDER BY up_to LIMIT 1)) END AS finalized_at) AS f;

COMMENT ON VIEW sensor_aggregates_realtime IS 'Measured values by sensor and 5 minutes of event time: one row for each window, type and sensor';
COMMENT ON COLUMN sensor_aggregates_realtime.window_start IS 'start of the window of 5 minutes, UTC-aligned; the row''s window holds events from here on';
COMMENT ON COLUMN sensor_aggregates_realtime.window_end IS 'end of the window; an event at this instant belongs to the next one';
COMMENT ON COLUMN sensor_aggregates_realtime.sensor_type IS 'what is measured: voltage, current, power, frequency or another';
COMMENT ON COLUMN sensor_aggregates_realtime.sensor_id IS 'the sensor, as its events name it';
COMMENT ON COLUMN sensor_aggregates_realtime.avg_value IS 'average of the values, in the unit of its type: voltage V, current A, power W, frequency Hz; null without events';
COMMENT ON COLUMN sensor_aggregates_realtime.min_value IS 'smallest value, in the unit of its type: voltage V, current A, power W, frequency Hz; null without events';
COMMENT ON COLUMN sensor_aggregates_realtime.max_value IS 'largest value, in the unit of its type: voltage V, current A, power W, frequency Hz; null without events';
COMMENT ON COLUMN sensor_aggregates_realtime.count IS 'how many events the row holds; 0 where an amendment has removed all of them';
COMMENT ON COLUMN sensor_aggregates_realtime.stddev_value IS 'sample standard deviation of the values, in the unit of its type: voltage V, current A, power W, frequency Hz; null below two events';
COMMENT ON COLUMN sensor_aggregates_realtime.created_at IS 'when the first event of the window was counted';
COMMENT ON COLUMN sensor_aggregates_realtime.sum_value IS 'exact sum of the values, in the unit of its type: voltage V, current A, power W, frequency Hz: add these up, not the averages';
COMMENT ON COLUMN sensor_aggregates_realtime.sum_squares IS 'exact sum of the squared values, in the square of that unit';
COMMENT ON COLUMN sensor_aggregates_realtime.state IS 'open: events may still come; final: the watermark has passed the window, and only an amendment changes the row';
COMMENT ON COLUMN sensor_aggregates_realtime.revision IS '0 while open, 1 when first final, then one more for each amendment';
COMMENT ON COLUMN sensor_aggregates_realtime.finalized_at IS 'when the row became final; null while open';
COMMENT ON COLUMN sensor_aggregates_realtime.updated_at IS 'when the row was last written: the start of that transaction';

GRANT SELECT ON sensor_aggregates_realtime TO smartgrid_api, smartgrid_read;
