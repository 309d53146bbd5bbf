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

-- Whatever is not granted is refused, for the functions of later migrations as well.
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION dominant_condition, merge_condition_counts, keep_sensor_history, keep_consumption_history,
  keep_weather_history, offsets_in, instant, epoch_us, claim_batch, settle_late, jumps_to_fahrenheit,
  doubt_by_history, commit_sensor, commit_consumption,
  commit_weather, finalise_sensor, finalise_consumption, finalise_weather, settle_holes FROM PUBLIC;

-- What runs with its owner's rights names its schemas itself: the caller's search path must not choose for it.
CREATE PROCEDURE run_as_owner(VARIADIC functions regproc[]) LANGUAGE plpgsql AS $$
DECLARE
  one regproc;
BEGIN
  FOREACH one IN ARRAY functions LOOP
    EXECUTE format('ALTER FUNCTION %s SECURITY DEFINER SET search_path = pg_catalog, %I, pg_temp', one, current_schema());
  END LOOP;
END $$;
COMMENT ON PROCEDURE run_as_owner IS 'Lets functions run with their owner''s rights, in this schema; for migrations';

CALL run_as_owner('commit_sensor', 'commit_consumption', 'commit_weather', 'finalise_sensor', 'finalise_consumption',
  'finalise_weather', 'settle_holes');
GRANT EXECUTE ON FUNCTION commit_sensor, commit_consumption, commit_weather TO smartgrid_ingest, smartgrid_sweep;
GRANT EXECUTE ON FUNCTION finalise_sensor, finalise_consumption, finalise_weather, settle_holes TO smartgrid_sweep;

DO $$
BEGIN
  EXECUTE format('GRANT USAGE ON SCHEMA %I TO smartgrid_api, smartgrid_ingest, smartgrid_read, smartgrid_sweep',
    current_schema());
END $$;

-- sweep: observes partitions, moves watermarks on, starts incarnations, forgets identities, and commits again what the
-- trigger has passed and the ledger does not hold; it reads no sums and no raw records.
GRANT EXECUTE ON FUNCTION offsets_in(int8multirange) TO smartgrid_sweep, smartgrid_api, smartgrid_read;
GRANT EXECUTE ON FUNCTION instant(bigint), epoch_us(timestamptz) TO smartgrid_sweep, smartgrid_read;
GRANT SELECT ON ledger, partition_progress, stream_state TO smartgrid_sweep;
GRANT INSERT, UPDATE ON partition_progress TO smartgrid_sweep;
GRANT UPDATE (watermark, held_by, swept_at) ON stream_state TO smartgrid_sweep;
GRANT SELECT (stream, event_time), DELETE ON seen_event TO smartgrid_sweep;

-- api: what is shown to whoever asks over HTTP.
GRANT SELECT ON sensor_aggregates_realtime, consumption_aggregates_realtime, weather_aggregates_realtime,
  partition_progress, stream_state TO smartgrid_api;

-- read: everything that people and the audit look at; identities of events are nobody's business.
GRANT SELECT ON sensor_aggregates_realtime, consumption_aggregates_realtime, weather_aggregates_realtime,
  sensor_aggregates_history, consumption_aggregates_history, weather_aggregates_history,
  ledger, quarantine, too_late, conflict, doubtful, weather_station_hour, partition_progress, stream_state TO smartgrid_read;
