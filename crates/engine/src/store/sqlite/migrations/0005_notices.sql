-- What bodies want somebody to know, in order. `notice_seq` is the last one's.

ALTER TABLE tasks ADD COLUMN notice_seq INTEGER NOT NULL DEFAULT 0;

CREATE TABLE notices (
    task BLOB    NOT NULL,
    seq  INTEGER NOT NULL,
    at   INTEGER NOT NULL,
    text TEXT    NOT NULL,
    PRIMARY KEY (task, seq)
) WITHOUT ROWID;
