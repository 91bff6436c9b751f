-- What the whole engine needs: partitions, children, batches, dependencies, questions, sessions, pauses and limits.

ALTER TABLE tasks ADD COLUMN partition TEXT;
-- The task that started it as a child, and under which name.
ALTER TABLE tasks ADD COLUMN parent BLOB;
ALTER TABLE tasks ADD COLUMN child TEXT;
ALTER TABLE tasks ADD COLUMN batch BLOB;
-- How many of the tasks that it runs after have not completed.
ALTER TABLE tasks ADD COLUMN waits_for INTEGER NOT NULL DEFAULT 0;
-- When it is removed, for tasks that say so themselves; the others go by their kind's retention.
ALTER TABLE tasks ADD COLUMN remove_at INTEGER;
-- What few tasks have (JSON of the store's Options).
ALTER TABLE tasks ADD COLUMN options TEXT;
-- The key while the task has not ended.
ALTER TABLE tasks ADD COLUMN active_key TEXT;
UPDATE tasks SET active_key = key WHERE status < 4;
UPDATE tasks SET queued_at = NULL WHERE status <> 1;

-- A column is set only in the status that it belongs to, and each index says which column must be set. So a statement
-- that does not touch the column does not touch the index: an ending writes to `tasks_list` and to no other.
DROP INDEX tasks_key;
CREATE UNIQUE INDEX tasks_key ON tasks (kind, active_key) WHERE active_key IS NOT NULL;
-- A claim walks the lanes (queue, kind) that have queued tasks, and needs nothing but this index to choose.
DROP INDEX tasks_ready;
CREATE INDEX tasks_ready ON tasks (queue, kind, ahead DESC, priority DESC, id, partition, kind_version, queued_at)
    WHERE queued_at IS NOT NULL;
DROP INDEX tasks_due;
CREATE INDEX tasks_due ON tasks (scheduled_at) WHERE scheduled_at IS NOT NULL AND waits_for = 0;
CREATE INDEX tasks_expiring ON tasks (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX tasks_asking ON tasks (question_until) WHERE question_until IS NOT NULL;
CREATE INDEX tasks_removable ON tasks (remove_at) WHERE remove_at IS NOT NULL;
CREATE UNIQUE INDEX tasks_child ON tasks (parent, child) WHERE parent IS NOT NULL;
CREATE INDEX tasks_batch ON tasks (batch, id) WHERE batch IS NOT NULL;
-- One index for lists by status, by kind and by both, and for pruning: each (status, kind) that `counts` knows is a
-- walk in the order of creation, and lists merge walks.
DROP INDEX tasks_ended;
DROP INDEX tasks_status;
DROP INDEX tasks_kind;
CREATE INDEX tasks_list ON tasks (status, kind, id);

-- `task` runs after `after`. Rows stay while both tasks do; that of one that did not complete stays when it is removed.
CREATE TABLE dependencies (
    after BLOB    NOT NULL,
    task  BLOB    NOT NULL,
    -- whether `after` has completed
    done  INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (after, task)
) WITHOUT ROWID;
CREATE INDEX dependencies_task ON dependencies (task, after);

-- outcome: 0 open, 1 approved, 2 declined, 3 timed out
CREATE TABLE questions (
    task        BLOB    NOT NULL,
    key         TEXT    NOT NULL,
    question    TEXT    NOT NULL,
    asked_at    INTEGER NOT NULL,
    until       INTEGER,
    outcome     INTEGER NOT NULL DEFAULT 0,
    fields      TEXT,
    answered_by TEXT,
    answered_at INTEGER,
    PRIMARY KEY (task, key)
) WITHOUT ROWID;

-- Worker processes. `beat` is moved by a thread of its own; who does not move it is dead.
CREATE TABLE sessions (
    id         BLOB    PRIMARY KEY,
    worker     TEXT    NOT NULL,
    slots      INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    beat       INTEGER NOT NULL
) WITHOUT ROWID;

-- Pauses and limits set by people. scope: 0 queue, 1 kind
CREATE TABLE controls (
    scope     INTEGER NOT NULL,
    name      TEXT    NOT NULL,
    paused_at INTEGER,
    paused_by TEXT,
    limits    TEXT,
    PRIMARY KEY (scope, name)
) WITHOUT ROWID;

CREATE TABLE batches (
    id         BLOB    PRIMARY KEY,
    label      TEXT,
    user       TEXT,
    created_at INTEGER NOT NULL,
    total      INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE batch_counts (
    batch  BLOB    NOT NULL,
    status INTEGER NOT NULL,
    n      INTEGER NOT NULL,
    PRIMARY KEY (batch, status)
) WITHOUT ROWID;
