-- The whole of a deck. Times are milliseconds since 1970 (UTC), statuses the codes of taskdeck_core::Status:
-- 0 scheduled, 1 queued, 2 running, 3 waiting_confirmation, 4 completed, 5 failed, 6 cancelled, 7 interrupted.
-- Names are compared byte by byte (COLLATE "C"): the same order on every server, and a cheaper index.

CREATE TABLE taskdeck.meta (
    name  text COLLATE "C" PRIMARY KEY,
    value text NOT NULL
);

-- Small rows: what lists show and what the machine decides on. Each task is written some three times and then stands
-- still, so a quarter of a page is kept for its next versions, and the cleaner comes early.
CREATE TABLE taskdeck.tasks (
    id             uuid     PRIMARY KEY,
    kind           text     COLLATE "C" NOT NULL,
    kind_version   int      NOT NULL,
    queue          text     COLLATE "C" NOT NULL,
    priority       int      NOT NULL,
    label          text     NOT NULL,
    key            text     COLLATE "C",
    tags           text,
    user_id        text     COLLATE "C",
    trace_id       text,
    created_at     bigint   NOT NULL,
    status         smallint NOT NULL,
    version        int      NOT NULL,
    attempt        int      NOT NULL,
    tries          int      NOT NULL,
    max_tries      int      NOT NULL,
    at_most_once   boolean  NOT NULL,
    -- queued: since when, and whether before every priority
    queued_at      bigint,
    ahead          boolean  NOT NULL DEFAULT false,
    -- scheduled: until when (null: until other tasks end)
    scheduled_at   bigint,
    -- running: by whom, under which claim
    session        uuid,
    token          bigint,
    -- waiting for a confirmation: of which question, until when
    question       text,
    question_until bigint,
    cancel         text,
    expires_at     bigint,
    started_at     bigint,
    ended_at       bigint,
    partial        boolean  NOT NULL DEFAULT false,
    questions      int      NOT NULL DEFAULT 0,
    endings        int      NOT NULL DEFAULT 0,
    error_code     text     COLLATE "C",
    error_message  text,
    progress       text,
    partition      text     COLLATE "C",
    -- the task that started it as a child, and under which name
    parent         uuid,
    child          text     COLLATE "C",
    batch          uuid,
    -- how many of the tasks that it runs after have not completed
    waits_for      int      NOT NULL DEFAULT 0,
    -- what few tasks have (JSON of the store's Options)
    options        text,
    -- the seq of its last notice
    notice_seq     bigint   NOT NULL DEFAULT 0,
    -- when it is removed, for tasks that say so themselves
    remove_at      bigint,
    -- the key while the task has not ended
    active_key     text     COLLATE "C"
) WITH (fillfactor = 75, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);

-- A column stands for a status, and each index asks for its column: so an ending writes to tasks_list and no other.
CREATE INDEX tasks_ready ON taskdeck.tasks (queue, kind, ahead DESC, priority DESC, id) WHERE queued_at IS NOT NULL;
CREATE INDEX tasks_due ON taskdeck.tasks (scheduled_at) WHERE scheduled_at IS NOT NULL AND waits_for = 0;
CREATE INDEX tasks_expiring ON taskdeck.tasks (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX tasks_asking ON taskdeck.tasks (question_until) WHERE question_until IS NOT NULL;
CREATE INDEX tasks_removable ON taskdeck.tasks (remove_at) WHERE remove_at IS NOT NULL;
CREATE UNIQUE INDEX tasks_key ON taskdeck.tasks (kind, active_key) WHERE active_key IS NOT NULL;
CREATE UNIQUE INDEX tasks_child ON taskdeck.tasks (parent, child) WHERE parent IS NOT NULL;
CREATE INDEX tasks_batch ON taskdeck.tasks (batch, id) WHERE batch IS NOT NULL;
CREATE INDEX tasks_list ON taskdeck.tasks (status, kind, id);

-- What can be large, apart from the rows that lists read.
CREATE TABLE taskdeck.payloads (
    task       uuid PRIMARY KEY,
    params     text NOT NULL,
    checkpoint text,
    result     text
) WITH (fillfactor = 85);

-- How far running attempts are, written a few times a second. Not in the log of the server: after a crash of the server
-- the bars of what runs stand where they stood before, until they move. A row of another claim is nobody's.
CREATE UNLOGGED TABLE taskdeck.live (
    task     uuid   NOT NULL,
    token    bigint NOT NULL,
    progress text   NOT NULL,
    label    text   NOT NULL,
    -- which of the task's states this is
    version  int    NOT NULL,
    tick     int    NOT NULL,
    PRIMARY KEY (task, token)
) WITH (fillfactor = 50);

-- Ended attempts. The running one lives in its task's row.
CREATE TABLE taskdeck.attempts (
    task          uuid   NOT NULL,
    attempt       int    NOT NULL,
    started_at    bigint NOT NULL,
    ended_at      bigint NOT NULL,
    outcome       text   NOT NULL,
    error_code    text,
    error_message text,
    detail        text,
    worker        text,
    PRIMARY KEY (task, attempt)
);

-- Log lines in chunks: a JSON array of lines, in order.
CREATE TABLE taskdeck.log_chunks (
    task      uuid   NOT NULL,
    first_seq bigint NOT NULL,
    last_seq  bigint NOT NULL,
    lines     text   NOT NULL,
    PRIMARY KEY (task, first_seq)
);

-- What bodies want somebody to know, in order.
CREATE TABLE taskdeck.notices (
    task uuid   NOT NULL,
    seq  bigint NOT NULL,
    at   bigint NOT NULL,
    text text   NOT NULL,
    PRIMARY KEY (task, seq)
);

CREATE TABLE taskdeck.files (
    id         uuid   PRIMARY KEY,
    name       text   NOT NULL,
    size       bigint NOT NULL,
    media_type text   NOT NULL,
    created_at bigint NOT NULL
);

-- The bytes of files, 256 KB a row. What is compressed already is not compressed again.
CREATE TABLE taskdeck.file_chunks (
    file  uuid  NOT NULL,
    n     int   NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (file, n)
);
ALTER TABLE taskdeck.file_chunks ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- role: 0 upload (name is the parameter), 1 artifact (name is the file's)
CREATE TABLE taskdeck.task_files (
    task uuid     NOT NULL,
    role smallint NOT NULL,
    name text     COLLATE "C" NOT NULL,
    file uuid     NOT NULL,
    PRIMARY KEY (task, role, name)
);
CREATE INDEX task_files_file ON taskdeck.task_files (file);

-- `task` runs after `after`. Rows stay while both tasks do; that of one that did not complete stays when it is removed.
CREATE TABLE taskdeck.dependencies (
    after uuid    NOT NULL,
    task  uuid    NOT NULL,
    -- whether `after` has completed
    done  boolean NOT NULL DEFAULT false,
    PRIMARY KEY (after, task)
);
CREATE INDEX dependencies_task ON taskdeck.dependencies (task, after);

-- outcome: 0 open, 1 approved, 2 declined, 3 timed out
CREATE TABLE taskdeck.questions (
    task        uuid     NOT NULL,
    key         text     COLLATE "C" NOT NULL,
    question    text     NOT NULL,
    asked_at    bigint   NOT NULL,
    until       bigint,
    outcome     smallint NOT NULL DEFAULT 0,
    fields      text,
    answered_by text,
    answered_at bigint,
    PRIMARY KEY (task, key)
);

-- Nodes. `beat` is moved by a thread of its own; who does not move it is dead.
CREATE TABLE taskdeck.sessions (
    id         uuid   PRIMARY KEY,
    worker     text   NOT NULL,
    version    text   NOT NULL,
    slots      int    NOT NULL,
    started_at bigint NOT NULL,
    beat       bigint NOT NULL
) WITH (fillfactor = 50);

-- Pauses and limits set by people. scope: 0 queue, 1 kind
CREATE TABLE taskdeck.controls (
    scope     smallint NOT NULL,
    name      text     COLLATE "C" NOT NULL,
    paused_at bigint,
    paused_by text,
    limits    text,
    PRIMARY KEY (scope, name)
);

-- How much of each lane's rate is used, over all nodes, in microseconds by the clock of the database.
CREATE TABLE taskdeck.rates (
    scope     smallint NOT NULL,
    name      text     COLLATE "C" NOT NULL,
    earned_at bigint   NOT NULL,
    PRIMARY KEY (scope, name)
) WITH (fillfactor = 50);

CREATE TABLE taskdeck.batches (
    id         uuid   PRIMARY KEY,
    label      text,
    user_id    text,
    created_at bigint NOT NULL,
    total      bigint NOT NULL
);

-- Counters. Transactions only add rows of differences, so that none waits for another; now and then these are folded
-- into the sums. A count is its sum and what is not folded yet.
CREATE TABLE taskdeck.counts (
    queue  text     COLLATE "C" NOT NULL,
    kind   text     COLLATE "C" NOT NULL,
    status smallint NOT NULL,
    n      bigint   NOT NULL,
    PRIMARY KEY (queue, kind, status)
) WITH (fillfactor = 50);
CREATE TABLE taskdeck.count_deltas (
    seq    bigint   GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue  text     COLLATE "C" NOT NULL,
    kind   text     COLLATE "C" NOT NULL,
    status smallint NOT NULL,
    n      bigint   NOT NULL
);
CREATE TABLE taskdeck.batch_counts (
    batch  uuid     NOT NULL,
    status smallint NOT NULL,
    n      bigint   NOT NULL,
    PRIMARY KEY (batch, status)
) WITH (fillfactor = 50);
CREATE TABLE taskdeck.batch_deltas (
    seq    bigint   GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    batch  uuid     NOT NULL,
    status smallint NOT NULL,
    n      bigint   NOT NULL
);
CREATE INDEX batch_deltas_batch ON taskdeck.batch_deltas (batch);

-- What happened in each minute, by kind. `minute` counts from 1970; `wait` and `run` are histograms.
CREATE TABLE taskdeck.rollups (
    minute      bigint NOT NULL,
    kind        text   COLLATE "C" NOT NULL,
    started     bigint NOT NULL,
    begun       bigint NOT NULL,
    completed   bigint NOT NULL,
    failed      bigint NOT NULL,
    cancelled   bigint NOT NULL,
    interrupted bigint NOT NULL,
    wait        bytea  NOT NULL,
    run         bytea  NOT NULL,
    PRIMARY KEY (minute, kind)
) WITH (fillfactor = 50);
CREATE TABLE taskdeck.rollup_deltas (
    seq         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    minute      bigint NOT NULL,
    kind        text   COLLATE "C" NOT NULL,
    started     bigint NOT NULL,
    begun       bigint NOT NULL,
    completed   bigint NOT NULL,
    failed      bigint NOT NULL,
    cancelled   bigint NOT NULL,
    interrupted bigint NOT NULL,
    wait        bytea  NOT NULL,
    run         bytea  NOT NULL
);

-- Rules that start tasks at certain times. `spec` is what a person or the program wrote (JSON of ScheduleSpec), `actor`
-- on whose behalf tasks are started (JSON of Actor).
CREATE TABLE taskdeck.schedules (
    name         text    COLLATE "C" PRIMARY KEY,
    spec         text    NOT NULL,
    -- whether a person made it, and not the program
    made         boolean NOT NULL,
    actor        text    NOT NULL,
    -- bumped by every write; a write names the version that it was decided from
    version      int     NOT NULL,
    -- null while it is paused
    next_at      bigint,
    last_at      bigint,
    last_task    uuid,
    created_at   bigint  NOT NULL,
    paused_at    bigint,
    paused_by    text,
    -- whether it was paused because it cannot start its task
    at_fault     boolean NOT NULL,
    pause_reason text
);
CREATE INDEX schedules_due ON taskdeck.schedules (next_at) WHERE next_at IS NOT NULL;
