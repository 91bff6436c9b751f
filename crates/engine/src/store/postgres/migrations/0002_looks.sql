-- When each user last looked at what ended and what was asked while they were away.
CREATE TABLE taskdeck.looks (
    user_id text COLLATE "C" PRIMARY KEY,
    at      bigint NOT NULL
);
