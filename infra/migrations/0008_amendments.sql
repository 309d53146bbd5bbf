-- Amendments by hand: a device's or customer's events of a span are removed or corrected by an entry of their own, with
-- who, when and why; the rows change as new revisions, and an entry can be reverted by another one.
-- docs/decisions/0007 says why a row without events stays.

CREATE TABLE amendment (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('remove', 'correct', 'replace', 'revert')),
  stream text COLLATE "C" NOT NULL,
  topic text COLLATE "C" NOT NULL,
  selector jsonb NOT NULL, -- {"sensor": …, "type": … or null}, {"meter": …, "eventId": … if one} or {"customer": …}
  -- {"multiply": "0.001"}, {"unit": "Wh"}, {"replace": {"reading": "1.4", "unit": "kWh"}} or {"record": the text that
  -- replaces the reading's, "conflict": its number}; null where the events do not count at all
  correction jsonb,
  span_from timestamptz NOT NULL, -- of event time, half-open
  span_to timestamptz NOT NULL,
  reverts bigint UNIQUE REFERENCES amendment, -- unique: what was reverted cannot be reverted again
  reason text NOT NULL,
  made_by text NOT NULL,
  made_at timestamptz NOT NULL DEFAULT now(),
  CHECK ((kind = 'revert') = (reverts IS NOT NULL)),
  CHECK ((kind IN ('correct', 'replace')) = (correction IS NOT NULL)),
  CHECK (span_from < span_to)
);

-- What the ledger had applied when an amendment was made: what comes later is not amended by it.
CREATE TABLE amendment_scope (
  amendment_id bigint NOT NULL REFERENCES amendment,
  source text COLLATE "C" NOT NULL,
  partition integer NOT NULL,
  incarnation integer NOT NULL,
  applied int8multirange NOT NULL,
  PRIMARY KEY (amendment_id, source, partition, incarnation)
);

-- What an amendment changed. The sum of count_after - count_before is what the rows hold besides the ledger's count.
CREATE TABLE amendment_row (
  amendment_id bigint NOT NULL REFERENCES amendment,
  window_start timestamptz NOT NULL,
  sensor_type text COLLATE "C" NOT NULL, -- empty for the consumption stream
  key text COLLATE "C" NOT NULL, -- sensor_id or customer_id
  count_before bigint NOT NULL, count_after bigint NOT NULL,
  sum_before numeric NOT NULL, sum_after numeric NOT NULL, -- values, or kWh
  sum_squares_before numeric, sum_squares_after numeric,
  min_before numeric, min_after numeric,
  max_before numeric, max_after numeric,
  PRIMARY KEY (amendment_id, window_start, sensor_type, key)
);
CREATE INDEX amendment_row_by_window ON amendment_row (window_start, sensor_type, key);

-- Writes an entry and its scope. Called under the locks of the rows that it changes: what these rows hold is then
-- committed and in the ledger as this statement sees it, and what they do not hold yet is not.
-- header: kind, stream, topic, selector, correction, fromUs, toUs, reverts, reason, by
CREATE FUNCTION enter_amendment(header jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  entry bigint;
BEGIN
  INSERT INTO amendment (kind, stream, topic, selector, correction, span_from, span_to, reverts, reason, made_by)
  VALUES (header->>'kind', header->>'stream', header->>'topic', header->'selector',
    nullif(header->'correction', 'null'), instant((header->>'fromUs')::bigint), instant((header->>'toUs')::bigint),
    (header->>'reverts')::bigint, header->>'reason', header->>'by')
  RETURNING id INTO entry;
  INSERT INTO amendment_scope (amendment_id, source, partition, incarnation, applied)
  SELECT entry, l.source, l.partition, l.incarnation, l.applied FROM ledger AS l WHERE l.topic = header->>'topic';
  PERFORM set_config('smartgrid.cause', format('amendment %s: %s', entry, header->>'reason'), true);
  RETURN entry;
END $$;

CREATE FUNCTION amendment_summary(entry bigint) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('id', entry, 'rows', count(*), 'countBefore', coalesce(sum(count_before), 0),
    'countAfter', coalesce(sum(count_after), 0))
  FROM amendment_row WHERE amendment_id = entry
$$;

-- Brings the rows of an entry to their values after it, as a new revision where they are final.
CREATE FUNCTION change_sensor_rows(entry bigint) RETURNS void LANGUAGE sql AS $$
  UPDATE sensor_aggregates_realtime AS t SET
    count = r.count_after, min_value = r.min_after, max_value = r.max_after,
    sum_value = r.sum_after, sum_squares = r.sum_squares_after,
    revision = CASE t.state WHEN 'final' THEN t.revision + 1 ELSE 0 END,
    finalized_at = CASE t.state WHEN 'final' THEN now() END,
    updated_at = now()
  FROM amendment_row AS r
  WHERE r.amendment_id = entry
    AND (t.window_start, t.sensor_type, t.sensor_id) = (r.window_start, r.sensor_type, r.key)
    AND (t.count, t.min_value, t.max_value, t.sum_value, t.sum_squares)
      IS DISTINCT FROM (r.count_after, r.min_after, r.max_after, r.sum_after, r.sum_squares_after)
$$;

CREATE FUNCTION change_consumption_rows(entry bigint) RETURNS void LANGUAGE sql AS $$
  UPDATE consumption_aggregates_realtime AS t SET
    reading_count = r.count_after, total_consumption = r.sum_after,
    revision = CASE t.state WHEN 'final' THEN t.revision + 1 ELSE 0 END,
    finalized_at = CASE t.state WHEN 'final' THEN now() END,
    updated_at = now()
  FROM amendment_row AS r
  WHERE r.amendment_id = entry AND (t.window_start, t.customer_id) = (r.window_start, r.key)
    AND (t.reading_count, t.total_consumption) IS DISTINCT FROM (r.count_after, r.sum_after)
$$;

-- Amends rows from what their events fold to before and after: all rows of the span's windows that the amendment could
-- concern, changing or not. A revert names the rows of what it reverts even where they do not change. Answers the entry's summary ("id" is null where no row changes); or, where a row is not what
-- its events fold to, {"differing", "first"}: how many are not, and the first. Then nothing has changed.
-- header: as for enter_amendment, and firstUs, endUs: the windows.
CREATE FUNCTION amend_sensor(
  header jsonb, window_starts_us bigint[],
  types text[], ids text[], counts_before bigint[], mins_before numeric[], maxs_before numeric[],
  sums_before numeric[], squares_before numeric[],
  types_again text[], ids_again text[], counts_after bigint[], mins_after numeric[], maxs_after numeric[],
  sums_after numeric[], squares_after numeric[]
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  entry bigint;
  differing jsonb;
BEGIN
  PERFORM FROM sensor_aggregates_realtime AS t
  JOIN unnest(window_starts_us, types, ids) AS w(start_us, type, id)
    ON (t.window_start, t.sensor_type, t.sensor_id) = (instant(w.start_us), w.type, w.id)
  ORDER BY t.window_start, t.sensor_type, t.sensor_id FOR UPDATE OF t;

  WITH folded AS (
    SELECT instant(u.start_us) AS start, u.type, u.id, u.n, u.sum, u.squares, CASE WHEN u.n > 0 THEN u.min END AS min,
      CASE WHEN u.n > 0 THEN u.max END AS max
    FROM unnest(window_starts_us, types, ids, counts_before, mins_before, maxs_before, sums_before, squares_before)
      AS u(start_us, type, id, n, min, max, sum, squares)),
  concerned AS (
    SELECT t.window_start, t.sensor_type, t.sensor_id, t.count, t.sum_value, t.sum_squares, t.min_value, t.max_value
    FROM (
      SELECT start, type, id FROM folded
      UNION
      SELECT r.window_start, r.sensor_type, r.key FROM amendment_row AS r
      WHERE r.amendment_id = (header->>'reverts')::bigint
      UNION
      SELECT w.window_start, w.sensor_type, w.sensor_id FROM sensor_aggregates_realtime AS w
      WHERE header->>'kind' <> 'revert' AND w.sensor_id = header->'selector'->>'sensor' AND w.count > 0
        AND w.sensor_type = coalesce(header->'selector'->>'type', w.sensor_type)
        AND w.window_start >= instant((header->>'firstUs')::bigint)
        AND w.window_start < instant((header->>'endUs')::bigint)) AS c(start, type, id)
    JOIN sensor_aggregates_realtime AS t ON (t.window_start, t.sensor_type, t.sensor_id) = (c.start, c.type, c.id))
  SELECT jsonb_build_object('differing', count(*), 'first', min(format(
    '%s %s %s: the row has count %s, sum %s; its events give count %s, sum %s',
    coalesce(t.window_start, b.start), coalesce(t.sensor_type, b.type), coalesce(t.sensor_id, b.id),
    coalesce(t.count, 0), coalesce(t.sum_value, 0), coalesce(b.n, 0), coalesce(b.sum, 0))))
  INTO differing
  FROM folded AS b
  FULL JOIN concerned AS t ON (t.window_start, t.sensor_type, t.sensor_id) = (b.start, b.type, b.id)
  WHERE (t.count, t.min_value, t.max_value, t.sum_value, t.sum_squares)
    IS DISTINCT FROM (b.n, b.min, b.max, b.sum, b.squares);
  IF (differing->>'differing')::bigint > 0 THEN RETURN differing; END IF;
  IF header->>'kind' <> 'revert' AND (counts_before, mins_before, maxs_before, sums_before, squares_before)
    IS NOT DISTINCT FROM (counts_after, mins_after, maxs_after, sums_after, squares_after)
  THEN RETURN amendment_summary(NULL); END IF;

  entry := enter_amendment(header);
  INSERT INTO amendment_row (amendment_id, window_start, sensor_type, key, count_before, count_after, sum_before,
    sum_after, sum_squares_before, sum_squares_after, min_before, min_after, max_before, max_after)
  SELECT entry, t.window_start, t.sensor_type, t.sensor_id, t.count, a.n, t.sum_value,
    a.sum, t.sum_squares, a.squares, t.min_value, CASE WHEN a.n > 0 THEN a.min END,
    t.max_value, CASE WHEN a.n > 0 THEN a.max END
  FROM unnest(window_starts_us, types_again, ids_again, counts_after, mins_after, maxs_after, sums_after,
      squares_after) AS a(start_us, type, id, n, min, max, sum, squares)
  JOIN sensor_aggregates_realtime AS t
    ON (t.window_start, t.sensor_type, t.sensor_id) = (instant(a.start_us), a.type, a.id)
  WHERE header->>'kind' = 'revert' OR (t.count, t.sum_value, t.sum_squares, t.min_value, t.max_value)
    IS DISTINCT FROM (a.n, a.sum, a.squares, CASE WHEN a.n > 0 THEN a.min END, CASE WHEN a.n > 0 THEN a.max END);
  PERFORM change_sensor_rows(entry);
  RETURN amendment_summary(entry);
END $$;

CREATE FUNCTION amend_consumption(
  header jsonb, window_starts_us bigint[],
  ids text[], counts_before bigint[], sums_before numeric[],
  ids_again text[], counts_after bigint[], sums_after numeric[]
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  entry bigint;
  differing jsonb;
  mark timestamptz := (SELECT watermark FROM stream_state WHERE stream = 'consumption');
  made tid[];
BEGIN
  -- A reading that is replaced by one of another hour or customer may be the first of its row.
  WITH empty AS (
    INSERT INTO consumption_aggregates_realtime (window_start, window_end, customer_id, reading_count,
      total_consumption, state, revision, finalized_at)
    SELECT p.start, p.start + interval '1 hour', p.id, 0, 0.000000, f.state, (f.state = 'final')::integer,
      CASE f.state WHEN 'final' THEN now() END
    FROM (SELECT instant(u.start_us) AS start, u.id FROM unnest(window_starts_us, ids_again, counts_after)
        AS u(start_us, id, n) WHERE u.n > 0 AND header->>'kind' <> 'remove') AS p,
      LATERAL (SELECT CASE WHEN p.start + interval '1 hour' <= mark THEN 'final' ELSE 'open' END AS state) AS f
    ORDER BY p.start, p.id
    ON CONFLICT DO NOTHING RETURNING ctid)
  SELECT array_agg(ctid) INTO made FROM empty;
  PERFORM FROM consumption_aggregates_realtime AS t
  JOIN unnest(window_starts_us, ids) AS w(start_us, id)
    ON (t.window_start, t.customer_id) = (instant(w.start_us), w.id)
  ORDER BY t.window_start, t.customer_id FOR UPDATE OF t;

  WITH folded AS (
    SELECT instant(u.start_us) AS start, u.id, u.n, u.sum
    FROM unnest(window_starts_us, ids, counts_before, sums_before) AS u(start_us, id, n, sum)),
  concerned AS (
    SELECT t.window_start, t.customer_id, t.reading_count, t.total_consumption
    FROM (
      SELECT start, id FROM folded
      UNION
      SELECT r.window_start, r.key FROM amendment_row AS r WHERE r.amendment_id = (header->>'reverts')::bigint
      UNION
      SELECT w.window_start, w.customer_id FROM consumption_aggregates_realtime AS w
      WHERE header->>'kind' <> 'revert' AND w.reading_count > 0
        AND (w.customer_id = header->'selector'->>'customer'
          OR header->'selector' ? 'meter' AND w.customer_id = ANY (ids))
        AND w.window_start >= instant((header->>'firstUs')::bigint)
        AND w.window_start < instant((header->>'endUs')::bigint)) AS c(start, id)
    JOIN consumption_aggregates_realtime AS t ON (t.window_start, t.customer_id) = (c.start, c.id))
  SELECT jsonb_build_object('differing', count(*), 'first', min(format(
    '%s %s: the row has count %s, sum %s; its events give count %s, sum %s',
    coalesce(t.window_start, b.start), coalesce(t.customer_id, b.id),
    coalesce(t.reading_count, 0), coalesce(t.total_consumption, 0), coalesce(b.n, 0), coalesce(b.sum, 0))))
  INTO differing
  FROM folded AS b
  FULL JOIN concerned AS t ON (t.window_start, t.customer_id) = (b.start, b.id)
  WHERE (t.reading_count, t.total_consumption) IS DISTINCT FROM (b.n, b.sum);
  IF (differing->>'differing')::bigint > 0 THEN
    DELETE FROM consumption_aggregates_realtime WHERE ctid = ANY (made);
    RETURN differing;
  END IF;
  IF header->>'kind' <> 'revert' AND (counts_before, sums_before) IS NOT DISTINCT FROM (counts_after, sums_after)
  THEN RETURN amendment_summary(NULL); END IF;

  entry := enter_amendment(header);
  INSERT INTO amendment_row (amendment_id, window_start, sensor_type, key, count_before, count_after, sum_before,
    sum_after)
  SELECT entry, t.window_start, '', t.customer_id, t.reading_count, a.n, t.total_consumption, a.sum
  FROM unnest(window_starts_us, ids_again, counts_after, sums_after) AS a(start_us, id, n, sum)
  JOIN consumption_aggregates_realtime AS t ON (t.window_start, t.customer_id) = (instant(a.start_us), a.id)
  WHERE header->>'kind' = 'revert' OR (t.reading_count, t.total_consumption) IS DISTINCT FROM (a.n, a.sum);
  PERFORM change_consumption_rows(entry);
  RETURN amendment_summary(entry);
END $$;

-- Removes everything that the windows within the span hold of one sensor or customer, whatever it was made of.
-- Answers its summary, or {"id": null} where the windows hold nothing.
CREATE FUNCTION empty_windows(header jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  entry bigint;
  window_from timestamptz := instant((header->>'fromUs')::bigint);
  window_to timestamptz := instant((header->>'toUs')::bigint);
  sensor text := header->'selector'->>'sensor';
  wanted_type text := header->'selector'->>'type';
  customer text := header->'selector'->>'customer';
  starts timestamptz[];
  types text[];
BEGIN
  IF sensor IS NOT NULL THEN
    SELECT array_agg(window_start), array_agg(sensor_type) INTO starts, types FROM (
      SELECT window_start, sensor_type FROM sensor_aggregates_realtime
      WHERE sensor_id = sensor AND (wanted_type IS NULL OR sensor_type = wanted_type) AND count > 0
        AND window_start >= window_from AND window_end <= window_to
      ORDER BY window_start, sensor_type FOR UPDATE) AS locked;
  ELSE
    SELECT array_agg(window_start) INTO starts FROM (
      SELECT window_start FROM consumption_aggregates_realtime
      WHERE customer_id = customer AND reading_count > 0 AND window_start >= window_from AND window_end <= window_to
      ORDER BY window_start FOR UPDATE) AS locked;
  END IF;
  IF starts IS NULL THEN RETURN amendment_summary(NULL); END IF;

  entry := enter_amendment(header);
  IF sensor IS NOT NULL THEN
    INSERT INTO amendment_row (amendment_id, window_start, sensor_type, key, count_before, count_after, sum_before,
      sum_after, sum_squares_before, sum_squares_after, min_before, max_before)
    SELECT entry, t.window_start, t.sensor_type, t.sensor_id, t.count, 0, t.sum_value, 0.000000, t.sum_squares,
      0.000000000000, t.min_value, t.max_value
    FROM unnest(starts, types) AS locked(start, type)
    JOIN sensor_aggregates_realtime AS t
      ON (t.window_start, t.sensor_type, t.sensor_id) = (locked.start, locked.type, sensor);
    PERFORM change_sensor_rows(entry);
  ELSE
    INSERT INTO amendment_row (amendment_id, window_start, sensor_type, key, count_before, count_after, sum_before,
      sum_after)
    SELECT entry, t.window_start, '', t.customer_id, t.reading_count, 0, t.total_consumption, 0.000000
    FROM unnest(starts) AS locked(start)
    JOIN consumption_aggregates_realtime AS t ON (t.window_start, t.customer_id) = (locked.start, customer);
    PERFORM change_consumption_rows(entry);
  END IF;
  RETURN amendment_summary(entry);
END $$;

-- An extreme value with an amendment taken back: the values before and after it, and the present one, which events
-- that came since are part of. Null where it cannot be told from these three, and where there is no value.
-- sign: 1 for a minimum, -1 for a maximum.
CREATE FUNCTION extreme_taken_back(sign integer, before numeric, after numeric, present numeric, came_since boolean)
RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE
    WHEN NOT came_since THEN before
    WHEN after IS NULL OR sign * before <= sign * after THEN sign * least(sign * before, sign * present)
    WHEN sign * present < sign * after THEN present
  END
$$;

-- Reverts an entry by the differences that it made, which events that came since do not disturb.
-- header: reverts, reason, by. Answers its summary; or {"needsEvents": why} where sums do not say what the rows would be,
-- because amendments build upon each other or an extreme value cannot be told; then nothing has changed.
CREATE FUNCTION revert_amendment(header jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  reverted amendment%ROWTYPE;
  undone bigint;
  entry bigint;
BEGIN
  SELECT * INTO reverted FROM amendment WHERE id = (header->>'reverts')::bigint FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no amendment %', header->>'reverts' USING ERRCODE = 'SG001';
  END IF;
  IF reverted.kind = 'revert' THEN
    RAISE EXCEPTION 'amendment % is itself a revert: make the amendment % again instead', reverted.id, reverted.reverts
      USING ERRCODE = 'SG001';
  END IF;
  SELECT id INTO undone FROM amendment WHERE reverts = reverted.id;
  IF FOUND THEN
    RAISE EXCEPTION 'amendment % has been reverted before, by amendment %', reverted.id, undone
      USING ERRCODE = 'SG001';
  END IF;

  PERFORM FROM sensor_aggregates_realtime AS t
  JOIN amendment_row AS r ON (t.window_start, t.sensor_type, t.sensor_id) = (r.window_start, r.sensor_type, r.key)
  WHERE r.amendment_id = reverted.id AND reverted.stream = 'sensor'
  ORDER BY t.window_start, t.sensor_type, t.sensor_id FOR UPDATE OF t;
  PERFORM FROM consumption_aggregates_realtime AS t
  JOIN amendment_row AS r ON (t.window_start, t.customer_id) = (r.window_start, r.key)
  WHERE r.amendment_id = reverted.id AND reverted.stream = 'consumption'
  ORDER BY t.window_start, t.customer_id FOR UPDATE OF t;

  -- Later entries on the same rows disturb, unless they and their reverts cancel each other.
  IF EXISTS (
    SELECT FROM amendment AS later
    JOIN amendment_row AS theirs ON theirs.amendment_id = later.id
    JOIN amendment_row AS ours ON ours.amendment_id = reverted.id
      AND (ours.window_start, ours.sensor_type, ours.key) = (theirs.window_start, theirs.sensor_type, theirs.key)
    WHERE later.id > reverted.id AND later.stream = reverted.stream
      AND CASE later.kind WHEN 'revert' THEN later.reverts < reverted.id
        ELSE NOT EXISTS (SELECT FROM amendment AS undoing WHERE undoing.reverts = later.id) END)
  THEN RETURN jsonb_build_object('needsEvents', 'later amendments changed the same rows'); END IF;
  IF EXISTS (
    SELECT FROM amendment_row AS r
    JOIN sensor_aggregates_realtime AS t
      ON (t.window_start, t.sensor_type, t.sensor_id) = (r.window_start, r.sensor_type, r.key)
    WHERE r.amendment_id = reverted.id AND reverted.stream = 'sensor'
      AND (extreme_taken_back(1, r.min_before, r.min_after, t.min_value, t.count > r.count_after) IS NULL
        OR extreme_taken_back(-1, r.max_before, r.max_after, t.max_value, t.count > r.count_after) IS NULL))
  THEN RETURN jsonb_build_object('needsEvents', 'events came since, and sums do not say the smallest or largest'); END IF;

  entry := enter_amendment(jsonb_build_object('kind', 'revert', 'stream', reverted.stream, 'topic', reverted.topic,
    'selector', reverted.selector, 'fromUs', epoch_us(reverted.span_from), 'toUs', epoch_us(reverted.span_to),
    'reverts', reverted.id, 'reason', header->>'reason', 'by', header->>'by'));
  INSERT INTO amendment_row (amendment_id, window_start, sensor_type, key, count_before, count_after, sum_before,
    sum_after, sum_squares_before, sum_squares_after, min_before, min_after, max_before, max_after)
  SELECT entry, r.window_start, r.sensor_type, r.key, t.count, t.count + r.count_before - r.count_after,
    t.sum_value, t.sum_value + r.sum_before - r.sum_after,
    t.sum_squares, t.sum_squares + r.sum_squares_before - r.sum_squares_after,
    t.min_value, extreme_taken_back(1, r.min_before, r.min_after, t.min_value, t.count > r.count_after),
    t.max_value, extreme_taken_back(-1, r.max_before, r.max_after, t.max_value, t.count > r.count_after)
  FROM amendment_row AS r
  JOIN sensor_aggregates_realtime AS t
    ON (t.window_start, t.sensor_type, t.sensor_id) = (r.window_start, r.sensor_type, r.key)
  WHERE r.amendment_id = reverted.id AND reverted.stream = 'sensor';
  INSERT INTO amendment_row (amendment_id, window_start, sensor_type, key, count_before, count_after, sum_before,
    sum_after)
  SELECT entry, r.window_start, '', r.key, t.reading_count, t.reading_count + r.count_before - r.count_after,
    t.total_consumption, t.total_consumption + r.sum_before - r.sum_after
  FROM amendment_row AS r
  JOIN consumption_aggregates_realtime AS t ON (t.window_start, t.customer_id) = (r.window_start, r.key)
  WHERE r.amendment_id = reverted.id AND reverted.stream = 'consumption';
  PERFORM CASE reverted.stream WHEN 'sensor' THEN change_sensor_rows(entry) ELSE change_consumption_rows(entry) END;
  RETURN amendment_summary(entry);
END $$;

-- Every change of a final row: what it was, what it became, when, and because of what (the topic-partition:offsets of
-- late events, or an amendment's number and reason). revision is the one that the change made.

CREATE VIEW sensor_amendments AS
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

CREATE VIEW consumption_amendments AS
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

CREATE VIEW weather_amendments AS
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

GRANT SELECT ON amendment, amendment_scope, amendment_row, sensor_amendments, consumption_amendments,
  weather_amendments TO smartgrid_read;
