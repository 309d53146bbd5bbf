-- Which log a ledger entry is of. The sweeper asks Kafka's metadata for the cluster's and the topic's id and the leader for
-- its epochs (lib/core/log-identity.ts decides); these two write down what it saw. Both do nothing where another sweep has
-- written since the entry was read: seen_version is its observed_at of then.
CREATE OR REPLACE FUNCTION log_name(cluster_id text, topic_id text, leader_epoch integer) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT concat_ws(', ', 'cluster ' || cluster_id, 'topic ' || topic_id, 'epoch ' || leader_epoch)
$$;

COMMENT ON FUNCTION log_name IS 'A log as log_break names it';
