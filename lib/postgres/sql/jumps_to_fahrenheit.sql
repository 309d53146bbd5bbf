-- Whether a temperature is °F by what its station has sent in the 24 hours before: at least two readings, between lowest and
-- highest. As °C it lies 10 °C or more above the highest; as °F within 10 °C of them, or, where the station has been silent for
-- two hours, within 5 °C. One expression, so that PostgreSQL takes it into the caller's. Weather does not do that: in 29 years of stations' temperatures none was more than 5.6 °C above
-- the highest of the 24 hours before, and a number of °F is 18 or more above that of °C, wherever it is positive (decision 17).
CREATE OR REPLACE FUNCTION jumps_to_fahrenheit(celsius numeric, readings bigint, lowest numeric, highest numeric, silent boolean)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT readings >= 2 AND celsius >= highest + 10
    AND (celsius - 32) / 1.8 BETWEEN lowest - CASE WHEN silent THEN 5 ELSE 10 END
      AND highest + CASE WHEN silent THEN 5 ELSE 10 END
$$;

COMMENT ON FUNCTION jumps_to_fahrenheit(numeric, bigint, numeric, numeric, boolean) IS 'Whether a temperature fits what its station sent in the 24 hours before as °F, and lies far above it as °C';
