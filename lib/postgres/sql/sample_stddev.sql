-- Sample standard deviation from sums: sqrt((n Σx² − (Σx)²) / (n (n − 1))).
CREATE OR REPLACE FUNCTION sample_stddev(n bigint, sum numeric, sum_squares numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN n > 1 THEN sqrt((n * sum_squares - sum * sum) / (n::numeric * (n - 1))) END
$$;

COMMENT ON FUNCTION sample_stddev IS 'Sample standard deviation of n values from their sum and the sum of their squares; null below two';

GRANT EXECUTE ON FUNCTION sample_stddev TO smartgrid_api, smartgrid_read;
