//! The rows of the KV store: found by keyed hashes, sealed in what they say.
//!
//! A row's head is sealed with its place (the two hashes), and its value with the version too:
//! a value opens only beside the head it was written with. The columns in clear are for finding
//! rows; where one differs from the head, the row is damaged.

use base::{CallId, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::Error;
use crate::key::push_hex;
use crate::keyring::DataKey;
use crate::kv::{KvDone, KvEntry, KvLease};
use crate::sqlite::fields::{Fields, Flaw, json, stored};

const COUNTER: &str = "kv counter";
const NAMESPACE: &str = "kv namespace";
const HEAD: &str = "kv head";
const VALUE: &str = "kv value";
const GONE: &str = "kv gone";
const CALL: &str = "kv call";
/// What calls came to is kept of the last so many.
const CALLS: i64 = 4096;
/// And cut to size once per so many.
const BETWEEN_CUTS: i64 = 256;
/// Heads that are opened before others get a turn.
const BETWEEN_TURNS: usize = 256;

/// What is counted over the whole store.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Counter {
    pub revision: u64,
    pub bytes: u64,
    /// Deletions up to here are forgotten in namespaces that aren't there.
    pub dropped: u64,
}

impl Counter {
    /// Returns a number higher than every one before.
    pub fn next(&mut self) -> u64 {
        self.revision += 1;
        self.revision
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct Namespace {
    pub name: String,
    pub cut: u64,
}

/// All of an entry but its value.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Head {
    pub key: String,
    pub version: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
    pub bytes: u64,
    /// The last claim's epoch, and until when it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<(u64, i64)>,
}

impl Head {
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now.as_millisecond())
    }
}

#[derive(Serialize, Deserialize)]
struct Gone {
    key: String,
    revision: u64,
}

pub(super) struct Row {
    pub head: Head,
}

pub(super) enum Change {
    Set(Head),
    Gone(String),
}

/// The rows, by one connection and the home's data key.
pub(super) struct Rows<'c> {
    connection: &'c mut SqliteConnection,
    key: &'c DataKey,
}

type Hash = [u8; 32];

impl<'c> Rows<'c> {
    pub fn new(connection: &'c mut SqliteConnection, key: &'c DataKey) -> Self {
        Self { connection, key }
    }

    /// Returns the hash of a namespace.
    pub fn hash_of(&self, namespace: &str) -> Hash {
        self.key.name_hash(NAMESPACE, &[namespace])
    }

    fn hash_in(&self, at: &Hash, key: &str) -> Hash {
        self.key.name_hash(HEAD, &[&hex(at), key])
    }

    pub async fn counter(&mut self) -> Result<Counter, Error> {
        let found: Option<Vec<u8>> = sqlx::query_scalar("SELECT head FROM kv_counter")
            .fetch_optional(&mut *self.connection)
            .await
            .map_err(fail)?;
        match found {
            Some(head) => self
                .opened(COUNTER, "", &head)
                .map_err(|flaw| flaw.into_error("the counter of the KV store".into())),
            None => Ok(Counter::default()),
        }
    }

    pub async fn put_counter(&mut self, counter: &Counter) -> Result<(), Error> {
        let head = self.sealed(COUNTER, "", counter)?;
        sqlx::query(
            "INSERT INTO kv_counter (only_row, head) VALUES (1, ?) \
             ON CONFLICT (only_row) DO UPDATE SET head = excluded.head",
        )
        .bind(head)
        .execute(&mut *self.connection)
        .await
        .map_err(fail)?;
        Ok(())
    }

    pub async fn namespace(&mut self, at: &Hash) -> Result<Option<Namespace>, Error> {
        let found: Option<Vec<u8>> =
            sqlx::query_scalar("SELECT head FROM kv_namespaces WHERE hash = ?")
                .bind(&at[..])
                .fetch_optional(&mut *self.connection)
                .await
                .map_err(fail)?;
        let opened = found.map(|head| self.opened(NAMESPACE, &hex(at), &head));
        opened
            .transpose()
            .map_err(|flaw| flaw.into_error("a namespace of the KV store".into()))
    }

    pub async fn put_namespace(&mut self, at: &Hash, space: &Namespace) -> Result<(), Error> {
        let head = self.sealed(NAMESPACE, &hex(at), space)?;
        sqlx::query(
            "INSERT INTO kv_namespaces (hash, head) VALUES (?, ?) \
             ON CONFLICT (hash) DO UPDATE SET head = excluded.head",
        )
        .bind(&at[..])
        .bind(head)
        .execute(&mut *self.connection)
        .await
        .map_err(fail)?;
        Ok(())
    }

    pub async fn namespaces(&mut self) -> Result<u64, Error> {
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM kv_namespaces")
            .fetch_one(&mut *self.connection)
            .await
            .map_err(fail)?;
        Ok(count.unsigned_abs())
    }

    pub async fn entries(&mut self, at: &Hash) -> Result<u64, Error> {
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM kv_entries WHERE namespace = ?")
            .bind(&at[..])
            .fetch_one(&mut *self.connection)
            .await
            .map_err(fail)?;
        Ok(count.unsigned_abs())
    }

    /// Returns an entry's row.
    pub async fn find(&mut self, at: &Hash, key: &str) -> Result<Option<Row>, Error> {
        let hash = self.hash_in(at, key);
        let found = sqlx::query(
            "SELECT namespace, hash, version, expires_at, head FROM kv_entries \
             WHERE namespace = ? AND hash = ?",
        )
        .bind(&at[..])
        .bind(&hash[..])
        .fetch_optional(&mut *self.connection)
        .await
        .map_err(fail)?;
        let Some(row) = found else { return Ok(None) };
        let (_, head) = self.head(&row).map_err(damaged)?;
        Ok(Some(Row { head }))
    }

    /// Returns every head of a namespace, and how many don't read back.
    pub async fn heads(&mut self, at: &Hash) -> Result<(Vec<Head>, u64), Error> {
        let found = sqlx::query(
            "SELECT namespace, hash, version, expires_at, head FROM kv_entries \
             WHERE namespace = ?",
        )
        .bind(&at[..])
        .fetch_all(&mut *self.connection)
        .await
        .map_err(fail)?;
        let (mut heads, mut flawed) = (Vec::with_capacity(found.len()), 0);
        for rows in found.chunks(BETWEEN_TURNS) {
            for row in rows {
                match self.head(row) {
                    Ok((_, head)) => heads.push(head),
                    Err(flaw) => {
                        flawed += 1;
                        let reason = flaw.into_reason();
                        tracing::error!(reason, "an entry of the KV store is damaged");
                    }
                }
            }
            tokio::task::yield_now().await;
        }
        Ok((heads, flawed))
    }

    /// Returns entries whose time is over, with their namespaces.
    pub async fn over(&mut self, now: Timestamp, limit: i64) -> Result<Vec<(Hash, Head)>, Error> {
        let found = sqlx::query(
            "SELECT namespace, hash, version, expires_at, head FROM kv_entries \
             WHERE expires_at <= ? ORDER BY expires_at LIMIT ?",
        )
        .bind(now.as_millisecond())
        .bind(limit)
        .fetch_all(&mut *self.connection)
        .await
        .map_err(fail)?;
        // What doesn't read back is left as it is.
        Ok(found.iter().filter_map(|row| self.head(row).ok()).collect())
    }

    /// Makes an entry of its head, with its value.
    pub async fn entry(&mut self, at: &Hash, head: Head, value: bool) -> Result<KvEntry, Error> {
        let bytes = if value {
            let hash = self.hash_in(at, &head.key);
            let sealed: Vec<u8> =
                sqlx::query_scalar("SELECT value FROM kv_entries WHERE namespace = ? AND hash = ?")
                    .bind(&at[..])
                    .bind(&hash[..])
                    .fetch_one(&mut *self.connection)
                    .await
                    .map_err(fail)?;
            let id = value_id(at, &hash, head.version);
            let opened = self.key.open(VALUE, &id, &sealed);
            opened
                .map_err(|refused| refused.into_error("a value of the KV store".into()))?
                .to_vec()
        } else {
            Vec::new()
        };
        let lease = head.lease.map(|(epoch, until)| KvLease {
            epoch,
            until: Timestamp::from_millisecond(until).unwrap_or(Timestamp::MAX),
        });
        Ok(KvEntry {
            key: head.key,
            value: bytes,
            version: head.version,
            expires_at: head
                .expires_at
                .and_then(|at| Timestamp::from_millisecond(at).ok()),
            lease,
        })
    }

    /// Stores an entry.
    pub async fn put(&mut self, at: &Hash, head: &Head, value: &[u8]) -> Result<(), Error> {
        let hash = self.hash_in(at, &head.key);
        let sealed = self
            .key
            .seal(VALUE, &value_id(at, &hash, head.version), value)?;
        sqlx::query(
            "INSERT INTO kv_entries (namespace, hash, version, expires_at, head, value) \
             VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (namespace, hash) DO UPDATE SET \
             version = excluded.version, expires_at = excluded.expires_at, \
             head = excluded.head, value = excluded.value",
        )
        .bind(&at[..])
        .bind(&hash[..])
        .bind(stored("a version", head.version)?)
        .bind(head.expires_at)
        .bind(self.sealed(HEAD, &place(at, &hash), head)?)
        .bind(sealed)
        .execute(&mut *self.connection)
        .await
        .map_err(fail)?;
        sqlx::query("DELETE FROM kv_gone WHERE namespace = ? AND hash = ?")
            .bind(&at[..])
            .bind(&hash[..])
            .execute(&mut *self.connection)
            .await
            .map_err(fail)?;
        Ok(())
    }

    /// Stores what changed of an entry beside its value.
    pub async fn put_head(&mut self, at: &Hash, head: &Head) -> Result<(), Error> {
        let hash = self.hash_in(at, &head.key);
        sqlx::query("UPDATE kv_entries SET head = ? WHERE namespace = ? AND hash = ?")
            .bind(self.sealed(HEAD, &place(at, &hash), head)?)
            .bind(&at[..])
            .bind(&hash[..])
            .execute(&mut *self.connection)
            .await
            .map_err(fail)?;
        Ok(())
    }

    /// Removes an entry and remembers that.
    pub async fn remove(&mut self, at: &Hash, key: &str, revision: u64) -> Result<(), Error> {
        let hash = self.hash_in(at, key);
        sqlx::query("DELETE FROM kv_entries WHERE namespace = ? AND hash = ?")
            .bind(&at[..])
            .bind(&hash[..])
            .execute(&mut *self.connection)
            .await
            .map_err(fail)?;
        let gone = Gone {
            key: key.to_owned(),
            revision,
        };
        sqlx::query(
            "INSERT INTO kv_gone (namespace, hash, revision, head) VALUES (?, ?, ?, ?) \
             ON CONFLICT (namespace, hash) DO UPDATE SET revision = excluded.revision, \
             head = excluded.head",
        )
        .bind(&at[..])
        .bind(&hash[..])
        .bind(stored("a revision", revision)?)
        .bind(self.sealed(GONE, &place(at, &hash), &gone)?)
        .execute(&mut *self.connection)
        .await
        .map_err(fail)?;
        Ok(())
    }

    /// Forgets the oldest deletions over `limit`; returns the number of the last one forgotten.
    pub async fn cut_gone(&mut self, at: &Hash, limit: u64) -> Result<Option<u64>, Error> {
        let last: Option<i64> = sqlx::query_scalar(
            "SELECT revision FROM kv_gone WHERE namespace = ? ORDER BY revision DESC \
             LIMIT 1 OFFSET ?",
        )
        .bind(&at[..])
        .bind(stored("a limit", limit)?)
        .fetch_optional(&mut *self.connection)
        .await
        .map_err(fail)?;
        let Some(last) = last else { return Ok(None) };
        sqlx::query("DELETE FROM kv_gone WHERE namespace = ? AND revision <= ?")
            .bind(&at[..])
            .bind(last)
            .execute(&mut *self.connection)
            .await
            .map_err(fail)?;
        Ok(Some(last.unsigned_abs()))
    }

    /// Removes a namespace with all that is in it.
    pub async fn clear(&mut self, at: &Hash) -> Result<(), Error> {
        for statement in [
            "DELETE FROM kv_entries WHERE namespace = ?",
            "DELETE FROM kv_gone WHERE namespace = ?",
            "DELETE FROM kv_namespaces WHERE hash = ?",
        ] {
            sqlx::query(statement)
                .bind(&at[..])
                .execute(&mut *self.connection)
                .await
                .map_err(fail)?;
        }
        Ok(())
    }

    /// Returns entries set after `since`, the first so many, by their versions.
    pub async fn set_after(
        &mut self,
        at: &Hash,
        since: u64,
        limit: usize,
    ) -> Result<Vec<(u64, Change)>, Error> {
        let found = sqlx::query(
            "SELECT namespace, hash, version, expires_at, head FROM kv_entries \
             WHERE namespace = ? AND version > ? ORDER BY version LIMIT ?",
        )
        .bind(&at[..])
        .bind(stored("a revision", since)?)
        .bind(stored("a limit", limit as u64)?)
        .fetch_all(&mut *self.connection)
        .await
        .map_err(fail)?;
        let read = found.iter().map(|row| self.head(row).map_err(damaged));
        read.map(|head| head.map(|(_, head)| (head.version, Change::Set(head))))
            .collect()
    }

    /// Returns deletions after `since`, the first so many, by their numbers.
    pub async fn gone_after(
        &mut self,
        at: &Hash,
        since: u64,
        limit: usize,
    ) -> Result<Vec<(u64, Change)>, Error> {
        let found = sqlx::query(
            "SELECT namespace, hash, revision, head FROM kv_gone \
             WHERE namespace = ? AND revision > ? ORDER BY revision LIMIT ?",
        )
        .bind(&at[..])
        .bind(stored("a revision", since)?)
        .bind(stored("a limit", limit as u64)?)
        .fetch_all(&mut *self.connection)
        .await
        .map_err(fail)?;
        let read = |row: &SqliteRow| {
            let fields = Fields(row);
            let (at, hash) = (hash(&fields, "namespace")?, hash(&fields, "hash")?);
            let gone: Gone = self.opened(GONE, &place(&at, &hash), &fields.bytes("head")?)?;
            if gone.revision != fields.number::<u64>("revision")? {
                return Err(Flaw::of("revision", "not the one sealed"));
            }
            Ok((gone.revision, Change::Gone(gone.key)))
        };
        found.iter().map(|row| read(row).map_err(damaged)).collect()
    }

    /// Returns what a call came to.
    pub async fn said(&mut self, call: CallId) -> Result<Option<KvDone>, Error> {
        let found: Option<Vec<u8>> = sqlx::query_scalar("SELECT said FROM kv_calls WHERE call = ?")
            .bind(call.to_string())
            .fetch_optional(&mut *self.connection)
            .await
            .map_err(fail)?;
        let opened = found.map(|said| self.opened(CALL, &call.to_string(), &said));
        opened
            .transpose()
            .map_err(|flaw| flaw.into_error(format!("what is known of call {call}")))
    }

    /// Remembers what a call came to.
    pub async fn say(&mut self, call: CallId, done: &KvDone) -> Result<(), Error> {
        let said = self.sealed(CALL, &call.to_string(), done)?;
        let number: i64 =
            sqlx::query_scalar("INSERT INTO kv_calls (call, said) VALUES (?, ?) RETURNING number")
                .bind(call.to_string())
                .bind(said)
                .fetch_one(&mut *self.connection)
                .await
                .map_err(fail)?;
        if number % BETWEEN_CUTS == 0 {
            sqlx::query("DELETE FROM kv_calls WHERE number <= ?")
                .bind(number - CALLS)
                .execute(&mut *self.connection)
                .await
                .map_err(fail)?;
        }
        Ok(())
    }

    fn head(&self, row: &SqliteRow) -> Result<(Hash, Head), Flaw> {
        let fields = Fields(row);
        let (at, hash) = (hash(&fields, "namespace")?, hash(&fields, "hash")?);
        let head: Head = self.opened(HEAD, &place(&at, &hash), &fields.bytes("head")?)?;
        let same = head.version == fields.number::<u64>("version")?
            && head.expires_at == fields.maybe_number("expires_at")?;
        if !same {
            return Err(Flaw::of("head", "it differs from the columns beside it"));
        }
        Ok((at, head))
    }

    fn sealed(&self, kind: &str, id: &str, value: &impl Serialize) -> Result<Vec<u8>, Error> {
        self.key.seal(kind, id, &json(value)?)
    }

    fn opened<T: DeserializeOwned>(&self, kind: &str, id: &str, sealed: &[u8]) -> Result<T, Flaw> {
        use crate::seal::Refused;
        let opened = self
            .key
            .open(kind, id, sealed)
            .map_err(|refused| match refused {
                Refused::Damaged(reason) => Flaw::of("head", reason),
                Refused::WrongKey => Flaw::WrongKey,
            })?;
        serde_json::from_slice(&opened).map_err(|err| Flaw::of("head", err))
    }
}

fn fail(err: sqlx::Error) -> Error {
    Error::sql("use the KV store", err)
}

fn damaged(flaw: Flaw) -> Error {
    flaw.into_error("an entry of the KV store".into())
}

fn hash(fields: &Fields<'_>, field: &str) -> Result<Hash, Flaw> {
    let bytes = fields.bytes(field)?;
    Hash::try_from(bytes).map_err(|_| Flaw::of(field, "not a hash"))
}

fn hex(hash: &Hash) -> String {
    let mut text = String::with_capacity(64);
    push_hex(&mut text, hash);
    text
}

fn place(at: &Hash, hash: &Hash) -> String {
    format!("{}/{}", hex(at), hex(hash))
}

fn value_id(at: &Hash, hash: &Hash, version: u64) -> String {
    format!("{}/{version}", place(at, hash))
}
