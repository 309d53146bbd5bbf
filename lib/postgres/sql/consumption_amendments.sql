CREATE OR REPLACE VIEW consumption_amendments AS
  SELECT window_start, customer_id, revision + 1 AS revision, replaced_at AS amended_at, replaced_because AS because,
    reading_count AS old_reading_count, new_reading_count, total_consumption AS old_total_consumption,
    new_total_consumption, avg_consumption AS old_avg_consumption, new_avg_consumption
  FROM (
    SELECT *, lead(reading_count) OVER revisions AS new_reading_count,
      lead(total_consumption) OVER revisions AS new_total_consumption,
      lead(avg_consumption) OVER revisions AS new_avg_consumption
    FROM (
      SELECT window_start, customer_id, revision, reading_count, total_consumption, avg_consumption, replaced_at,
        replaced_because FROM consumption_aggregates_history
      UNION ALL
      SELECT window_start, customer_id, revision, reading_count, total_consumption, avg_consumption, NULL, NULL
      FROM consumption_aggregates_realtime WHERE revision > 1) AS all_revisions
    WINDOW revisions AS (PARTITION BY window_start, customer_id ORDER BY revision)) AS paired
  WHERE replaced_at IS NOT NULL;

COMMENT ON VIEW consumption_amendments IS 'Every change of a final row of consumption_aggregates_realtime, old beside new';
COMMENT ON COLUMN consumption_amendments.window_start IS 'start of the window of 1 hour, UTC-aligned; the row''s window holds events from here on';
COMMENT ON COLUMN consumption_amendments.customer_id IS 'the customer, as the readings name it';
COMMENT ON COLUMN consumption_amendments.revision IS 'the revision that the change made';
COMMENT ON COLUMN consumption_amendments.amended_at IS 'when';
COMMENT ON COLUMN consumption_amendments.because IS 'why: topic-partition:{[from,to)} offsets of late events, or the amendment''s number and reason';
COMMENT ON COLUMN consumption_amendments.old_reading_count IS 'before: how many readings the row holds; 0 where an amendment has removed all of them';
COMMENT ON COLUMN consumption_amendments.new_reading_count IS 'after: how many readings the row holds; 0 where an amendment has removed all of them';
COMMENT ON COLUMN consumption_amendments.old_total_consumption IS 'before: exact sum of the readings, kWh';
COMMENT ON COLUMN consumption_amendments.new_total_consumption IS 'after: exact sum of the readings, kWh';
COMMENT ON COLUMN consumption_amendments.old_avg_consumption IS 'before: kWh per reading; null without readings';
COMMENT ON COLUMN consumption_amendments.new_avg_consumption IS 'after: kWh per reading; null without readings';

GRANT SELECT ON consumption_amendments TO smartgrid_read;
