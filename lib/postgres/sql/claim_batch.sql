-- The commit of one partition's batch: one call, one transaction. PostgreSQL judges whether the caller folded the
-- batch on facts that still hold (which offsets are new, what time it is, where the watermark stands, which
-- identities were seen). If so, ledger, sums, quarantine and identities change together and the outcome says
-- "applied": true. If not, nothing changes, and the outcome holds the facts to fold again with.
-- Locks are taken in one order by all callers (ledger row, identities, rows by key), so there is no deadlock.
--
-- header: stream, source, topic, partition, offsets, lastOffset and digest (of the last record delivered),
-- records, counted, duplicates, firstWindowEndUs, maxEventTimeUs, futureSkewUs, amendmentHorizonUs; times are null where
-- the batch has none. conflicts: a list of eventKey, offset, timeUs, value (base64), firstLog (null for this one), firstOffset,
-- firstValue (null where the batch does not hold it). doubtful: a list of offset, timeUs, field, value, reason.
-- lateness: a list of day (since 1970), belowS, events.
-- stationReadings, of weather only: what counted, a list of offset, timeUs, latitude, longitude, celsius.
CREATE OR REPLACE FUNCTION claim_batch(
  header jsonb,
  event_keys uuid[], event_times_us bigint[], contents bigint[], event_offsets bigint[],
  refused_offsets bigint[], refused_reasons text[], refused_fields text[], refused_values bytea[],
  too_late_offsets bigint[], too_late_times_us bigint[], too_late_values bytea[]
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  batch record;
  entry ledger%ROWTYPE;
  mark timestamptz;
  already_seen jsonb;
  inserted integer;
  conflicting integer;
BEGIN
  SELECT * INTO batch FROM jsonb_to_record(header) AS h(
    stream text, source text, topic text, partition integer, offsets int8multirange, "lastOffset" bigint, digest uuid,
    records integer, counted integer, duplicates integer, "firstWindowEndUs" bigint, "maxEventTimeUs" bigint,
    "futureSkewUs" bigint, "amendmentHorizonUs" bigint);
  PERFORM set_config('smartgrid.cause', format('%s-%s:%s', batch.topic, batch.partition, batch.offsets), true);

  LOOP
    SELECT * INTO entry FROM ledger AS l
    WHERE l.source = batch.source AND l.topic = batch.topic AND l.partition = batch.partition
    ORDER BY l.incarnation DESC LIMIT 1 FOR UPDATE;
    -- The sweeper may have begun the next one while this waited for the lock.
    EXIT WHEN FOUND AND NOT EXISTS (SELECT FROM ledger AS l
      WHERE l.source = batch.source AND l.topic = batch.topic AND l.partition = batch.partition
        AND l.incarnation > entry.incarnation);
    INSERT INTO ledger (source, topic, partition, incarnation)
    VALUES (batch.source, batch.topic, batch.partition, 0)
    ON CONFLICT DO NOTHING;
  END LOOP;
  mark := share_finality(batch.stream);
  IF cardinality(event_keys) > 0 THEN
    SELECT jsonb_agg(jsonb_build_object('eventKey', s.event_key, 'content', s.content, 'log', s.log_id,
      'offset', s."offset")) INTO already_seen
    FROM seen_event AS s WHERE s.stream = batch.stream AND s.event_key = ANY (event_keys);
  END IF;

  IF entry.applied && batch.offsets
    OR instant(batch."maxEventTimeUs") > now() + batch."futureSkewUs" * interval '1 microsecond'
    OR instant(batch."firstWindowEndUs") <= mark - batch."amendmentHorizonUs" * interval '1 microsecond'
    OR already_seen IS NOT NULL
  THEN
    RETURN jsonb_build_object('applied', false,
      'incarnation', entry.incarnation,
      'alreadyApplied', (entry.applied * batch.offsets)::text,
      'nowUs', epoch_us(now()),
      'watermarkUs', epoch_us(mark),
      'seen', coalesce(already_seen, '[]'));
  END IF;

  INSERT INTO seen_event (stream, event_key, event_time, content, log_id, "offset")
  SELECT batch.stream, e.event_key, instant(e.time_us), e.content, entry.id, e."offset"
  FROM unnest(event_keys, event_times_us, contents, event_offsets) AS e(event_key, time_us, content, "offset")
  ORDER BY e.event_key
  ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS inserted = ROW_COUNT;
  IF inserted < cardinality(event_keys) THEN
    RAISE EXCEPTION 'another batch has just counted an event of this one' USING ERRCODE = '40001';
  END IF;
  INSERT INTO quarantine (source, topic, partition, incarnation, "offset", reason, field, value)
  SELECT batch.source, batch.topic, batch.partition, entry.incarnation, r.*
  FROM unnest(refused_offsets, refused_reasons, refused_fields, refused_values) AS r;
  INSERT INTO too_late (source, topic, partition, incarnation, "offset", event_time, value)
  SELECT batch.source, batch.topic, batch.partition, entry.incarnation, t."offset", instant(t.time_us), t.value
  FROM unnest(too_late_offsets, too_late_times_us, too_late_values) AS t("offset", time_us, value);
  INSERT INTO conflict (stream, event_key, log_id, "offset", event_time, value, first_log_id, first_offset, first_value)
  SELECT batch.stream, c."eventKey", entry.id, c."offset", instant(c."timeUs"), decode(c.value, 'base64'),
    coalesce(c."firstLog", entry.id), c."firstOffset", decode(c."firstValue", 'base64')
  FROM jsonb_to_recordset(header->'conflicts') AS c("eventKey" uuid, "offset" bigint, "timeUs" bigint, value text, "firstLog" integer,
    "firstOffset" bigint, "firstValue" text)
  ORDER BY c."offset";
  GET DIAGNOSTICS conflicting = ROW_COUNT;
  INSERT INTO doubtful (stream, log_id, "offset", field, value, reason, event_time)
  SELECT batch.stream, entry.id, d."offset", d.field, d.value, d.reason, instant(d."timeUs")
  FROM jsonb_to_recordset(header->'doubtful') AS d("offset" bigint, "timeUs" bigint, field text, value numeric,
    reason text);
  UPDATE ledger AS l SET
    applied = l.applied + batch.offsets,
    records = l.records + batch.records,
    counted = l.counted + batch.counted,
    quarantined = l.quarantined + cardinality(refused_offsets),
    too_late = l.too_late + cardinality(too_late_offsets),
    duplicates = l.duplicates + batch.duplicates,
    conflicts = l.conflicts + conflicting,
    doubtful = l.doubtful + (SELECT count(DISTINCT d->'offset') FROM jsonb_array_elements(header->'doubtful') AS d),
    max_event_time = greatest(l.max_event_time, instant(batch."maxEventTimeUs")),
    advanced_at = CASE WHEN instant(batch."maxEventTimeUs") > coalesce(l.max_event_time, '-infinity') THEN now()
      ELSE l.advanced_at END,
    updated_at = now()
  WHERE l.source = batch.source AND l.topic = batch.topic AND l.partition = batch.partition
    AND l.incarnation = entry.incarnation;
  INSERT INTO lateness AS l (day, log_id, below_s, stream, events)
  SELECT date '1970-01-01' + n.day, entry.id, n."belowS", batch.stream, n.events
  FROM jsonb_to_recordset(header->'lateness') AS n(day integer, "belowS" bigint, events bigint)
  ON CONFLICT (day, log_id, below_s) DO UPDATE SET events = l.events + excluded.events;
  INSERT INTO ledger_tail (source, topic, partition, incarnation, offsets, last_offset, digest)
  VALUES (batch.source, batch.topic, batch.partition, entry.incarnation, batch.offsets, batch."lastOffset", batch.digest);
  RETURN jsonb_build_object('applied', true, 'incarnation', entry.incarnation, 'nowUs', epoch_us(now()),
    'watermarkUs', epoch_us(mark));
END $$;

COMMENT ON FUNCTION claim_batch IS 'The first half of a commit: enters a batch into the ledger, or says on which facts to fold it again';
