-- What a session was told to be: emulation, headers, scripts, policies. One row a session that was
-- told anything; a session without one is as its newest checkpoint says.
CREATE TABLE session_settings (
    session TEXT NOT NULL PRIMARY KEY,
    -- All of it.
    private BLOB NOT NULL
) STRICT, WITHOUT ROWID;
