-- Names that say something about their owner leave the columns in clear: what is left there is a
-- keyed hash (64 hexadecimal digits), by which the row is found. The name itself is sealed.
-- What the rows hold is rewritten by the code that has the key; see src/sqlite/upgrade.rs.
ALTER TABLE sessions RENAME COLUMN key TO key_hash;
ALTER TABLE sessions RENAME COLUMN profile TO profile_hash;

-- How far that rewriting has come.
ALTER TABLE home ADD COLUMN form INTEGER NOT NULL DEFAULT 0;
