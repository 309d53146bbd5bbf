-- Who may do what. The migrating user owns everything; each kind of function is a member of one of these roles and
-- may do nothing else. Ingest may do exactly one thing: call the commit functions, which run as their owner.
-- Roles belong to the cluster, not to this database: they may be there already, or be made by another database's
-- migration at this very moment.
DO $$
DECLARE
  wanted text;
BEGIN
  FOREACH wanted IN ARRAY ARRAY['smartgrid_api', 'smartgrid_ingest', 'smartgrid_read', 'smartgrid_sweep'] LOOP
    CONTINUE WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = wanted);
    BEGIN
      EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
    EXCEPTION
      WHEN duplicate_object OR unique_violation THEN
        NULL; -- made in the meantime by the migration of another database
      WHEN insufficient_privilege THEN
        RAISE EXCEPTION '% may not make the role %: let an administrator run CREATE ROLE smartgrid_api NOLOGIN; CREATE ROLE smartgrid_ingest NOLOGIN; CREATE ROLE smartgrid_read NOLOGIN; CREATE ROLE smartgrid_sweep NOLOGIN; and migrate again', current_user, wanted;
    END;
  END LOOP;
END $$;

-- What is not granted is refused.
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

DO $$
BEGIN
  EXECUTE format('GRANT USAGE ON SCHEMA %I TO smartgrid_api, smartgrid_ingest, smartgrid_read, smartgrid_sweep',
    current_schema());
END $$;

COMMENT ON TABLE schema_migration IS 'The files of lib/postgres/migrations that have been applied';
COMMENT ON COLUMN schema_migration.version IS 'the file''s number';
COMMENT ON COLUMN schema_migration.name IS 'the file''s name';
COMMENT ON COLUMN schema_migration.checksum IS 'SHA-256 of its text, hex';
COMMENT ON COLUMN schema_migration.applied_at IS 'when';
COMMENT ON TABLE schema_source IS 'The files of lib/postgres/sql as they were last applied';
COMMENT ON COLUMN schema_source.name IS 'the function or view, and its file''s name';
COMMENT ON COLUMN schema_source.checksum IS 'SHA-256 of the file, in hexadecimal';
COMMENT ON COLUMN schema_source.applied_at IS 'when';
