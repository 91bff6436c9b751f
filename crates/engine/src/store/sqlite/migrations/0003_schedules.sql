-- Rules that start tasks at certain times. `spec` is what a person or the program wrote (JSON of ScheduleSpec), `actor`
-- on whose behalf tasks are started (JSON of Actor). source: 0 code, 1 made.
CREATE TABLE schedules (
    name         TEXT    PRIMARY KEY,
    spec         TEXT    NOT NULL,
    source       INTEGER NOT NULL,
    actor        TEXT    NOT NULL,
    -- bumped by every write; a write names the version that it was decided from
    version      INTEGER NOT NULL,
    -- null while it is paused
    next_at      INTEGER,
    last_at      INTEGER,
    last_task    BLOB,
    created_at   INTEGER NOT NULL,
    paused_at    INTEGER,
    paused_by    TEXT,
    -- whether it was paused because it cannot start its task
    at_fault     INTEGER NOT NULL DEFAULT 0,
    pause_reason TEXT
) WITHOUT ROWID;

CREATE INDEX schedules_due ON schedules (next_at) WHERE next_at IS NOT NULL;
