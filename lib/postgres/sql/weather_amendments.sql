CREATE OR REPLACE VIEW weather_amendments AS
  SELECT window_start, revision + 1 AS revision, replaced_at AS amended_at, replaced_because AS because,
    event_count AS old_event_count, new_event_count, avg_temperature AS old_avg_temperature, new_avg_temperature,
    avg_humidity AS old_avg_humidity, new_avg_humidity, avg_pressure AS old_avg_pressure, new_avg_pressure,
    avg_wind_speed AS old_avg_wind_speed, new_avg_wind_speed, weather_condition AS old_weather_condition,
    new_weather_condition
  FROM (
    SELECT *, lead(event_count) OVER revisions AS new_event_count,
      lead(avg_temperature) OVER revisions AS new_avg_temperature, lead(avg_humidity) OVER revisions AS new_avg_humidity,
      lead(avg_pressure) OVER revisions AS new_avg_pressure, lead(avg_wind_speed) OVER revisions AS new_avg_wind_speed,
      lead(weather_condition) OVER revisions AS new_weather_condition
    FROM (
      SELECT window_start, revision, event_count, avg_temperature, avg_humidity, avg_pressure, avg_wind_speed,
        weather_condition, replaced_at, replaced_because FROM weather_aggregates_history
      UNION ALL
      SELECT window_start, revision, event_count, avg_temperature, avg_humidity, avg_pressure, avg_wind_speed,
        weather_condition, NULL, NULL FROM weather_aggregates_realtime WHERE revision > 1) AS all_revisions
    WINDOW revisions AS (PARTITION BY window_start ORDER BY revision)) AS paired
  WHERE replaced_at IS NOT NULL;

COMMENT ON VIEW weather_amendments IS 'Every change of a final row of weather_aggregates_realtime, old beside new';
COMMENT ON COLUMN weather_amendments.window_start IS 'start of the window of 1 hour, UTC-aligned; the row''s window holds events from here on';
COMMENT ON COLUMN weather_amendments.revision IS 'the revision that the change made';
COMMENT ON COLUMN weather_amendments.amended_at IS 'when';
COMMENT ON COLUMN weather_amendments.because IS 'why: topic-partition:{[from,to)} offsets of late events, or the amendment''s number and reason';
COMMENT ON COLUMN weather_amendments.old_event_count IS 'before: how many events the row holds';
COMMENT ON COLUMN weather_amendments.new_event_count IS 'after: how many events the row holds';
COMMENT ON COLUMN weather_amendments.old_avg_temperature IS 'before: average temperature, °C';
COMMENT ON COLUMN weather_amendments.new_avg_temperature IS 'after: average temperature, °C';
COMMENT ON COLUMN weather_amendments.old_avg_humidity IS 'before: average relative humidity, %';
COMMENT ON COLUMN weather_amendments.new_avg_humidity IS 'after: average relative humidity, %';
COMMENT ON COLUMN weather_amendments.old_avg_pressure IS 'before: average air pressure, hPa';
COMMENT ON COLUMN weather_amendments.new_avg_pressure IS 'after: average air pressure, hPa';
COMMENT ON COLUMN weather_amendments.old_avg_wind_speed IS 'before: average wind speed, m/s';
COMMENT ON COLUMN weather_amendments.new_avg_wind_speed IS 'after: average wind speed, m/s';
COMMENT ON COLUMN weather_amendments.old_weather_condition IS 'before: the condition that held in most events; a tie goes to the one that matters more to a grid';
COMMENT ON COLUMN weather_amendments.new_weather_condition IS 'after: the condition that held in most events; a tie goes to the one that matters more to a grid';

GRANT SELECT ON weather_amendments TO smartgrid_read;
