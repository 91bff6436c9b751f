-- What a program's own transaction started after tasks that had not ended when it looked: looked at again after its commit,
-- since they may have ended before it.
CREATE TABLE taskdeck.unsettled (
    after uuid NOT NULL,
    task  uuid NOT NULL,
    PRIMARY KEY (after, task)
);

-- What a node says of itself with each beat (JSON): the kinds it takes, what its code still holds, what it has worked.
ALTER TABLE taskdeck.sessions ADD COLUMN said text;

-- How often pauses and limits were changed: a node claims only by those that it knows.
CREATE TABLE taskdeck.controls_version (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    n   bigint  NOT NULL
);
