-- When each user last looked at what ended and what was asked while they were away.
CREATE TABLE looks (
    user TEXT    PRIMARY KEY,
    at   INTEGER NOT NULL
) WITHOUT ROWID;
