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
  event_key uuid, -- of the reading that is replaced, as in seen_event; null for other kinds
  reverts bigint UNIQUE REFERENCES amendment, -- unique: what was reverted cannot be reverted again
  reason text NOT NULL,
  made_by text NOT NULL,
  made_at timestamptz NOT NULL DEFAULT now(),
  CHECK ((kind = 'revert') = (reverts IS NOT NULL)),
  CHECK ((kind IN ('correct', 'replace')) = (correction IS NOT NULL)),
  CHECK (span_from < span_to)
);
CREATE INDEX amendment_of_reading ON amendment (event_key) WHERE kind = 'replace';

COMMENT ON TABLE amendment IS 'What people removed from the rows, corrected or gave back: one entry each, with who, when and why';
COMMENT ON COLUMN amendment.id IS 'the amendment''s number';
COMMENT ON COLUMN amendment.kind IS 'remove, correct or revert';
COMMENT ON COLUMN amendment.stream IS 'sensor or consumption';
COMMENT ON COLUMN amendment.topic IS 'the topic that the events were read from';
COMMENT ON COLUMN amendment.selector IS 'whose events: {"sensor", "type"}, {"meter"} or {"customer"}';
COMMENT ON COLUMN amendment.correction IS '{"multiply"} or {"unit"}; null for remove and revert';
COMMENT ON COLUMN amendment.span_from IS 'first event time';
COMMENT ON COLUMN amendment.span_to IS 'first event time after the span';
COMMENT ON COLUMN amendment.event_key IS 'the identity of the reading that is replaced, as in seen_event; null for other kinds';
COMMENT ON COLUMN amendment.reverts IS 'the amendment that this one takes back';
COMMENT ON COLUMN amendment.reason IS 'why';
COMMENT ON COLUMN amendment.made_by IS 'who decided it';
COMMENT ON COLUMN amendment.made_at IS 'when';

GRANT SELECT ON amendment TO smartgrid_read;

-- What the ledger had applied when an amendment was made: what comes later is not amended by it.
CREATE TABLE amendment_scope (
  amendment_id bigint NOT NULL REFERENCES amendment,
  source text COLLATE "C" NOT NULL,
  partition integer NOT NULL,
  incarnation integer NOT NULL,
  applied int8multirange NOT NULL,
  PRIMARY KEY (amendment_id, source, partition, incarnation)
);

COMMENT ON TABLE amendment_scope IS 'What the ledger had applied when an amendment was made: what comes later is not amended by it';
COMMENT ON COLUMN amendment_scope.amendment_id IS 'the amendment';
COMMENT ON COLUMN amendment_scope.source IS 'the cluster: its ARN, or the bootstrap brokers of one that has none';
COMMENT ON COLUMN amendment_scope.partition IS 'the partition within the topic';
COMMENT ON COLUMN amendment_scope.incarnation IS '0 for the first log under this topic''s name, one more for each log that took its place';
COMMENT ON COLUMN amendment_scope.applied IS 'the offsets that were settled then';

GRANT SELECT ON amendment_scope TO smartgrid_read;

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

COMMENT ON TABLE amendment_row IS 'What an amendment changed, row by row';
COMMENT ON COLUMN amendment_row.amendment_id IS 'the amendment';
COMMENT ON COLUMN amendment_row.window_start IS 'start of the row''s window';
COMMENT ON COLUMN amendment_row.sensor_type IS 'the sensor''s type; empty for consumption';
COMMENT ON COLUMN amendment_row.key IS 'the row''s sensor_id or customer_id';
COMMENT ON COLUMN amendment_row.count_before IS 'events in the row before';
COMMENT ON COLUMN amendment_row.count_after IS 'events in the row after';
COMMENT ON COLUMN amendment_row.sum_before IS 'sum of the values before; of readings kWh';
COMMENT ON COLUMN amendment_row.sum_after IS 'sum of the values after; of readings kWh';
COMMENT ON COLUMN amendment_row.sum_squares_before IS 'sum of the squared values before; null for consumption';
COMMENT ON COLUMN amendment_row.sum_squares_after IS 'sum of the squared values after; null for consumption';
COMMENT ON COLUMN amendment_row.min_before IS 'smallest value before; null for consumption';
COMMENT ON COLUMN amendment_row.min_after IS 'smallest value after; null for consumption';
COMMENT ON COLUMN amendment_row.max_before IS 'largest value before; null for consumption';
COMMENT ON COLUMN amendment_row.max_after IS 'largest value after; null for consumption';

GRANT SELECT ON amendment_row TO smartgrid_read;
