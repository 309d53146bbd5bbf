CREATE OR REPLACE VIEW weather_aggregates_realtime AS
  SELECT w.window_start, e.window_end, w.sum_temperature / w.event_count AS avg_temperature,
    w.sum_humidity / w.event_count AS avg_humidity, w.sum_pressure / w.event_count AS avg_pressure,
    w.sum_wind_speed / w.event_count AS avg_wind_speed, dominant_condition(w.condition_counts) AS weather_condition,
    w.created_at, w.event_count::bigint AS event_count, w.sum_temperature, w.sum_humidity, w.sum_pressure, w.sum_wind_speed,
    w.condition_counts,
    CASE WHEN m.has_passed THEN 'final' ELSE 'open' END AS state,
    CASE WHEN m.has_passed THEN 1 + w.amendments ELSE 0 END AS revision, f.finalized_at,
    coalesce(f.finalized_at, w.changed_at) AS updated_at
  FROM weather_window AS w
  CROSS JOIN LATERAL (SELECT w.window_start + window_length('weather') AS window_end) AS e
  CROSS JOIN LATERAL (
    SELECT e.window_end <= (SELECT watermark FROM stream_state WHERE stream = 'weather') AS has_passed) AS m
  CROSS JOIN LATERAL (
    SELECT CASE WHEN m.has_passed THEN greatest(w.changed_at, (SELECT at FROM finality
      WHERE stream = 'weather' AND up_to >= e.window_end ORDER BY up_to LIMIT 1)) END AS finalized_at) AS f;

COMMENT ON VIEW weather_aggregates_realtime IS 'Weather by hour of event time: one row for each window';
COMMENT ON COLUMN weather_aggregates_realtime.window_start IS 'start of the window of 1 hour, UTC-aligned; the row''s window holds events from here on';
COMMENT ON COLUMN weather_aggregates_realtime.window_end IS 'end of the window; an event at this instant belongs to the next one';
COMMENT ON COLUMN weather_aggregates_realtime.avg_temperature IS 'average temperature, °C';
COMMENT ON COLUMN weather_aggregates_realtime.avg_humidity IS 'average relative humidity, %';
COMMENT ON COLUMN weather_aggregates_realtime.avg_pressure IS 'average air pressure, hPa';
COMMENT ON COLUMN weather_aggregates_realtime.avg_wind_speed IS 'average wind speed, m/s';
COMMENT ON COLUMN weather_aggregates_realtime.weather_condition IS 'the condition that held in most events; a tie goes to the one that matters more to a grid';
COMMENT ON COLUMN weather_aggregates_realtime.created_at IS 'when the first event of the window was counted';
COMMENT ON COLUMN weather_aggregates_realtime.event_count IS 'how many events the row holds';
COMMENT ON COLUMN weather_aggregates_realtime.sum_temperature IS 'exact sum of the temperatures, °C';
COMMENT ON COLUMN weather_aggregates_realtime.sum_humidity IS 'exact sum of the humidities, %';
COMMENT ON COLUMN weather_aggregates_realtime.sum_pressure IS 'exact sum of the pressures, hPa';
COMMENT ON COLUMN weather_aggregates_realtime.sum_wind_speed IS 'exact sum of the wind speeds, m/s';
COMMENT ON COLUMN weather_aggregates_realtime.condition_counts IS 'how many events had each condition, as a JSON object';
COMMENT ON COLUMN weather_aggregates_realtime.state IS 'open: events may still come; final: the watermark has passed the window, and only an amendment changes the row';
COMMENT ON COLUMN weather_aggregates_realtime.revision IS '0 while open, 1 when first final, then one more for each amendment';
COMMENT ON COLUMN weather_aggregates_realtime.finalized_at IS 'when the row became final; null while open';
COMMENT ON COLUMN weather_aggregates_realtime.updated_at IS 'when the row was last written: the start of that transaction';

GRANT SELECT ON weather_aggregates_realtime TO smartgrid_api, smartgrid_read;
