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

-- The condition that held most often; ties go to the one that matters more to a grid, then alphabetically.
CREATE FUNCTION dominant_condition(condition_counts jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT key FROM jsonb_each_text(condition_counts)
  ORDER BY value::bigint DESC,
    array_position(ARRAY['Stormy', 'Rainy', 'Foggy', 'Windy', 'Cloudy', 'Sunny'], key) NULLS LAST,
    key COLLATE "C"
  LIMIT 1
$$;

CREATE FUNCTION merge_condition_counts(a jsonb, b jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT jsonb_object_agg(key, events) FROM (
    SELECT key, sum(value::bigint) AS events
    FROM (SELECT * FROM jsonb_each_text(a) UNION ALL SELECT * FROM jsonb_each_text(b)) AS both_sides
    GROUP BY key) AS merged
$$;

CREATE TABLE weather_aggregates_realtime (
  window_start timestamptz NOT NULL PRIMARY KEY,
  window_end timestamptz NOT NULL,
  avg_temperature numeric GENERATED ALWAYS AS (sum_temperature / event_count) STORED,
  avg_humidity numeric GENERATED ALWAYS AS (sum_humidity / event_count) STORED,
  avg_pressure numeric GENERATED ALWAYS AS (sum_pressure / event_count) STORED,
  avg_wind_speed numeric GENERATED ALWAYS AS (sum_wind_speed / event_count) STORED,
  weather_condition text COLLATE "C" GENERATED ALWAYS AS (dominant_condition(condition_counts)) STORED,
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

CREATE FUNCTION keep_sensor_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO sensor_aggregates_history (window_start, sensor_type, sensor_id, revision, avg_value, min_value,
    max_value, count, stddev_value, sum_value, sum_squares, finalized_at, updated_at, replaced_because)
  VALUES (OLD.window_start, OLD.sensor_type, OLD.sensor_id, OLD.revision, OLD.avg_value, OLD.min_value,
    OLD.max_value, OLD.count, OLD.stddev_value, OLD.sum_value, OLD.sum_squares, OLD.finalized_at, OLD.updated_at,
    current_setting('smartgrid.cause', true));
  RETURN NEW;
END $$;
CREATE TRIGGER keep_history BEFORE UPDATE ON sensor_aggregates_realtime
  FOR EACH ROW WHEN (OLD.state = 'final') EXECUTE FUNCTION keep_sensor_history();

CREATE FUNCTION keep_consumption_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO consumption_aggregates_history (window_start, customer_id, revision, total_consumption,
    avg_consumption, reading_count, finalized_at, updated_at, replaced_because)
  VALUES (OLD.window_start, OLD.customer_id, OLD.revision, OLD.total_consumption,
    OLD.avg_consumption, OLD.reading_count, OLD.finalized_at, OLD.updated_at,
    current_setting('smartgrid.cause', true));
  RETURN NEW;
END $$;
CREATE TRIGGER keep_history BEFORE UPDATE ON consumption_aggregates_realtime
  FOR EACH ROW WHEN (OLD.state = 'final') EXECUTE FUNCTION keep_consumption_history();

CREATE FUNCTION keep_weather_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO weather_aggregates_history (window_start, revision, avg_temperature, avg_humidity, avg_pressure,
    avg_wind_speed, weather_condition, event_count, condition_counts, finalized_at, updated_at, replaced_because)
  VALUES (OLD.window_start, OLD.revision, OLD.avg_temperature, OLD.avg_humidity, OLD.avg_pressure,
    OLD.avg_wind_speed, OLD.weather_condition, OLD.event_count, OLD.condition_counts, OLD.finalized_at,
    OLD.updated_at, current_setting('smartgrid.cause', true));
  RETURN NEW;
END $$;
CREATE TRIGGER keep_history BEFORE UPDATE ON weather_aggregates_realtime
  FOR EACH ROW WHEN (OLD.state = 'final') EXECUTE FUNCTION keep_weather_history();
