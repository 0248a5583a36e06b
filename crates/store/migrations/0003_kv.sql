-- The KV store. Names and values are sealed; what a row is found by is a keyed hash of its name.

-- Sealed: the last revision given, and what is stored in all.
CREATE TABLE kv_counter (
    only_row INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    head     BLOB    NOT NULL
) STRICT;

CREATE TABLE kv_namespaces (
    -- In clear: a keyed hash.
    hash BLOB NOT NULL PRIMARY KEY,
    -- Its name, and up to which revision deletions are forgotten.
    head BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE kv_entries (
    number     INTEGER NOT NULL PRIMARY KEY,
    -- In clear: keyed hashes.
    namespace  BLOB    NOT NULL,
    hash       BLOB    NOT NULL,
    -- Both stand in the head too, which is what counts.
    version    INTEGER NOT NULL,
    expires_at INTEGER,
    -- Key, version, expiry, lease.
    head       BLOB    NOT NULL,
    value      BLOB    NOT NULL,
    UNIQUE (namespace, hash)
) STRICT;

CREATE INDEX kv_entries_by_version ON kv_entries (namespace, version);
CREATE INDEX kv_entries_expiring ON kv_entries (expires_at) WHERE expires_at IS NOT NULL;

-- The last deletion of a key, for those who watch.
CREATE TABLE kv_gone (
    namespace BLOB    NOT NULL,
    hash      BLOB    NOT NULL,
    revision  INTEGER NOT NULL,
    head      BLOB    NOT NULL,
    PRIMARY KEY (namespace, hash)
) STRICT, WITHOUT ROWID;

CREATE INDEX kv_gone_by_revision ON kv_gone (namespace, revision);

-- What calls came to: a call that is repeated after its daemon's death is done once.
CREATE TABLE kv_calls (
    number INTEGER NOT NULL PRIMARY KEY,
    call   TEXT    NOT NULL UNIQUE,
    said   BLOB    NOT NULL
) STRICT;
