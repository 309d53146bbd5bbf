-- The days by which `npm run replay` has moved the readings of a meter or a sensor. A reading's identity is that of its
-- own time in the file: sent again, it has to come at the same moved time, or it would be in conflict with itself.
CREATE TABLE replay_shift (
  series text COLLATE "C" PRIMARY KEY, -- the meter, or the sensor with its type
  shift_days integer NOT NULL,
  file text NOT NULL, -- the file with which it was chosen
  chosen_at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE replay_shift IS 'The days by which npm run replay has moved the readings of a meter or a sensor';
COMMENT ON COLUMN replay_shift.series IS 'the meter, or the sensor with its type';
COMMENT ON COLUMN replay_shift.shift_days IS 'days that are added to its times';
COMMENT ON COLUMN replay_shift.file IS 'the file with which the shift was chosen';
COMMENT ON COLUMN replay_shift.chosen_at IS 'when it was chosen';
