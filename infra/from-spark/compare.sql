-- Compares the Spark job's rows (schema "spark", a foreign or a copied one) with ours, for windows that are final here.
-- Spark's sink appends a row at each trigger, so a window's last word is its row with the largest count or total.
-- Answers one line for each table and verdict; what differs can be looked at by the example window that it gives.
WITH
spark_sensor AS (
  SELECT DISTINCT ON (window_start, sensor_type, sensor_id) window_start, sensor_type || '/' || sensor_id AS key,
    count::numeric AS events, avg_value::numeric AS value
  FROM spark.sensor_aggregates_realtime ORDER BY window_start, sensor_type, sensor_id, count DESC),
spark_consumption AS (
  SELECT DISTINCT ON (window_start, customer_id) window_start, customer_id AS key,
    reading_count::numeric AS events, total_consumption::numeric AS value
  FROM spark.consumption_aggregates_realtime ORDER BY window_start, customer_id, reading_count DESC),
pairs AS (
  SELECT 'sensor' AS stream, window_start, key, s.events AS spark_events, s.value AS spark_value,
    o.events AS our_events, o.value AS our_value
  FROM spark_sensor AS s FULL JOIN (
    SELECT window_start, sensor_type || '/' || sensor_id AS key, count AS events, avg_value AS value
    FROM public.sensor_aggregates_realtime WHERE state = 'final') AS o USING (window_start, key)
  UNION ALL
  SELECT 'consumption', window_start, key, s.events, s.value, o.events, o.value
  FROM spark_consumption AS s FULL JOIN (
    SELECT window_start, customer_id AS key, reading_count AS events, total_consumption AS value
    FROM public.consumption_aggregates_realtime WHERE state = 'final') AS o USING (window_start, key)),
-- Both have run for all of a window only where it begins after the later start and ends before our watermark.
common AS (
  SELECT pairs.* FROM pairs
  JOIN stream_state USING (stream)
  JOIN (SELECT stream,
      greatest(min(window_start) FILTER (WHERE spark_events IS NOT NULL),
               min(window_start) FILTER (WHERE our_events IS NOT NULL)) AS both_from
    FROM pairs GROUP BY stream) AS since USING (stream)
  WHERE window_start > both_from
    AND window_start + CASE stream WHEN 'sensor' THEN interval '5 minutes' ELSE interval '1 hour' END <= watermark),
judged AS (
  SELECT *, CASE
    WHEN spark_events IS NULL THEN 'only here'
    WHEN our_events IS NULL THEN 'only Spark'
    WHEN our_events > spark_events THEN 'more events here'
    WHEN our_events < spark_events THEN 'more events in Spark'
    -- Spark's columns have four decimals, and its sums are floating-point.
    WHEN abs(our_value - spark_value) > 0.0001 + 1e-9 * abs(our_value) THEN 'other value'
    ELSE 'equal' END AS verdict
  FROM common)
SELECT stream, verdict, count(*) AS windows, min(window_start) AS first_window, max(window_start) AS last_window,
  min(key) AS example
FROM judged GROUP BY stream, verdict ORDER BY stream, verdict COLLATE "C";
