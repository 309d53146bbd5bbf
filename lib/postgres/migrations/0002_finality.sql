-- Windows: one row per window and group, visible while still open. Their tables follow from the streams' declarations
-- (../stream-sql.ts), and people read them through the views of the contract's names (sensor_aggregates_realtime, …).
-- A row holds exact sums; every statistic is computed from them, so that no order of merging can show. Whether it is final
-- is a fact about the stream, not about the row. Each month is a table of its own (make_months), which retention drops whole.

-- When windows became final: those that end at up_to or before, and after the row before it.
CREATE TABLE finality (
  stream text COLLATE "C" NOT NULL,
  up_to timestamptz NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (stream, up_to)
);

COMMENT ON TABLE finality IS 'When windows became final: each row those that end at up_to or before, and after the row before it';
COMMENT ON COLUMN finality.stream IS 'the stream, as its declaration names it';
COMMENT ON COLUMN finality.up_to IS 'end of the newest window that became final then';
COMMENT ON COLUMN finality.at IS 'when the watermark passed it';

GRANT SELECT ON finality TO smartgrid_read;

-- Months that retention has dropped: what the ledger counted and no row holds any more.
CREATE TABLE dropped_month (
  stream text COLLATE "C" NOT NULL,
  month timestamptz NOT NULL,
  dropped_at timestamptz NOT NULL DEFAULT now(),
  rows bigint NOT NULL,
  events bigint NOT NULL,
  PRIMARY KEY (stream, month, dropped_at)
);

COMMENT ON TABLE dropped_month IS 'Months of windows that retention has dropped (WINDOW_RETENTION_DAYS), with what they held';
COMMENT ON COLUMN dropped_month.stream IS 'the stream, as its declaration names it';
COMMENT ON COLUMN dropped_month.month IS 'start of the month, UTC';
COMMENT ON COLUMN dropped_month.dropped_at IS 'when it was dropped';
COMMENT ON COLUMN dropped_month.rows IS 'how many rows it had';
COMMENT ON COLUMN dropped_month.events IS 'how many events these rows held: the ledger still counts them';

GRANT SELECT ON dropped_month TO smartgrid_read;
