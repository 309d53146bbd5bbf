-- An extreme value with an amendment taken back: the values before and after it, and the present one, which events
-- that came since are part of. Null where it cannot be told from these three, and where there is no value.
-- sign: 1 for a minimum, -1 for a maximum.
CREATE OR REPLACE FUNCTION extreme_taken_back(sign integer, before numeric, after numeric, present numeric, came_since boolean)
RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE
    WHEN NOT came_since THEN before
    WHEN after IS NULL OR sign * before <= sign * after THEN sign * least(sign * before, sign * present)
    WHEN sign * present < sign * after THEN present
  END
$$;

COMMENT ON FUNCTION extreme_taken_back IS 'The smallest or largest value without an amendment, or null where it cannot be told';
