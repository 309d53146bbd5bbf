-- The tables that users query: one row per window and group, visible while still open.
-- A row holds exact sums; every statistic is generated from them, so that no order of merging can show.
-- state: open or final. revision: 0 while open, 1 when first final, then 2, 3, … for each amendment.
-- fillfactor: merging into an open row changes no indexed column, so it stays a heap-only update.
CREATE TABLE sensor_aggregates_realtime (
  window_start timestamptz NOT NULL,
  window_end timestamptz NOT NULL,
  sensor_type text COLLATE "C" NOT NULL,
  sensor_id text COLLATE "C" NOT NULL,
  avg_value numeric GENERATED ALWAYS AS (sum_value / nullif(count, 0)) STORED,
  min_value numeric, -- null where amendments have left no event
  max_value numeric,
  count bigint NOT NULL CHECK (count >= 0),
  -- Sample standard deviation from the sums: sqrt((n Σx² − (Σx)²) / (n (n − 1))); null for a single value.
  stddev_value numeric GENERATED ALWAYS AS (
    CASE WHEN count > 1
      THEN sqrt((count * sum_squares - sum_value * sum_value) / (count::numeric * (count - 1)))
    END) STORED,
  created_at timestamptz NOT NULL DEFAULT now(),
  sum_value numeric NOT NULL,
  sum_squares numeric NOT NULL,
  state text NOT NULL CHECK (state IN ('open', 'final')),
  revision integer NOT NULL,
  finalized_at timestamptz,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (window_start, sensor_type, sensor_id),
  CHECK ((count = 0) = (min_value IS NULL) AND (count = 0) = (max_value IS NULL)),
  CHECK ((state = 'open') = (revision = 0)),
  CHECK ((state = 'open') = (finalized_at IS NULL))
) WITH (fillfactor = 70);
CREATE INDEX sensor_aggregates_open ON sensor_aggregates_realtime (window_end) WHERE state = 'open';

COMMENT ON TABLE sensor_aggregates_realtime IS 'Measured values by sensor and 5 minutes of event time: one row for each window, type and sensor';
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

CREATE TABLE consumption_aggregates_realtime (
  window_start timestamptz NOT NULL,
  window_end timestamptz NOT NULL,
  customer_id text COLLATE "C" NOT NULL,
  total_consumption numeric NOT NULL, -- kWh
  -- kWh per reading
  avg_consumption numeric GENERATED ALWAYS AS (total_consumption / nullif(reading_count, 0)) STORED,
  reading_count bigint NOT NULL CHECK (reading_count >= 0),
  created_at timestamptz NOT NULL DEFAULT now(),
  state text NOT NULL CHECK (state IN ('open', 'final')),
  revision integer NOT NULL,
  finalized_at timestamptz,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (window_start, customer_id),
  CHECK ((state = 'open') = (revision = 0)),
  CHECK ((state = 'open') = (finalized_at IS NULL))
) WITH (fillfactor = 70);
CREATE INDEX consumption_aggregates_open ON consumption_aggregates_realtime (window_end) WHERE state = 'open';

COMMENT ON TABLE consumption_aggregates_realtime IS 'Energy by customer and hour of event time: one row for each window and customer, over all of the customer''s meters';
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

CREATE TABLE weather_aggregates_realtime (
  window_start timestamptz NOT NULL PRIMARY KEY,
  window_end timestamptz NOT NULL,
  avg_temperature numeric GENERATED ALWAYS AS (sum_temperature / event_count) STORED,
  avg_humidity numeric GENERATED ALWAYS AS (sum_humidity / event_count) STORED,
  avg_pressure numeric GENERATED ALWAYS AS (sum_pressure / event_count) STORED,
  avg_wind_speed numeric GENERATED ALWAYS AS (sum_wind_speed / event_count) STORED,
  weather_condition text COLLATE "C", -- dominant_condition of condition_counts,
  created_at timestamptz NOT NULL DEFAULT now(),
  event_count bigint NOT NULL CHECK (event_count > 0),
  sum_temperature numeric NOT NULL,
  sum_humidity numeric NOT NULL,
  sum_pressure numeric NOT NULL,
  sum_wind_speed numeric NOT NULL,
  condition_counts jsonb NOT NULL,
  state text NOT NULL CHECK (state IN ('open', 'final')),
  revision integer NOT NULL,
  finalized_at timestamptz,
  updated_at timestamptz NOT NULL DEFAULT now(),
  CHECK ((state = 'open') = (revision = 0)),
  CHECK ((state = 'open') = (finalized_at IS NULL))
) WITH (fillfactor = 70);
CREATE INDEX weather_aggregates_open ON weather_aggregates_realtime (window_end) WHERE state = 'open';

COMMENT ON TABLE weather_aggregates_realtime IS 'Weather by hour of event time: one row for each window';
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

-- Earlier values of final rows. Written by triggers, so that no way of changing a final row can pass them by.
-- replaced_because: the topic-partition:offsets that were being committed, as the committing transaction says it.
CREATE TABLE sensor_aggregates_history (
  window_start timestamptz NOT NULL,
  sensor_type text COLLATE "C" NOT NULL,
  sensor_id text COLLATE "C" NOT NULL,
  revision integer NOT NULL,
  avg_value numeric,
  min_value numeric,
  max_value numeric,
  count bigint NOT NULL,
  stddev_value numeric,
  sum_value numeric NOT NULL,
  sum_squares numeric NOT NULL,
  finalized_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  replaced_at timestamptz NOT NULL DEFAULT now(),
  replaced_because text,
  PRIMARY KEY (window_start, sensor_type, sensor_id, revision)
);

COMMENT ON TABLE sensor_aggregates_history IS 'Earlier revisions of final rows of sensor_aggregates_realtime, kept by a trigger and never deleted';
COMMENT ON COLUMN sensor_aggregates_history.window_start IS 'start of the window of 5 minutes, UTC-aligned; the row''s window holds events from here on';
COMMENT ON COLUMN sensor_aggregates_history.sensor_type IS 'what is measured: voltage, current, power, frequency or another';
COMMENT ON COLUMN sensor_aggregates_history.sensor_id IS 'the sensor, as its events name it';
COMMENT ON COLUMN sensor_aggregates_history.revision IS 'which revision of the row this was';
COMMENT ON COLUMN sensor_aggregates_history.avg_value IS 'average of the values, in the unit of its type: voltage V, current A, power W, frequency Hz; null without events';
COMMENT ON COLUMN sensor_aggregates_history.min_value IS 'smallest value, in the unit of its type: voltage V, current A, power W, frequency Hz; null without events';
COMMENT ON COLUMN sensor_aggregates_history.max_value IS 'largest value, in the unit of its type: voltage V, current A, power W, frequency Hz; null without events';
COMMENT ON COLUMN sensor_aggregates_history.count IS 'how many events the row holds; 0 where an amendment has removed all of them';
COMMENT ON COLUMN sensor_aggregates_history.stddev_value IS 'sample standard deviation of the values, in the unit of its type: voltage V, current A, power W, frequency Hz; null below two events';
COMMENT ON COLUMN sensor_aggregates_history.sum_value IS 'exact sum of the values, in the unit of its type: voltage V, current A, power W, frequency Hz: add these up, not the averages';
COMMENT ON COLUMN sensor_aggregates_history.sum_squares IS 'exact sum of the squared values, in the square of that unit';
COMMENT ON COLUMN sensor_aggregates_history.finalized_at IS 'when the row became final; null while open';
COMMENT ON COLUMN sensor_aggregates_history.updated_at IS 'when the row was last written: the start of that transaction';
COMMENT ON COLUMN sensor_aggregates_history.replaced_at IS 'when the next revision took its place';
COMMENT ON COLUMN sensor_aggregates_history.replaced_because IS 'why: topic-partition:{[from,to)} offsets of late events, or the amendment''s number and reason';

GRANT SELECT ON sensor_aggregates_history TO smartgrid_read;

CREATE TABLE consumption_aggregates_history (
  window_start timestamptz NOT NULL,
  customer_id text COLLATE "C" NOT NULL,
  revision integer NOT NULL,
  total_consumption numeric NOT NULL,
  avg_consumption numeric,
  reading_count bigint NOT NULL,
  finalized_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  replaced_at timestamptz NOT NULL DEFAULT now(),
  replaced_because text,
  PRIMARY KEY (window_start, customer_id, revision)
);

COMMENT ON TABLE consumption_aggregates_history IS 'Earlier revisions of final rows of consumption_aggregates_realtime, kept by a trigger and never deleted';
COMMENT ON COLUMN consumption_aggregates_history.window_start IS 'start of the window of 1 hour, UTC-aligned; the row''s window holds events from here on';
COMMENT ON COLUMN consumption_aggregates_history.customer_id IS 'the customer, as the readings name it';
COMMENT ON COLUMN consumption_aggregates_history.revision IS 'which revision of the row this was';
COMMENT ON COLUMN consumption_aggregates_history.total_consumption IS 'exact sum of the readings, kWh';
COMMENT ON COLUMN consumption_aggregates_history.avg_consumption IS 'kWh per reading; null without readings';
COMMENT ON COLUMN consumption_aggregates_history.reading_count IS 'how many readings the row holds; 0 where an amendment has removed all of them';
COMMENT ON COLUMN consumption_aggregates_history.finalized_at IS 'when the row became final; null while open';
COMMENT ON COLUMN consumption_aggregates_history.updated_at IS 'when the row was last written: the start of that transaction';
COMMENT ON COLUMN consumption_aggregates_history.replaced_at IS 'when the next revision took its place';
COMMENT ON COLUMN consumption_aggregates_history.replaced_because IS 'why: topic-partition:{[from,to)} offsets of late events, or the amendment''s number and reason';

GRANT SELECT ON consumption_aggregates_history TO smartgrid_read;

CREATE TABLE weather_aggregates_history (
  window_start timestamptz NOT NULL,
  revision integer NOT NULL,
  avg_temperature numeric,
  avg_humidity numeric,
  avg_pressure numeric,
  avg_wind_speed numeric,
  weather_condition text COLLATE "C",
  event_count bigint NOT NULL,
  condition_counts jsonb NOT NULL,
  finalized_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  replaced_at timestamptz NOT NULL DEFAULT now(),
  replaced_because text,
  PRIMARY KEY (window_start, revision)
);

COMMENT ON TABLE weather_aggregates_history IS 'Earlier revisions of final rows of weather_aggregates_realtime, kept by a trigger and never deleted';
COMMENT ON COLUMN weather_aggregates_history.window_start IS 'start of the window of 1 hour, UTC-aligned; the row''s window holds events from here on';
COMMENT ON COLUMN weather_aggregates_history.revision IS 'which revision of the row this was';
COMMENT ON COLUMN weather_aggregates_history.avg_temperature IS 'average temperature, °C';
COMMENT ON COLUMN weather_aggregates_history.avg_humidity IS 'average relative humidity, %';
COMMENT ON COLUMN weather_aggregates_history.avg_pressure IS 'average air pressure, hPa';
COMMENT ON COLUMN weather_aggregates_history.avg_wind_speed IS 'average wind speed, m/s';
COMMENT ON COLUMN weather_aggregates_history.weather_condition IS 'the condition that held in most events; a tie goes to the one that matters more to a grid';
COMMENT ON COLUMN weather_aggregates_history.event_count IS 'how many events the row holds';
COMMENT ON COLUMN weather_aggregates_history.condition_counts IS 'how many events had each condition, as a JSON object';
COMMENT ON COLUMN weather_aggregates_history.finalized_at IS 'when the row became final; null while open';
COMMENT ON COLUMN weather_aggregates_history.updated_at IS 'when the row was last written: the start of that transaction';
COMMENT ON COLUMN weather_aggregates_history.replaced_at IS 'when the next revision took its place';
COMMENT ON COLUMN weather_aggregates_history.replaced_because IS 'why: topic-partition:{[from,to)} offsets of late events, or the amendment''s number and reason';

GRANT SELECT ON weather_aggregates_history TO smartgrid_read;
