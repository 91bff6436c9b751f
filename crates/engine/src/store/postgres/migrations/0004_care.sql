-- A lane of the claims is a queue, a kind and a version of it: while a new version is brought out, workers of the old one
-- step over what is queued for the new one, and do not walk it.
DROP INDEX taskdeck.tasks_ready;
CREATE INDEX tasks_ready ON taskdeck.tasks (queue, kind, kind_version, ahead DESC, priority DESC, id)
    WHERE queued_at IS NOT NULL;

-- A batch goes with the last of its tasks; those that are empty already go now.
DELETE FROM taskdeck.batch_counts WHERE n = 0;
DELETE FROM taskdeck.batches b WHERE NOT EXISTS (SELECT 1 FROM taskdeck.tasks t WHERE t.batch = b.id);

-- What is written and taken away all the time is cleaned by what it leaves, not by its share of a table that is nearly
-- empty, or large.
ALTER TABLE taskdeck.count_deltas SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
    autovacuum_vacuum_insert_threshold = -1, autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 100000);
ALTER TABLE taskdeck.batch_deltas SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
    autovacuum_vacuum_insert_threshold = -1, autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 100000);
ALTER TABLE taskdeck.rollup_deltas SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
    autovacuum_vacuum_insert_threshold = -1, autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 100000);
ALTER TABLE taskdeck.live SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_cost_delay = 0);
ALTER TABLE taskdeck.payloads SET (autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE taskdeck.attempts SET (autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE taskdeck.log_chunks SET (autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE taskdeck.file_chunks SET (autovacuum_vacuum_scale_factor = 0.02);
