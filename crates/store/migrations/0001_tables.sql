-- Columns of type BLOB are sealed unless they say otherwise; see docs/design/storage.md.
-- Times are milliseconds since 1970. No foreign keys: a damaged row must not take others along.

CREATE TABLE home (
    only_row  INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    -- Sealed by the master key itself: tells whether the key at hand is the right one.
    key_check BLOB    NOT NULL,
    nonce     TEXT    NOT NULL,
    epoch     INTEGER NOT NULL
) STRICT;

CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- A session's data key, or the home's, wrapped by the master key.
CREATE TABLE data_keys (
    scope   TEXT NOT NULL PRIMARY KEY,
    wrapped BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    id                TEXT    NOT NULL PRIMARY KEY,
    key               TEXT,
    profile           TEXT,
    state             TEXT    NOT NULL,
    cause             TEXT    NOT NULL,
    generation        INTEGER NOT NULL,
    created_at        INTEGER NOT NULL,
    last_activity     INTEGER NOT NULL,
    closed_at         INTEGER,
    call_count        INTEGER NOT NULL,
    browser           TEXT,
    active_tab        INTEGER,
    next_tab          INTEGER NOT NULL,
    latest_checkpoint TEXT,
    recovered_told    INTEGER NOT NULL,
    failures          INTEGER NOT NULL,
    -- Labels, detail, URL and title.
    private           BLOB    NOT NULL,
    recovered         BLOB,
    -- The highest number a checkpoint of the session has had.
    last_number       INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX sessions_by_open_key ON sessions (key)
    WHERE key IS NOT NULL AND state <> 'closed';
CREATE INDEX sessions_by_key ON sessions (key) WHERE key IS NOT NULL;

CREATE TABLE browsers (
    id            TEXT    NOT NULL PRIMARY KEY,
    session       TEXT    NOT NULL,
    run           TEXT    NOT NULL,
    profile_dir   TEXT    NOT NULL,
    browser_pid   INTEGER NOT NULL,
    browser_start INTEGER NOT NULL,
    keeper_pid    INTEGER NOT NULL,
    keeper_start  INTEGER NOT NULL,
    nonce         TEXT    NOT NULL,
    launched_at   INTEGER NOT NULL,
    ended         TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX browsers_live ON browsers (id) WHERE ended IS NULL;

CREATE TABLE tabs (
    session  TEXT    NOT NULL,
    tab      INTEGER NOT NULL,
    position INTEGER NOT NULL,
    target   TEXT    NOT NULL,
    -- URL and title.
    private  BLOB    NOT NULL,
    next_ref INTEGER NOT NULL,
    closed   INTEGER NOT NULL,
    PRIMARY KEY (session, tab)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoints (
    id         TEXT    NOT NULL PRIMARY KEY,
    session    TEXT    NOT NULL,
    number     INTEGER NOT NULL,
    name       BLOB,
    cause      TEXT    NOT NULL,
    taken_at   INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    bytes      INTEGER NOT NULL,
    kept       INTEGER NOT NULL,
    manifest   BLOB    NOT NULL,
    UNIQUE (session, number)
) STRICT;

CREATE TABLE checkpoint_parts (
    checkpoint TEXT    NOT NULL,
    place      INTEGER NOT NULL,
    session    TEXT    NOT NULL,
    -- In clear: it tells nothing without the session's data key.
    address    BLOB    NOT NULL,
    PRIMARY KEY (checkpoint, place)
) STRICT, WITHOUT ROWID;

CREATE INDEX checkpoint_parts_by_address ON checkpoint_parts (session, address);

CREATE TABLE calls (
    number      INTEGER NOT NULL PRIMARY KEY,
    id          TEXT    NOT NULL UNIQUE,
    session     TEXT,
    operation   TEXT    NOT NULL,
    state       TEXT    NOT NULL,
    epoch       INTEGER NOT NULL,
    cdp_id      INTEGER,
    cdp_session TEXT,
    at          INTEGER NOT NULL,
    outcome     BLOB
) STRICT;

CREATE INDEX calls_by_session ON calls (session, number);
CREATE INDEX calls_by_time ON calls (at);
CREATE INDEX calls_open ON calls (session, cdp_id) WHERE state IN ('accepted', 'sent');

-- Rows that were damaged and had to make room: what they held, as it was.
CREATE TABLE set_aside (
    number INTEGER NOT NULL PRIMARY KEY,
    origin TEXT    NOT NULL,
    id     TEXT    NOT NULL,
    reason TEXT    NOT NULL,
    was    TEXT    NOT NULL
) STRICT;
