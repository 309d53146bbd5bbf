-- What was delivered again, because the trigger's group had passed it and the ledger did not hold it: by the sweeper, or
-- by `npm run audit -- --repair`. A row is written in the transaction that commits the records.
CREATE TABLE redelivery (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  source text COLLATE "C" NOT NULL,
  topic text COLLATE "C" NOT NULL,
  partition integer NOT NULL,
  offsets int8range NOT NULL,
  records integer NOT NULL, -- that the ledger did not hold
  counted integer NOT NULL, -- of them; the others were refused, too late or a producer's retry
  delivered_by text NOT NULL,
  delivered_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX redelivery_by_time ON redelivery (delivered_at DESC);
GRANT INSERT ON redelivery TO smartgrid_sweep;
GRANT SELECT ON redelivery TO smartgrid_read;

COMMENT ON TABLE redelivery IS 'Lost records that were delivered again: one row for each batch';
COMMENT ON COLUMN redelivery.id IS 'the batch''s number';
COMMENT ON COLUMN redelivery.source IS 'the cluster: its ARN, or the bootstrap brokers of one that has none';
COMMENT ON COLUMN redelivery.topic IS 'the Kafka topic';
COMMENT ON COLUMN redelivery.partition IS 'the partition within the topic';
COMMENT ON COLUMN redelivery.offsets IS 'the offsets that were read again';
COMMENT ON COLUMN redelivery.records IS 'how many of their records the ledger did not hold';
COMMENT ON COLUMN redelivery.counted IS 'how many of these were counted';
COMMENT ON COLUMN redelivery.delivered_by IS 'sweep-windows, or the command that somebody typed';
COMMENT ON COLUMN redelivery.delivered_at IS 'when';
