-- The whole of a deck. Times are milliseconds since 1970 (UTC), ids the 16 bytes of a UUID,
-- statuses the codes of taskdeck_core::Status: 0 scheduled, 1 queued, 2 running, 3 waiting_confirmation,
-- 4 completed, 5 failed, 6 cancelled, 7 interrupted.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- Small rows: what lists show and what the machine decides on. Ids are UUIDv7, so the table is in order of creation.
CREATE TABLE tasks (
    id             BLOB    PRIMARY KEY,
    kind           TEXT    NOT NULL,
    kind_version   INTEGER NOT NULL,
    queue          TEXT    NOT NULL,
    priority       INTEGER NOT NULL,
    label          TEXT    NOT NULL,
    key            TEXT,
    tags           TEXT,
    user           TEXT,
    trace_id       TEXT,
    created_at     INTEGER NOT NULL,
    status         INTEGER NOT NULL,
    version        INTEGER NOT NULL,
    attempt        INTEGER NOT NULL,
    tries          INTEGER NOT NULL,
    max_tries      INTEGER NOT NULL,
    at_most_once   INTEGER NOT NULL,
    -- queued: since when, and whether before every priority
    queued_at      INTEGER,
    ahead          INTEGER NOT NULL DEFAULT 0,
    -- scheduled: until when (null: until other tasks end)
    scheduled_at   INTEGER,
    -- running: by whom, under which claim
    session        BLOB,
    token          INTEGER,
    -- waiting for a confirmation: of which question, until when
    question       TEXT,
    question_until INTEGER,
    cancel         TEXT,
    expires_at     INTEGER,
    started_at     INTEGER,
    ended_at       INTEGER,
    partial        INTEGER NOT NULL DEFAULT 0,
    questions      INTEGER NOT NULL DEFAULT 0,
    endings        INTEGER NOT NULL DEFAULT 0,
    error_code     TEXT,
    error_message  TEXT,
    progress       TEXT
) WITHOUT ROWID;

CREATE INDEX tasks_ready  ON tasks (ahead DESC, priority DESC, id) WHERE status = 1;
CREATE INDEX tasks_due    ON tasks (scheduled_at) WHERE status = 0 AND scheduled_at IS NOT NULL;
CREATE INDEX tasks_status ON tasks (status, id);
CREATE INDEX tasks_kind   ON tasks (kind, id);
CREATE INDEX tasks_ended  ON tasks (ended_at) WHERE ended_at IS NOT NULL;
CREATE UNIQUE INDEX tasks_key ON tasks (kind, key) WHERE key IS NOT NULL AND status < 4;

-- What can be large, apart from the rows that lists read.
CREATE TABLE payloads (
    task       BLOB PRIMARY KEY,
    params     TEXT NOT NULL,
    checkpoint TEXT,
    result     TEXT
) WITHOUT ROWID;

-- Ended attempts. The running one lives in its task's row.
CREATE TABLE attempts (
    task          BLOB    NOT NULL,
    attempt       INTEGER NOT NULL,
    started_at    INTEGER NOT NULL,
    ended_at      INTEGER NOT NULL,
    outcome       TEXT    NOT NULL,
    error_code    TEXT,
    error_message TEXT,
    detail        TEXT,
    worker        TEXT,
    PRIMARY KEY (task, attempt)
) WITHOUT ROWID;

-- Log lines in chunks: a JSON array of lines, in order.
CREATE TABLE log_chunks (
    task      BLOB    NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq  INTEGER NOT NULL,
    lines     TEXT    NOT NULL,
    PRIMARY KEY (task, first_seq)
) WITHOUT ROWID;

CREATE TABLE files (
    id         BLOB    PRIMARY KEY,
    name       TEXT    NOT NULL,
    size       INTEGER NOT NULL,
    media_type TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;

-- role: 0 upload (name is the parameter), 1 artifact (name is the file's)
CREATE TABLE task_files (
    task BLOB    NOT NULL,
    role INTEGER NOT NULL,
    name TEXT    NOT NULL,
    file BLOB    NOT NULL,
    PRIMARY KEY (task, role, name)
) WITHOUT ROWID;
CREATE INDEX task_files_file ON task_files (file);

-- Maintained with every commit, so that no page counts history.
CREATE TABLE counts (
    queue  TEXT    NOT NULL,
    kind   TEXT    NOT NULL,
    status INTEGER NOT NULL,
    n      INTEGER NOT NULL,
    PRIMARY KEY (queue, kind, status)
) WITHOUT ROWID;
