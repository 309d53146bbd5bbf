-- Windows: one row per window and group, visible while still open. People read them through the views of
-- lib/postgres/sql that bear the contract's names (sensor_aggregates_realtime, …).
-- A row holds exact sums; every statistic is computed from them, so that no order of merging can show. Whether it is final
-- is a fact about the stream (finality), not about the row.
-- fillfactor: merging into a row changes no indexed column, so it stays a heap-only update.
-- Order of columns: those that an update leaves alone stand first and last, and the write-ahead log has what is between.

-- What a row is of, in four bytes.
CREATE TABLE sensor_series (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sensor_type text COLLATE "C" NOT NULL,
  sensor_id text COLLATE "C" NOT NULL,
  first_seen timestamptz NOT NULL DEFAULT now(),
  UNIQUE (sensor_id, sensor_type)
);

COMMENT ON TABLE sensor_series IS 'Every sensor and type that has ever been counted, with the number by which sensor_window names it';
COMMENT ON COLUMN sensor_series.id IS 'the number';
COMMENT ON COLUMN sensor_series.sensor_type IS 'what is measured: voltage, current, power, frequency or another';
COMMENT ON COLUMN sensor_series.sensor_id IS 'the sensor, as its events name it';
COMMENT ON COLUMN sensor_series.first_seen IS 'when its first event was counted';

CREATE TABLE customer (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer_id text COLLATE "C" NOT NULL UNIQUE,
  first_seen timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE customer IS 'Every customer that has ever been counted, with the number by which consumption_window names it';
COMMENT ON COLUMN customer.id IS 'the number';
COMMENT ON COLUMN customer.customer_id IS 'the customer, as the readings name it';
COMMENT ON COLUMN customer.first_seen IS 'when its first reading was counted';

GRANT SELECT ON sensor_series, customer TO smartgrid_api, smartgrid_read;

CREATE TABLE sensor_window (
  window_start timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  series integer NOT NULL,
  amendments integer NOT NULL DEFAULT 0,
  changed_at timestamptz NOT NULL DEFAULT now(),
  count integer NOT NULL CHECK (count >= 0),
  sum_value numeric NOT NULL,
  sum_squares numeric NOT NULL,
  min_value numeric, -- null where amendments have left no event
  max_value numeric,
  PRIMARY KEY (window_start, series),
  CHECK ((count = 0) = (min_value IS NULL) AND (count = 0) = (max_value IS NULL))
) WITH (fillfactor = 85);

CREATE TABLE consumption_window (
  window_start timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  customer integer NOT NULL,
  amendments integer NOT NULL DEFAULT 0,
  changed_at timestamptz NOT NULL DEFAULT now(),
  reading_count integer NOT NULL CHECK (reading_count >= 0),
  total_consumption numeric NOT NULL, -- kWh
  PRIMARY KEY (window_start, customer)
) WITH (fillfactor = 85);

CREATE TABLE weather_window (
  window_start timestamptz PRIMARY KEY,
  created_at timestamptz NOT NULL DEFAULT now(),
  changed_at timestamptz NOT NULL DEFAULT now(),
  event_count integer NOT NULL CHECK (event_count > 0),
  amendments integer NOT NULL DEFAULT 0,
  sum_temperature numeric NOT NULL,
  sum_humidity numeric NOT NULL,
  sum_pressure numeric NOT NULL,
  sum_wind_speed numeric NOT NULL,
  condition_counts jsonb NOT NULL
) WITH (fillfactor = 85);

COMMENT ON TABLE sensor_window IS 'Measured values by sensor and 5 minutes of event time. For people: sensor_aggregates_realtime';
COMMENT ON COLUMN sensor_window.window_start IS 'start of the window of 5 minutes, UTC-aligned; the row''s window holds events from here on';
COMMENT ON COLUMN sensor_window.count IS 'how many events the row holds; 0 where an amendment has removed all of them';
COMMENT ON COLUMN sensor_window.min_value IS 'smallest value, in the unit of its type: voltage V, current A, power W, frequency Hz; null without events';
COMMENT ON COLUMN sensor_window.max_value IS 'largest value, in the unit of its type: voltage V, current A, power W, frequency Hz; null without events';
COMMENT ON COLUMN sensor_window.sum_value IS 'exact sum of the values, in the unit of its type: voltage V, current A, power W, frequency Hz: add these up, not the averages';
COMMENT ON COLUMN sensor_window.sum_squares IS 'exact sum of the squared values, in the square of that unit';
COMMENT ON COLUMN sensor_window.created_at IS 'when the first event of the window was counted';
COMMENT ON COLUMN sensor_window.series IS 'the sensor and type: id of sensor_series';
COMMENT ON COLUMN sensor_window.changed_at IS 'when the row was last written: the start of that transaction';
COMMENT ON COLUMN sensor_window.amendments IS 'how many times the row was changed after its window was final';

COMMENT ON TABLE consumption_window IS 'Energy by customer and hour of event time. For people: consumption_aggregates_realtime';
COMMENT ON COLUMN consumption_window.window_start IS 'start of the window of 1 hour, UTC-aligned; the row''s window holds events from here on';
COMMENT ON COLUMN consumption_window.reading_count IS 'how many readings the row holds; 0 where an amendment has removed all of them';
COMMENT ON COLUMN consumption_window.total_consumption IS 'exact sum of the readings, kWh';
COMMENT ON COLUMN consumption_window.created_at IS 'when the first event of the window was counted';
COMMENT ON COLUMN consumption_window.customer IS 'the customer: id of customer';
COMMENT ON COLUMN consumption_window.changed_at IS 'when the row was last written: the start of that transaction';
COMMENT ON COLUMN consumption_window.amendments IS 'how many times the row was changed after its window was final';

COMMENT ON TABLE weather_window IS 'Weather by hour of event time. For people: weather_aggregates_realtime';
COMMENT ON COLUMN weather_window.window_start IS 'start of the window of 1 hour, UTC-aligned; the row''s window holds events from here on';
COMMENT ON COLUMN weather_window.event_count IS 'how many events the row holds';
COMMENT ON COLUMN weather_window.sum_temperature IS 'exact sum of the temperatures, °C';
COMMENT ON COLUMN weather_window.sum_humidity IS 'exact sum of the humidities, %';
COMMENT ON COLUMN weather_window.sum_pressure IS 'exact sum of the pressures, hPa';
COMMENT ON COLUMN weather_window.sum_wind_speed IS 'exact sum of the wind speeds, m/s';
COMMENT ON COLUMN weather_window.condition_counts IS 'how many events had each condition, as a JSON object';
COMMENT ON COLUMN weather_window.created_at IS 'when the first event of the window was counted';
COMMENT ON COLUMN weather_window.changed_at IS 'when the row was last written: the start of that transaction';
COMMENT ON COLUMN weather_window.amendments IS 'how many times the row was changed after its window was final';

-- When windows became final: those that end at up_to or before, and after the row before it.
CREATE TABLE finality (
  stream text COLLATE "C" NOT NULL,
  up_to timestamptz NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (stream, up_to)
);

COMMENT ON TABLE finality IS 'When windows became final: each row those that end at up_to or before, and after the row before it';
COMMENT ON COLUMN finality.stream IS 'sensor, consumption or weather';
COMMENT ON COLUMN finality.up_to IS 'end of the newest window that became final then';
COMMENT ON COLUMN finality.at IS 'when the watermark passed it';

GRANT SELECT ON finality TO smartgrid_read;

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
