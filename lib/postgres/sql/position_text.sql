-- A record as the commands name it.
CREATE OR REPLACE FUNCTION position_text(topic text, partition integer, "offset" bigint, incarnation integer) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT topic || '-' || partition || '@' || "offset" || CASE WHEN incarnation > 0 THEN '#' || incarnation ELSE '' END
$$;

COMMENT ON FUNCTION position_text IS 'A record as the commands name it: topic-partition@offset, with #incarnation where that is not 0';

GRANT EXECUTE ON FUNCTION position_text TO smartgrid_read;
