-- Tables whose rows go with those of ended tasks are cleaned as early as that of the tasks.
ALTER TABLE taskdeck.notices SET (autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE taskdeck.questions SET (autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE taskdeck.dependencies SET (autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE taskdeck.task_files SET (autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE taskdeck.files SET (autovacuum_vacuum_scale_factor = 0.02);
-- The minutes of the charts are written anew each time something is folded into them, twice a second.
ALTER TABLE taskdeck.rollups SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_cost_delay = 0);
