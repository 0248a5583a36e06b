-- Downloads: what is known of the files that a session's pages had downloaded. The files themselves
-- lie in the session's folder of downloads.
CREATE TABLE downloads (
    session TEXT    NOT NULL,
    -- Given once in a session; the row 0 tells which were given.
    number  INTEGER NOT NULL,
    -- All of it: names and URLs, too.
    private BLOB    NOT NULL,
    PRIMARY KEY (session, number)
) STRICT, WITHOUT ROWID;
