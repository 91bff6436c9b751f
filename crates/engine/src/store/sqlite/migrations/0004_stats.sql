-- What happened in each minute, by kind: one row is written for each kind that a commit touches. `minute` counts from
-- 1970; `wait` and `run` are histograms (pairs of a bucket's number and its count).
CREATE TABLE rollups (
    minute      INTEGER NOT NULL,
    kind        TEXT    NOT NULL,
    started     INTEGER NOT NULL,
    begun       INTEGER NOT NULL,
    completed   INTEGER NOT NULL,
    failed      INTEGER NOT NULL,
    cancelled   INTEGER NOT NULL,
    interrupted INTEGER NOT NULL,
    wait        BLOB    NOT NULL,
    run         BLOB    NOT NULL,
    PRIMARY KEY (minute, kind)
) WITHOUT ROWID;

-- Of Taskdeck, as the process runs it.
ALTER TABLE sessions ADD COLUMN version TEXT NOT NULL DEFAULT '';
