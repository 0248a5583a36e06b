-- Logins: one origin's cookies and storage, kept by profile and origin, apart from any session.
-- A shelf is what one profile keeps of one origin, and is there as long as it has a version. Its
-- versions are rows of `checkpoints`, in whose column `session` its id stands; it is drawn as a
-- session's is, so that they have a data key and a folder of parts of their own.
CREATE TABLE shelves (
    id        TEXT NOT NULL PRIMARY KEY,
    -- In clear: a keyed hash of profile and origin.
    name_hash TEXT NOT NULL UNIQUE,
    -- Profile and origin.
    private   BLOB NOT NULL
) STRICT, WITHOUT ROWID;
