-- Parts of answers that were too large for a model, kept for some minutes to be read on.
CREATE TABLE results (
    number     INTEGER NOT NULL PRIMARY KEY,
    id         TEXT    NOT NULL UNIQUE,
    -- The session whose answer it is from; null for an answer about none.
    session    TEXT,
    expires_at INTEGER NOT NULL,
    -- How long the text is.
    bytes      INTEGER NOT NULL,
    -- Which field of the answer it is.
    field      BLOB    NOT NULL,
    text       BLOB    NOT NULL
) STRICT;

-- What is counted before one more is kept is read off these alone.
CREATE INDEX results_by_session ON results (session, number, bytes);
CREATE INDEX results_by_age ON results (number, bytes);
CREATE INDEX results_expiring ON results (expires_at);
