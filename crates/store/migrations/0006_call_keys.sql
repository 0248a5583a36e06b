-- Idempotency keys: a call that carries one is done once, and its repeats get its outcome.

-- In clear: whose keys these are.
ALTER TABLE calls ADD COLUMN key_scope TEXT;
-- In clear: keyed hashes of the key, and of the operation with its arguments.
ALTER TABLE calls ADD COLUMN key_hash BLOB;
ALTER TABLE calls ADD COLUMN arguments BLOB;

CREATE UNIQUE INDEX calls_by_key ON calls (key_scope, key_hash) WHERE key_hash IS NOT NULL;
