-- Windows: one row per window and group, visible while still open. Their tables follow from the streams' declarations
-- (../stream-sql.ts), and people read them through the views of the contract's names (sensor_aggregates_realtime, …).
-- A row holds exact sums; every statistic is computed from them, so that no order of merging can show. Whether it is final
-- is a fact about the stream, not about the row.
-- fillfactor: merging into a row changes no indexed column, so it stays a heap-only update.

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
