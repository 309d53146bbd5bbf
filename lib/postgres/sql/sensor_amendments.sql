-- Every change of a final row: what it was, what it became, when, and because of what (the topic-partition:offsets of
-- late events, or an amendment's number and reason). revision is the one that the change made.
CREATE OR REPLACE VIEW sensor_amendments AS
  SELECT window_start, sensor_type, sensor_id, revision + 1 AS revision, replaced_at AS amended_at,
    replaced_because AS because, count AS old_count, new_count, avg_value AS old_avg_value, new_avg_value,
    min_value AS old_min_value, new_min_value, max_value AS old_max_value, new_max_value,
    stddev_value AS old_stddev_value, new_stddev_value
  FROM (
    SELECT *, lead(count) OVER revisions AS new_count, lead(avg_value) OVER revisions AS new_avg_value,
      lead(min_value) OVER revisions AS new_min_value, lead(max_value) OVER revisions AS new_max_value,
      lead(stddev_value) OVER revisions AS new_stddev_value
    FROM (
      SELECT window_start, sensor_type, sensor_id, revision, count, avg_value, min_value, max_value, stddev_value,
        replaced_at, replaced_because FROM sensor_aggregates_history
      UNION ALL
      SELECT window_start, sensor_type, sensor_id, revision, count, avg_value, min_value, max_value, stddev_value,
        NULL, NULL FROM sensor_aggregates_realtime WHERE revision > 1) AS all_revisions
    WINDOW revisions AS (PARTITION BY window_start, sensor_type, sensor_id ORDER BY revision)) AS paired
  WHERE replaced_at IS NOT NULL;

COMMENT ON VIEW sensor_amendments IS 'Every change of a final row of sensor_aggregates_realtime, old beside new';
COMMENT ON COLUMN sensor_amendments.window_start IS 'start of the window of 5 minutes, UTC-aligned; the row''s window holds events from here on';
COMMENT ON COLUMN sensor_amendments.sensor_type IS 'what is measured: voltage, current, power, frequency or another';
COMMENT ON COLUMN sensor_amendments.sensor_id IS 'the sensor, as its events name it';
COMMENT ON COLUMN sensor_amendments.revision IS 'the revision that the change made';
COMMENT ON COLUMN sensor_amendments.amended_at IS 'when';
COMMENT ON COLUMN sensor_amendments.because IS 'why: topic-partition:{[from,to)} offsets of late events, or the amendment''s number and reason';
COMMENT ON COLUMN sensor_amendments.old_count IS 'before: how many events the row holds; 0 where an amendment has removed all of them';
COMMENT ON COLUMN sensor_amendments.new_count IS 'after: how many events the row holds; 0 where an amendment has removed all of them';
COMMENT ON COLUMN sensor_amendments.old_avg_value IS 'before: average of the values, in the unit of its type: voltage V, current A, power W, frequency Hz; null without events';
COMMENT ON COLUMN sensor_amendments.new_avg_value IS 'after: average of the values, in the unit of its type: voltage V, current A, power W, frequency Hz; null without events';
COMMENT ON COLUMN sensor_amendments.old_min_value IS 'before: smallest value, in the unit of its type: voltage V, current A, power W, frequency Hz; null without events';
COMMENT ON COLUMN sensor_amendments.new_min_value IS 'after: smallest value, in the unit of its type: voltage V, current A, power W, frequency Hz; null without events';
COMMENT ON COLUMN sensor_amendments.old_max_value IS 'before: largest value, in the unit of its type: voltage V, current A, power W, frequency Hz; null without events';
COMMENT ON COLUMN sensor_amendments.new_max_value IS 'after: largest value, in the unit of its type: voltage V, current A, power W, frequency Hz; null without events';
COMMENT ON COLUMN sensor_amendments.old_stddev_value IS 'before: sample standard deviation of the values, in the unit of its type: voltage V, current A, power W, frequency Hz; null below two events';
COMMENT ON COLUMN sensor_amendments.new_stddev_value IS 'after: sample standard deviation of the values, in the unit of its type: voltage V, current A, power W, frequency Hz; null below two events';

GRANT SELECT ON sensor_amendments TO smartgrid_read;
