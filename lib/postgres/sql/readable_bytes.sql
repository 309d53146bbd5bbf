-- As lib/quarantine/readable.ts: text where the bytes are UTF-8 without control characters other than tab and line ends and
-- without signs that turn the direction of text (encoding: utf8), else with each byte that is not printable ASCII as a
-- backslash and three octal digits (encoding: escape), which decode(text, 'escape') takes back.
CREATE OR REPLACE FUNCTION readable_bytes(bytes bytea, OUT shown text, OUT encoding text) STRICT IMMUTABLE LANGUAGE plpgsql AS $$
DECLARE
  code integer;
BEGIN
  BEGIN
    shown := convert_from(bytes, 'UTF8');
  EXCEPTION WHEN character_not_in_repertoire OR untranslatable_character THEN
    shown := NULL;
  END;
  encoding := 'utf8';
  IF shown IS NULL
    OR shown ~ '[\u0001-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]'
  THEN
    encoding := 'escape';
    shown := encode(bytes, 'escape'); -- of control characters it escapes NUL only
    FOR code IN SELECT generate_series(1, 31) UNION SELECT 127 LOOP
      shown := replace(shown, chr(code), '\' || code / 64 || code / 8 % 8 || code % 8);
    END LOOP;
  END IF;
END $$;

COMMENT ON FUNCTION readable_bytes IS 'Bytes as text: as they are where they are UTF-8 (utf8), else with octal escapes (escape)';

GRANT EXECUTE ON FUNCTION readable_bytes TO smartgrid_read;
