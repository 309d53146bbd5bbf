-- What everything means, and in which unit: `\d+ TABLE` and `\df+` in psql show it. Here for the migrations before this
-- one; each later one comments what it brings beside its definition (tests/integration/store/comments.test.ts).

COMMENT ON TABLE sensor_aggregates_realtime IS 'Measured values by sensor and 5 minutes of event time: one row for each window, type and sensor';
COMMENT ON COLUMN sensor_aggregates_realtime.window_start IS 'start of the window of 5 minutes, UTC-aligned; the row''s window holds events from here on';
COMMENT ON COLUMN sensor_aggregates_realtime.window_end IS 'end of the window; an event at this instant belongs to the next one';
COMMENT ON COLUMN sensor_aggregates_realtime.sensor_type IS 'what is measured: voltage, current, power, frequency or another';
COMMENT ON COLUMN sensor_aggregates_realtime.sensor_id IS 'the sensor, as its events name it';
COMMENT ON COLUMN sensor_aggregates_realtime.avg_value IS 'average of the values, in the unit of its type: voltage V, current A, power W, frequency Hz; null without events';
COMMENT ON COLUMN sensor_aggregates_realtime.min_value IS 'smallest value, in the unit of its type: voltage V, current A, power W, frequency Hz; null without events';
COMMENT ON COLUMN sensor_aggregates_realtime.max_value IS 'largest value, in the unit of its type: voltage V, current A, power W, frequency Hz; null without events';
COMMENT ON COLUMN sensor_aggregates_realtime.count IS 'how many events the row holds; 0 where an amendment has removed all of them';
COMMENT ON COLUMN sensor_aggregates_realtime.stddev_value IS 'sample standard deviation of the values, in the unit of its type: voltage V, current A, power W, frequency Hz; null below two events';
COMMENT ON COLUMN sensor_aggregates_realtime.created_at IS 'when the first event of the window was counted';
COMMENT ON COLUMN sensor_aggregates_realtime.sum_value IS 'exact sum of the values, in the unit of its type: voltage V, current A, power W, frequency Hz: add these up, not the averages';
COMMENT ON COLUMN sensor_aggregates_realtime.sum_squares IS 'exact sum of the squared values, in the square of that unit';
COMMENT ON COLUMN sensor_aggregates_realtime.state IS 'open: events may still come; final: the watermark has passed the window, and only an amendment changes the row';
COMMENT ON COLUMN sensor_aggregates_realtime.revision IS '0 while open, 1 when first final, then one more for each amendment';
COMMENT ON COLUMN sensor_aggregates_realtime.finalized_at IS 'when the row became final; null while open';
COMMENT ON COLUMN sensor_aggregates_realtime.updated_at IS 'when the row was last written: the start of that transaction';

COMMENT ON TABLE consumption_aggregates_realtime IS 'Energy by customer and hour of event time: one row for each window and customer, over all of the customer''s meters';
COMMENT ON COLUMN consumption_aggregates_realtime.window_start IS 'start of the window of 1 hour, UTC-aligned; the row''s window holds events from here on';
COMMENT ON COLUMN consumption_aggregates_realtime.window_end IS 'end of the window; an event at this instant belongs to the next one';
COMMENT ON COLUMN consumption_aggregates_realtime.customer_id IS 'the customer, as the readings name it';
COMMENT ON COLUMN consumption_aggregates_realtime.total_consumption IS 'exact sum of the readings, kWh';
COMMENT ON COLUMN consumption_aggregates_realtime.avg_consumption IS 'kWh per reading; null without readings';
COMMENT ON COLUMN consumption_aggregates_realtime.reading_count IS 'how many readings the row holds; 0 where an amendment has removed all of them';
COMMENT ON COLUMN consumption_aggregates_realtime.created_at IS 'when the first event of the window was counted';
COMMENT ON COLUMN consumption_aggregates_realtime.state IS 'open: events may still come; final: the watermark has passed the window, and only an amendment changes the row';
COMMENT ON COLUMN consumption_aggregates_realtime.revision IS '0 while open, 1 when first final, then one more for each amendment';
COMMENT ON COLUMN consumption_aggregates_realtime.finalized_at IS 'when the row became final; null while open';
COMMENT ON COLUMN consumption_aggregates_realtime.updated_at IS 'when the row was last written: the start of that transaction';

COMMENT ON TABLE weather_aggregates_realtime IS 'Weather by hour of event time: one row for each window';
COMMENT ON COLUMN weather_aggregates_realtime.window_start IS 'start of the window of 1 hour, UTC-aligned; the row''s window holds events from here on';
COMMENT ON COLUMN weather_aggregates_realtime.window_end IS 'end of the window; an event at this instant belongs to the next one';
COMMENT ON COLUMN weather_aggregates_realtime.avg_temperature IS 'average temperature, °C';
COMMENT ON COLUMN weather_aggregates_realtime.avg_humidity IS 'average relative humidity, %';
COMMENT ON COLUMN weather_aggregates_realtime.avg_pressure IS 'average air pressure, hPa';
COMMENT ON COLUMN weather_aggregates_realtime.avg_wind_speed IS 'average wind speed, m/s';
COMMENT ON COLUMN weather_aggregates_realtime.weather_condition IS 'the condition that held in most events; a tie goes to the one that matters more to a grid';
COMMENT ON COLUMN weather_aggregates_realtime.event_count IS 'how many events the row holds';
COMMENT ON COLUMN weather_aggregates_realtime.sum_temperature IS 'exact sum of the temperatures, °C';
COMMENT ON COLUMN weather_aggregates_realtime.sum_humidity IS 'exact sum of the humidities, %';
COMMENT ON COLUMN weather_aggregates_realtime.sum_pressure IS 'exact sum of the pressures, hPa';
COMMENT ON COLUMN weather_aggregates_realtime.sum_wind_speed IS 'exact sum of the wind speeds, m/s';
COMMENT ON COLUMN weather_aggregates_realtime.condition_counts IS 'how many events had each condition, as a JSON object';
COMMENT ON COLUMN weather_aggregates_realtime.created_at IS 'when the first event of the window was counted';
COMMENT ON COLUMN weather_aggregates_realtime.state IS 'open: events may still come; final: the watermark has passed the window, and only an amendment changes the row';
COMMENT ON COLUMN weather_aggregates_realtime.revision IS '0 while open, 1 when first final, then one more for each amendment';
COMMENT ON COLUMN weather_aggregates_realtime.finalized_at IS 'when the row became final; null while open';
COMMENT ON COLUMN weather_aggregates_realtime.updated_at IS 'when the row was last written: the start of that transaction';

COMMENT ON TABLE sensor_aggregates_history IS 'Earlier revisions of final rows of sensor_aggregates_realtime, kept by a trigger and never deleted';
COMMENT ON COLUMN sensor_aggregates_history.revision IS 'which revision of the row this was';
COMMENT ON COLUMN sensor_aggregates_history.replaced_at IS 'when the next revision took its place';
COMMENT ON COLUMN sensor_aggregates_history.replaced_because IS 'why: topic-partition:{[from,to)} offsets of late events, or the amendment''s number and reason';

COMMENT ON TABLE consumption_aggregates_history IS 'Earlier revisions of final rows of consumption_aggregates_realtime, kept by a trigger and never deleted';
COMMENT ON COLUMN consumption_aggregates_history.revision IS 'which revision of the row this was';
COMMENT ON COLUMN consumption_aggregates_history.replaced_at IS 'when the next revision took its place';
COMMENT ON COLUMN consumption_aggregates_history.replaced_because IS 'why: topic-partition:{[from,to)} offsets of late events, or the amendment''s number and reason';

COMMENT ON TABLE weather_aggregates_history IS 'Earlier revisions of final rows of weather_aggregates_realtime, kept by a trigger and never deleted';
COMMENT ON COLUMN weather_aggregates_history.revision IS 'which revision of the row this was';
COMMENT ON COLUMN weather_aggregates_history.replaced_at IS 'when the next revision took its place';
COMMENT ON COLUMN weather_aggregates_history.replaced_because IS 'why: topic-partition:{[from,to)} offsets of late events, or the amendment''s number and reason';

COMMENT ON TABLE ledger IS 'Which offsets have been applied, and what became of their records. counted + quarantined + too_late + duplicates + conflicts = records';
COMMENT ON COLUMN ledger.id IS 'the entry in few bytes, for seen_event and conflict';
COMMENT ON COLUMN ledger.source IS 'the cluster: its ARN, or the bootstrap brokers of one that has none';
COMMENT ON COLUMN ledger.topic IS 'the Kafka topic';
COMMENT ON COLUMN ledger.partition IS 'the partition within the topic';
COMMENT ON COLUMN ledger.incarnation IS '0 for the first log under this topic''s name, one more for each log that took its place';
COMMENT ON COLUMN ledger.applied IS 'the offsets that are settled; offsets that hold no record (transaction markers, compaction) among them';
COMMENT ON COLUMN ledger.inherited IS 'those of applied that the entry before, or one of another source, has settled: their quarantined and other records are listed there';
COMMENT ON COLUMN ledger.records IS 'how many records were applied';
COMMENT ON COLUMN ledger.counted IS 'records that are in the rows of their windows';
COMMENT ON COLUMN ledger.quarantined IS 'records that are no valid event: see quarantine';
COMMENT ON COLUMN ledger.too_late IS 'valid events for windows beyond the amendment horizon: see too_late';
COMMENT ON COLUMN ledger.duplicates IS 'retries of a producer: same identity and same content as a counted event';
COMMENT ON COLUMN ledger.conflicts IS 'same identity as a counted event, but other content: see conflict';
COMMENT ON COLUMN ledger.conflicts_forgotten IS 'of conflicts: how many retention has deleted since';
COMMENT ON COLUMN ledger.doubtful IS 'of the counted ones: with a value that is likely to be another unit: see doubtful';
COMMENT ON COLUMN ledger.late IS 'of the counted ones: came for a final window and amended it';
COMMENT ON COLUMN ledger.max_event_time IS 'latest event time, of events that were not too late';
COMMENT ON COLUMN ledger.advanced_at IS 'when max_event_time last grew';
COMMENT ON COLUMN ledger.cluster_id IS 'the cluster''s id by Kafka''s metadata; null until the sweeper has asked';
COMMENT ON COLUMN ledger.topic_id IS 'the topic''s id by Kafka''s metadata; null as well where the broker knows topics by name only';
COMMENT ON COLUMN ledger.leader_epoch IS 'the leader epoch in which the log was last seen';
COMMENT ON COLUMN ledger.epoch_since IS 'when that epoch was first seen';
COMMENT ON COLUMN ledger.broker_end IS 'where the log ended when it was last seen';
COMMENT ON COLUMN ledger.observed_at IS 'when the sweeper last saw the log';
COMMENT ON COLUMN ledger.acknowledged IS 'offsets that are lost for good, by retention, and of which an operator has taken note';
COMMENT ON COLUMN ledger.created_at IS 'when the entry was begun';
COMMENT ON COLUMN ledger.updated_at IS 'when new offsets were last applied';
COMMENT ON COLUMN ledger.quarantine_forgotten IS 'of quarantined: how many retention has deleted since';

COMMENT ON TABLE quarantine IS 'Records that are no valid event, as they came, and what became of them. For people: quarantine_readable';
COMMENT ON COLUMN quarantine.source IS 'the cluster: its ARN, or the bootstrap brokers of one that has none';
COMMENT ON COLUMN quarantine.topic IS 'the Kafka topic';
COMMENT ON COLUMN quarantine.partition IS 'the partition within the topic';
COMMENT ON COLUMN quarantine.incarnation IS '0 for the first log under this topic''s name, one more for each log that took its place';
COMMENT ON COLUMN quarantine."offset" IS 'where the record stands in the log';
COMMENT ON COLUMN quarantine.reason IS 'why the record was refused, as a code: docs/quarantine.md';
COMMENT ON COLUMN quarantine.field IS 'the field that is to blame; null where it is the value as a whole';
COMMENT ON COLUMN quarantine.value IS 'the record''s value as it came; null for a record without a value';
COMMENT ON COLUMN quarantine.quarantined_at IS 'when it was refused';
COMMENT ON COLUMN quarantine.resolution IS 'replayed or discarded; null while unresolved';
COMMENT ON COLUMN quarantine.outcome IS 'what became of the replay: counted, duplicate, conflict, too_late, or applied_before';
COMMENT ON COLUMN quarantine.resolved_at IS 'when it was replayed or discarded';
COMMENT ON COLUMN quarantine.resolved_by IS 'who decided that';
COMMENT ON COLUMN quarantine.note IS 'why, in the decider''s words';
COMMENT ON COLUMN quarantine.edited_value IS 'what was replayed instead of value; null where it was replayed as it came';
COMMENT ON COLUMN quarantine.attempts IS 'how many replays were refused again';
COMMENT ON COLUMN quarantine.attempted_at IS 'when the last of them was';
COMMENT ON COLUMN quarantine.attempted_by IS 'who tried it';
COMMENT ON COLUMN quarantine.last_reason IS 'why it was refused, as a code';
COMMENT ON COLUMN quarantine.last_field IS 'the field that was to blame then';

COMMENT ON VIEW quarantine_readable IS 'The table quarantine with text instead of bytes and reasons in words';
COMMENT ON COLUMN quarantine_readable."position" IS 'the record as the commands name it: topic-partition@offset, with #incarnation where that is not 0';
COMMENT ON COLUMN quarantine_readable.reason_in_words IS 'the reason as a sentence';
COMMENT ON COLUMN quarantine_readable.value IS 'the record''s value as text; null for a record without a value';
COMMENT ON COLUMN quarantine_readable.value_encoding IS 'utf8: the value is the text; escape: its bytes are not UTF-8, decode(value, ''escape'') gives them';
COMMENT ON COLUMN quarantine_readable.resolution IS 'unresolved, replayed or discarded';
COMMENT ON COLUMN quarantine_readable.edited_value IS 'what was replayed instead of value, as text';
COMMENT ON COLUMN quarantine_readable.edited_value_encoding IS 'utf8 or escape, as for value_encoding';

COMMENT ON TABLE too_late IS 'Valid events for windows beyond the amendment horizon, as they came; they are not counted. For people: too_late_readable';
COMMENT ON COLUMN too_late.source IS 'the cluster: its ARN, or the bootstrap brokers of one that has none';
COMMENT ON COLUMN too_late.topic IS 'the Kafka topic';
COMMENT ON COLUMN too_late.partition IS 'the partition within the topic';
COMMENT ON COLUMN too_late.incarnation IS '0 for the first log under this topic''s name, one more for each log that took its place';
COMMENT ON COLUMN too_late."offset" IS 'where the record stands in the log';
COMMENT ON COLUMN too_late.event_time IS 'the event''s own time';
COMMENT ON COLUMN too_late.value IS 'the record''s value as it came';
COMMENT ON COLUMN too_late.recorded_at IS 'when it was put here';

COMMENT ON VIEW too_late_readable IS 'The table too_late with text instead of bytes';
COMMENT ON COLUMN too_late_readable."position" IS 'the record as the commands name it: topic-partition@offset, with #incarnation where that is not 0';
COMMENT ON COLUMN too_late_readable.value IS 'the record''s value as text';
COMMENT ON COLUMN too_late_readable.value_encoding IS 'utf8 or escape, as in quarantine_readable';

COMMENT ON TABLE conflict IS 'Events whose identity had been counted with other content: the first counts, the other is kept here and not counted';
COMMENT ON COLUMN conflict.id IS 'in the order in which they were found';
COMMENT ON COLUMN conflict.stream IS 'sensor, consumption or weather';
COMMENT ON COLUMN conflict.event_key IS 'the identity of both events, as in seen_event';
COMMENT ON COLUMN conflict.log_id IS 'ledger.id of the log where the event stands that was not counted';
COMMENT ON COLUMN conflict."offset" IS 'its offset there';
COMMENT ON COLUMN conflict.event_time IS 'its event time';
COMMENT ON COLUMN conflict.value IS 'its record''s value';
COMMENT ON COLUMN conflict.first_log_id IS 'ledger.id of the log where the event stands that was counted';
COMMENT ON COLUMN conflict.first_offset IS 'its offset there';
COMMENT ON COLUMN conflict.first_value IS 'its record''s value; null until the sweeper has read it from the topic, and where it was gone by then';
COMMENT ON COLUMN conflict.first_gone IS 'whether the topic no longer held it';
COMMENT ON COLUMN conflict.recorded_at IS 'when the conflict was found';
COMMENT ON COLUMN conflict.dismissed_at IS 'when somebody decided that what is counted stays; null where nobody has';
COMMENT ON COLUMN conflict.dismissed_by IS 'who decided it';
COMMENT ON COLUMN conflict.dismissed_note IS 'and why';

COMMENT ON TABLE doubtful IS 'Values of counted events that break no rule and are likely to be another unit. For people: doubtful_readable';
COMMENT ON COLUMN doubtful.stream IS 'sensor, consumption or weather';
COMMENT ON COLUMN doubtful.log_id IS 'ledger.id of the log where the event stands';
COMMENT ON COLUMN doubtful."offset" IS 'its offset there';
COMMENT ON COLUMN doubtful.field IS 'the field of the event';
COMMENT ON COLUMN doubtful.value IS 'its value as it was counted, in the unit that the field should have: temperature °C, humidity %, pressure hPa, wind_speed m/s, value of a frequency Hz';
COMMENT ON COLUMN doubtful.reason IS 'why it is doubted: docs/quarantine.md explains each';
COMMENT ON COLUMN doubtful.event_time IS 'the event''s own time';
COMMENT ON COLUMN doubtful.recorded_at IS 'when the event was counted';
COMMENT ON VIEW doubtful_readable IS 'The table doubtful with positions as the commands name them';
COMMENT ON COLUMN doubtful_readable.position IS 'topic-partition@offset, #incarnation where it is not the first';
COMMENT ON COLUMN doubtful_readable.stream IS 'sensor, consumption or weather';
COMMENT ON COLUMN doubtful_readable.event_time IS 'the event''s own time';
COMMENT ON COLUMN doubtful_readable.field IS 'the field of the event';
COMMENT ON COLUMN doubtful_readable.value IS 'its value as it was counted, in the unit that the field should have';
COMMENT ON COLUMN doubtful_readable.reason IS 'why it is doubted: docs/quarantine.md explains each';
COMMENT ON COLUMN doubtful_readable.recorded_at IS 'when the event was counted';
COMMENT ON COLUMN doubtful_readable.source IS 'the cluster: its ARN, or the bootstrap brokers of one that has none';
COMMENT ON COLUMN doubtful_readable.topic IS 'the Kafka topic';
COMMENT ON COLUMN doubtful_readable.partition IS 'the partition within the topic';
COMMENT ON COLUMN doubtful_readable.incarnation IS '0 for the first log under this topic''s name, one more for each log that took its place';
COMMENT ON COLUMN doubtful_readable."offset" IS 'where the record stands in the log';
COMMENT ON FUNCTION doubtful_events() IS 'Counted events with a doubtful value, by topic, of all time';
COMMENT ON FUNCTION forget_doubtful(interval, integer) IS 'Deletes doubtful values that are older than the retention, at most so many, and says how many; and hours of stations that were entered two days ago';
COMMENT ON TABLE weather_station_hour IS 'What each weather station has sent lately, by which its temperatures are doubted; kept for two days';
COMMENT ON COLUMN weather_station_hour.latitude IS 'degrees, rounded to 0.01';
COMMENT ON COLUMN weather_station_hour.longitude IS 'degrees, rounded to 0.01';
COMMENT ON COLUMN weather_station_hour.hour IS 'the hour of the event times, UTC';
COMMENT ON COLUMN weather_station_hour.readings IS 'how many temperatures it holds';
COMMENT ON COLUMN weather_station_hour.lowest IS 'the lowest of them, °C; one that was doubted as °F is taken as °F';
COMMENT ON COLUMN weather_station_hour.highest IS 'the highest of them, in the same way';
COMMENT ON COLUMN weather_station_hour.entered_at IS 'when its first event was counted';
COMMENT ON FUNCTION jumps_to_fahrenheit(numeric, bigint, numeric, numeric, boolean) IS 'Whether a temperature fits what its station sent in the 24 hours before as °F, and lies far above it as °C';
COMMENT ON FUNCTION doubt_by_history(jsonb, jsonb) IS 'Doubts the temperatures of a batch by their stations'' history, and enters them into it';

COMMENT ON TABLE seen_event IS 'Identities of counted events, so that a producer''s retry counts once; forgotten with the amendment horizon';
COMMENT ON COLUMN seen_event.stream IS 'sensor, consumption or weather';
COMMENT ON COLUMN seen_event.event_key IS 'first 128 bits of SHA-256 of the identity';
COMMENT ON COLUMN seen_event.event_time IS 'the event''s time';
COMMENT ON COLUMN seen_event.content IS '52 bits of SHA-256 of what was counted, which tells a retry from a conflict';
COMMENT ON COLUMN seen_event."offset" IS 'where the counted event stands';
COMMENT ON COLUMN seen_event.log_id IS 'in the log of this ledger.id';

COMMENT ON TABLE stream_state IS 'How far each stream has come';
COMMENT ON COLUMN stream_state.stream IS 'sensor, consumption or weather';
COMMENT ON COLUMN stream_state.watermark IS 'all windows that end at or before it are final; null until the stream has had an event';
COMMENT ON COLUMN stream_state.held_by IS 'the partition that keeps the watermark from going on; null for none';
COMMENT ON COLUMN stream_state.swept_at IS 'when a sweep of the stream last succeeded';
COMMENT ON COLUMN stream_state.moved_at IS 'when the watermark last moved';

COMMENT ON TABLE partition_progress IS 'What the sweeper last saw of each partition on the broker';
COMMENT ON COLUMN partition_progress.source IS 'the cluster: its ARN, or the bootstrap brokers of one that has none';
COMMENT ON COLUMN partition_progress.topic IS 'the Kafka topic';
COMMENT ON COLUMN partition_progress.partition IS 'the partition within the topic';
COMMENT ON COLUMN partition_progress.stream IS 'the stream that reads the topic';
COMMENT ON COLUMN partition_progress.first_offset IS 'first offset that the broker still has';
COMMENT ON COLUMN partition_progress.end_offset IS 'the offset that the next record will get';
COMMENT ON COLUMN partition_progress.lag IS 'records that wait on the broker and are not applied';
COMMENT ON COLUMN partition_progress.idle IS 'whether the partition is silent for so long that the watermark does not wait for it';
COMMENT ON COLUMN partition_progress.observed_since IS 'since when it has been watched without a break';
COMMENT ON COLUMN partition_progress.observed_at IS 'when the sweeper last looked';
COMMENT ON COLUMN partition_progress.committed_offset IS 'where the trigger''s consumer group goes on; null where it has committed nothing';
COMMENT ON COLUMN partition_progress.lost IS 'offsets that the trigger has passed, that are not counted, and that the broker still has: the sweeper delivers them again';
COMMENT ON COLUMN partition_progress.expired IS 'offsets that the trigger has passed and that retention removed before they were counted: lost for good';
COMMENT ON COLUMN partition_progress.lost_since IS 'since when something is lost, or the group is ahead of the log; null where all is well';
COMMENT ON COLUMN partition_progress.unasked IS 'offsets that the trigger has passed, that are not counted, and of which the broker was not asked yet: lost, or without a record';
COMMENT ON COLUMN partition_progress.lost_why IS 'why what is lost was not delivered again, and what to do; null where nothing is in the way';
COMMENT ON COLUMN partition_progress.lagging_since IS 'since when it has had a lag without a break; null without one';

COMMENT ON TABLE reported_trouble IS 'Trouble that has been logged as begun and not yet as ended; trouble() says what there is now';
COMMENT ON COLUMN reported_trouble.kind IS 'partition_stuck, sweeper_silent, watermark_held or another kind that trouble() names';
COMMENT ON COLUMN reported_trouble.place IS 'topic-partition, or the stream where no partition is to blame';
COMMENT ON COLUMN reported_trouble.since IS 'since when';
COMMENT ON COLUMN reported_trouble.why IS 'the cause, in words';
COMMENT ON COLUMN reported_trouble.reported_at IS 'when it was logged';

COMMENT ON TABLE amendment IS 'What people removed from the rows, corrected or gave back: one entry each, with who, when and why';
COMMENT ON COLUMN amendment.id IS 'the amendment''s number';
COMMENT ON COLUMN amendment.kind IS 'remove, correct or revert';
COMMENT ON COLUMN amendment.stream IS 'sensor or consumption';
COMMENT ON COLUMN amendment.topic IS 'the topic that the events were read from';
COMMENT ON COLUMN amendment.selector IS 'whose events: {"sensor", "type"}, {"meter"} or {"customer"}';
COMMENT ON COLUMN amendment.correction IS '{"multiply"} or {"unit"}; null for remove and revert';
COMMENT ON COLUMN amendment.span_from IS 'first event time';
COMMENT ON COLUMN amendment.span_to IS 'first event time after the span';
COMMENT ON COLUMN amendment.reverts IS 'the amendment that this one takes back';
COMMENT ON COLUMN amendment.reason IS 'why';
COMMENT ON COLUMN amendment.made_by IS 'who decided it';
COMMENT ON COLUMN amendment.made_at IS 'when';

COMMENT ON TABLE amendment_scope IS 'What the ledger had applied when an amendment was made: what comes later is not amended by it';
COMMENT ON COLUMN amendment_scope.amendment_id IS 'the amendment';
COMMENT ON COLUMN amendment_scope.source IS 'the cluster: its ARN, or the bootstrap brokers of one that has none';
COMMENT ON COLUMN amendment_scope.partition IS 'the partition within the topic';
COMMENT ON COLUMN amendment_scope.incarnation IS '0 for the first log under this topic''s name, one more for each log that took its place';
COMMENT ON COLUMN amendment_scope.applied IS 'the offsets that were settled then';

COMMENT ON TABLE amendment_row IS 'What an amendment changed, row by row';
COMMENT ON COLUMN amendment_row.amendment_id IS 'the amendment';
COMMENT ON COLUMN amendment_row.window_start IS 'start of the row''s window';
COMMENT ON COLUMN amendment_row.sensor_type IS 'the sensor''s type; empty for consumption';
COMMENT ON COLUMN amendment_row.key IS 'the row''s sensor_id or customer_id';
COMMENT ON COLUMN amendment_row.count_before IS 'events in the row before';
COMMENT ON COLUMN amendment_row.count_after IS 'events in the row after';
COMMENT ON COLUMN amendment_row.sum_before IS 'sum of the values before; of readings kWh';
COMMENT ON COLUMN amendment_row.sum_after IS 'sum of the values after; of readings kWh';
COMMENT ON COLUMN amendment_row.sum_squares_before IS 'sum of the squared values before; null for consumption';
COMMENT ON COLUMN amendment_row.sum_squares_after IS 'sum of the squared values after; null for consumption';
COMMENT ON COLUMN amendment_row.min_before IS 'smallest value before; null for consumption';
COMMENT ON COLUMN amendment_row.min_after IS 'smallest value after; null for consumption';
COMMENT ON COLUMN amendment_row.max_before IS 'largest value before; null for consumption';
COMMENT ON COLUMN amendment_row.max_after IS 'largest value after; null for consumption';

COMMENT ON VIEW sensor_amendments IS 'Every change of a final row of sensor_aggregates_realtime, old beside new';
COMMENT ON COLUMN sensor_amendments.revision IS 'the revision that the change made';
COMMENT ON COLUMN sensor_amendments.amended_at IS 'when';
COMMENT ON COLUMN sensor_amendments.because IS 'why: topic-partition:{[from,to)} offsets of late events, or the amendment''s number and reason';

COMMENT ON VIEW consumption_amendments IS 'Every change of a final row of consumption_aggregates_realtime, old beside new';
COMMENT ON COLUMN consumption_amendments.revision IS 'the revision that the change made';
COMMENT ON COLUMN consumption_amendments.amended_at IS 'when';
COMMENT ON COLUMN consumption_amendments.because IS 'why: topic-partition:{[from,to)} offsets of late events, or the amendment''s number and reason';

COMMENT ON VIEW weather_amendments IS 'Every change of a final row of weather_aggregates_realtime, old beside new';
COMMENT ON COLUMN weather_amendments.revision IS 'the revision that the change made';
COMMENT ON COLUMN weather_amendments.amended_at IS 'when';
COMMENT ON COLUMN weather_amendments.because IS 'why: topic-partition:{[from,to)} offsets of late events, or the amendment''s number and reason';

COMMENT ON TABLE schema_migration IS 'The files of infra/migrations that have been applied';
COMMENT ON COLUMN schema_migration.version IS 'the file''s number';
COMMENT ON COLUMN schema_migration.name IS 'the file''s name';
COMMENT ON COLUMN schema_migration.checksum IS 'SHA-256 of its text, hex';
COMMENT ON COLUMN schema_migration.applied_at IS 'when';

COMMENT ON FUNCTION offsets_in IS 'How many offsets ranges hold';
COMMENT ON FUNCTION ranges_text IS 'The first few of a list of ranges, and how many there are';
COMMENT ON FUNCTION instant IS 'An instant from µs since 1970';
COMMENT ON FUNCTION epoch_us IS 'µs since 1970 of an instant';
COMMENT ON FUNCTION dominant_condition IS 'The weather condition that held in most events; a tie goes to the one that matters more to a grid, then by the alphabet';
COMMENT ON FUNCTION merge_condition_counts IS 'Adds up how many events had each condition';
COMMENT ON FUNCTION keep_sensor_history IS 'Trigger: keeps the revision of a final row that is about to be replaced';
COMMENT ON FUNCTION keep_consumption_history IS 'Trigger: keeps the revision of a final row that is about to be replaced';
COMMENT ON FUNCTION keep_weather_history IS 'Trigger: keeps the revision of a final row that is about to be replaced';
COMMENT ON FUNCTION claim_batch IS 'The first half of a commit: enters a batch into the ledger, or says on which facts to fold it again';
COMMENT ON FUNCTION settle_late IS 'Ends a commit: notes how many counted events came for final windows';
COMMENT ON FUNCTION commit_sensor IS 'Commits the batch of a partition of the sensor stream: ledger, sums, quarantine and identities change together or not at all';
COMMENT ON FUNCTION commit_consumption IS 'Commits the batch of a partition of the consumption stream: ledger, sums, quarantine and identities change together or not at all';
COMMENT ON FUNCTION commit_weather IS 'Commits the batch of a partition of the weather stream: ledger, sums, quarantine and identities change together or not at all';
COMMENT ON FUNCTION finalise_sensor IS 'Makes up to so many open rows final whose window the watermark has passed; returns how many';
COMMENT ON FUNCTION finalise_consumption IS 'Makes up to so many open rows final whose window the watermark has passed; returns how many';
COMMENT ON FUNCTION finalise_weather IS 'Makes up to so many open rows final whose window the watermark has passed; returns how many';
COMMENT ON FUNCTION present_progress IS 'partition_progress without the rows of sources and topics that a stream was read from before';
COMMENT ON FUNCTION trouble IS 'What does not go on: which, since when and why. stuck_after: how long is too long; idle_after: when a silent partition is let go';
COMMENT ON FUNCTION forget_quarantine IS 'Deletes up to so many quarantined records whose retention has passed; returns how many were resolved and unresolved';
COMMENT ON FUNCTION settle_holes IS 'Enters offsets that hold no record into a partition''s ledger';
COMMENT ON FUNCTION readable_bytes IS 'Bytes as text: as they are where they are UTF-8 (utf8), else with octal escapes (escape)';
COMMENT ON FUNCTION position_text IS 'A record as the commands name it: topic-partition@offset, with #incarnation where that is not 0';
COMMENT ON FUNCTION reason_in_words IS 'A reason of quarantine as a sentence';
COMMENT ON FUNCTION enter_amendment IS 'Writes an amendment''s entry and its scope; returns its number';
COMMENT ON FUNCTION amendment_summary IS 'An amendment''s number, how many rows it changed, and their events before and after';
COMMENT ON FUNCTION change_sensor_rows IS 'Brings the rows of sensors to what an amendment''s entry says';
COMMENT ON FUNCTION change_consumption_rows IS 'Brings the rows of consumption to what an amendment''s entry says';
COMMENT ON FUNCTION amend_sensor IS 'Amends rows of sensors, provided that they still hold what the caller folded';
COMMENT ON FUNCTION amend_consumption IS 'Amends rows of consumption, provided that they still hold what the caller folded';
COMMENT ON FUNCTION empty_windows IS 'Amends whole windows to hold nothing of a sensor or customer, without reading events';
COMMENT ON FUNCTION extreme_taken_back IS 'The smallest or largest value without an amendment, or null where it cannot be told';
COMMENT ON FUNCTION revert_amendment IS 'Reverts an amendment by the differences that it made, or says why that takes the events';

-- A copy of a column means what the column means.
DO $$
DECLARE
  comment_on text;
BEGIN
  FOR comment_on IN
    SELECT format('COMMENT ON COLUMN %s.%I IS %L', copy.attrelid::regclass, copy.attname,
      concat(c.lead, col_description(original.attrelid, original.attnum)))
    FROM (VALUES
      ('sensor_aggregates_history', 'sensor_aggregates_realtime', '', ''),
      ('consumption_aggregates_history', 'consumption_aggregates_realtime', '', ''),
      ('weather_aggregates_history', 'weather_aggregates_realtime', '', ''),
      ('quarantine_readable', 'quarantine', '', ''),
      ('too_late_readable', 'too_late', '', ''),
      ('sensor_amendments', 'sensor_aggregates_realtime', '', ''),
      ('sensor_amendments', 'sensor_aggregates_realtime', 'old_', 'before: '),
      ('sensor_amendments', 'sensor_aggregates_realtime', 'new_', 'after: '),
      ('consumption_amendments', 'consumption_aggregates_realtime', '', ''),
      ('consumption_amendments', 'consumption_aggregates_realtime', 'old_', 'before: '),
      ('consumption_amendments', 'consumption_aggregates_realtime', 'new_', 'after: '),
      ('weather_amendments', 'weather_aggregates_realtime', '', ''),
      ('weather_amendments', 'weather_aggregates_realtime', 'old_', 'before: '),
      ('weather_amendments', 'weather_aggregates_realtime', 'new_', 'after: ')
    ) AS c(copy, original, prefix, lead)
    JOIN pg_attribute AS copy ON copy.attrelid = c.copy::regclass AND copy.attnum > 0
    JOIN pg_attribute AS original ON original.attrelid = c.original::regclass AND original.attnum > 0
      AND copy.attname = c.prefix || original.attname
    WHERE col_description(copy.attrelid, copy.attnum) IS NULL
  LOOP
    EXECUTE comment_on;
  END LOOP;
END $$;

COMMENT ON TABLE ledger_tail IS 'Batches that were applied since the sweeper last saw their log, by which it tells a log that was cut since';
COMMENT ON COLUMN ledger_tail.id IS 'in the order of the commits';
COMMENT ON COLUMN ledger_tail.source IS 'the cluster, as in ledger';
COMMENT ON COLUMN ledger_tail.topic IS 'the Kafka topic';
COMMENT ON COLUMN ledger_tail.partition IS 'the partition within the topic';
COMMENT ON COLUMN ledger_tail.incarnation IS 'the log, as in ledger';
COMMENT ON COLUMN ledger_tail.offsets IS 'the offsets that the batch has added';
COMMENT ON COLUMN ledger_tail.last_offset IS 'the last record of the batch as it was delivered';
COMMENT ON COLUMN ledger_tail.digest IS 'of that record: 128 bits of SHA-256';
COMMENT ON TABLE log_break IS 'Where another log stood under a partition''s name than before, or its own log had been cut';
COMMENT ON COLUMN log_break.id IS 'in the order of finding';
COMMENT ON COLUMN log_break.source IS 'the cluster, as in ledger';
COMMENT ON COLUMN log_break.topic IS 'the Kafka topic';
COMMENT ON COLUMN log_break.partition IS 'the partition within the topic';
COMMENT ON COLUMN log_break.incarnation IS 'the ledger entry that goes on from here';
COMMENT ON COLUMN log_break.kind IS 'truncated, created_again, another_cluster or renamed: docs/runbook.md, log-broken';
COMMENT ON COLUMN log_break.from_offset IS 'truncated: first offset that was lost; renamed: first one that was counted under both names';
COMMENT ON COLUMN log_break.to_offset IS 'offset after the last of these';
COMMENT ON COLUMN log_break.counted_offsets IS 'how many of the offsets that are gone had been applied; renamed: were counted under both names';
COMMENT ON COLUMN log_break.before IS 'cluster, topic and epoch until then; renamed: the source';
COMMENT ON COLUMN log_break.after IS 'the same from then on';
COMMENT ON COLUMN log_break.found_at IS 'when the sweeper found it';
COMMENT ON COLUMN log_break.acknowledged_at IS 'when somebody took note of it, which ends the trouble';
COMMENT ON COLUMN log_break.acknowledged_by IS 'who that was';
