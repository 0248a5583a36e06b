//! The tables in SQLite.
//!
//! Two connections, each with a thread of its own: one that writes, one that reads. There is
//! no pool: a pool's checks and waits would cost more than the queries do. A write of one
//! statement is a transaction by itself; more than one go through `BEGIN IMMEDIATE`.
//!
//! `synchronous` is NORMAL: what was committed survives the death of the process. What must
//! survive the death of the machine too is committed with FULL ([`Database::durable`]).

mod beside;
mod browsers;
mod call_keys;
mod calls;
mod check;
mod checkpoints;
mod downloads;
mod fields;
mod founding;
mod kv;
mod logins;
mod meta;
mod open;
mod results;
mod retention;
mod rewrap;
mod sessions;
mod settings;
mod tabs;
mod upgrade;
mod wal;

use std::collections::{HashMap, HashSet};
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use base::{CallId, SessionId};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection, Transaction};
use tokio::sync::MutexGuard;

use crate::keyring::{DataKeys, Keyring};
use crate::store::Tables;
use crate::{Answer, Blobs, Error};

pub(crate) use open::{open_file, open_memory};
pub(crate) use rewrap::{opens, rewrap};

/// Rows this process is known to have read or written well; over this they are looked at anew.
const KNOWN: usize = 4096;

/// The tables.
pub(crate) struct Sqlite {
    db: Arc<Database>,
    keys: Arc<Keyring>,
    blobs: Blobs,
    /// Sessions whose row, and whose tabs, are known not to be damaged.
    good_sessions: Known,
    good_tabs: Known,
    /// Calls of a session recorded since its journal was last cut to size.
    recorded: Mutex<HashMap<Option<SessionId>, u32>>,
    /// The sessions of calls that were recorded here and have no outcome yet.
    open_calls: Mutex<HashMap<CallId, Option<SessionId>>>,
    /// Calls with a key that are under way here: what is stored of them is stored durably.
    keyed_calls: Mutex<HashSet<CallId>>,
    /// One publish at a time: what it finds there stays there until it is done.
    publishing: tokio::sync::Mutex<()>,
    /// Sessions whose folder holds nothing that an earlier process left there.
    swept: Known,
}

impl Tables for Sqlite {
    fn close(&self) -> Answer<'_, ()> {
        Box::pin(self.db.close())
    }
}

/// The connections; `None` once closed.
pub(crate) struct Database {
    writer: tokio::sync::Mutex<Option<Writer>>,
    /// How to open the writing connection anew; a database in memory would be lost by it.
    anew: Option<SqliteConnectOptions>,
    /// A database in memory has one connection only.
    reader: Option<tokio::sync::Mutex<Option<SqliteConnection>>>,
}

struct Writer {
    connection: SqliteConnection,
    synchronous: Synchronous,
}

/// What the writing connection's `synchronous` is set to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Synchronous {
    Normal,
    Full,
    /// A change was begun and its end never seen.
    Unknown,
}

/// The right to use a connection.
enum Held<'a> {
    Writer(MutexGuard<'a, Option<Writer>>),
    Reader(MutexGuard<'a, Option<SqliteConnection>>),
}

/// A connection in use. Made only with a connection in it.
pub(crate) struct Using<'a>(tokio::sync::MappedMutexGuard<'a, SqliteConnection>);

impl Deref for Using<'_> {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.0
    }
}

impl DerefMut for Using<'_> {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.0
    }
}

impl<'a> Held<'a> {
    fn using(self) -> Result<Using<'a>, Error> {
        let mapped = match self {
            Held::Writer(guard) => {
                MutexGuard::try_map(guard, |held| Some(&mut held.as_mut()?.connection)).ok()
            }
            Held::Reader(guard) => MutexGuard::try_map(guard, Option::as_mut).ok(),
        };
        mapped.map(Using).ok_or(Error::Closed)
    }
}

impl Database {
    /// Returns a connection for reading.
    async fn reader(&self) -> Result<Using<'_>, Error> {
        match &self.reader {
            Some(reader) => Held::Reader(reader.lock().await).using(),
            None => Held::Writer(self.writer.lock().await).using(),
        }
    }

    /// Returns the connection for writing; a commit survives the death of the process.
    async fn writer(&self) -> Result<Using<'_>, Error> {
        self.writer_with(Synchronous::Normal).await
    }

    /// Returns the connection for writing; a commit survives the death of the machine.
    async fn durable(&self) -> Result<Using<'_>, Error> {
        self.writer_with(Synchronous::Full).await
    }

    async fn writer_with(&self, wanted: Synchronous) -> Result<Using<'_>, Error> {
        let mut held = self.writer.lock().await;
        let writer = held.as_mut().ok_or(Error::Closed)?;
        if writer.connection.is_in_transaction() {
            self.mend(writer).await?;
        }
        if writer.synchronous != wanted {
            let pragma = match wanted {
                Synchronous::Normal => "PRAGMA synchronous = NORMAL",
                Synchronous::Full | Synchronous::Unknown => "PRAGMA synchronous = FULL",
            };
            writer.synchronous = Synchronous::Unknown;
            sqlx::query(pragma)
                .execute(&mut writer.connection)
                .await
                .map_err(|err| Error::sql("choose how commits are kept", err))?;
            writer.synchronous = wanted;
        }
        Held::Writer(held).using()
    }

    /// Sees to it that no transaction that failed or was given up is left on the connection.
    ///
    /// Usually it is being rolled back on the connection's own thread. On a full disk SQLite
    /// rolls back by itself; sqlx's rollback then finds nothing to do, which it takes for a
    /// failure, and it counts the transaction as open for good.
    async fn mend(&self, writer: &mut Writer) -> Result<(), Error> {
        // Comes after whatever waits for the thread.
        let answers = writer.connection.ping().await.is_ok();
        if answers && !writer.connection.is_in_transaction() {
            return Ok(());
        }
        let Some(anew) = &self.anew else {
            return Ok(());
        };
        let whole = Writer {
            connection: open::connect(anew).await?,
            synchronous: Synchronous::Unknown,
        };
        let broken = std::mem::replace(writer, whole);
        tracing::warn!("the database was opened anew: a transaction had not ended");
        if let Err(err) = broken.connection.close_hard().await {
            tracing::warn!(%err, "the old connection to the database was not closed");
        }
        Ok(())
    }

    /// Closes both connections. The last one to close moves the WAL into the database.
    async fn close(&self) -> Result<(), Error> {
        let fail = |err| Error::sql("close the database", err);
        if let Some(reader) = &self.reader
            && let Some(connection) = reader.lock().await.take()
        {
            connection.close().await.map_err(fail)?;
        }
        if let Some(writer) = self.writer.lock().await.take() {
            writer.connection.close().await.map_err(fail)?;
        }
        Ok(())
    }
}

impl DataKeys for Database {
    fn wrapped<'a>(&'a self, scope: &'a str) -> Answer<'a, Option<Vec<u8>>> {
        Box::pin(async move {
            let mut connection = self.reader().await?;
            sqlx::query_scalar("SELECT wrapped FROM data_keys WHERE scope = ?")
                .bind(scope)
                .fetch_optional(&mut *connection)
                .await
                .map_err(|err| Error::sql("read a data key", err))
        })
    }

    fn keep<'a>(&'a self, scope: &'a str, wrapped: &'a [u8]) -> Answer<'a, Vec<u8>> {
        Box::pin(async move {
            // Not durable by itself: the WAL is in order, so a durable commit of something
            // sealed with it makes it durable too.
            let mut connection = self.writer().await?;
            sqlx::query(
                "INSERT INTO data_keys (scope, wrapped) VALUES (?, ?) ON CONFLICT DO NOTHING",
            )
            .bind(scope)
            .bind(wrapped)
            .execute(&mut *connection)
            .await
            .map_err(|err| Error::sql("store a data key", err))?;
            sqlx::query_scalar("SELECT wrapped FROM data_keys WHERE scope = ?")
                .bind(scope)
                .fetch_one(&mut *connection)
                .await
                .map_err(|err| Error::sql("read a data key", err))
        })
    }
}

/// A bounded set of sessions.
#[derive(Default)]
struct Known(Mutex<HashSet<SessionId>>);

impl Known {
    fn has(&self, id: SessionId) -> bool {
        lock(&self.0).contains(&id)
    }

    /// Adds a session; tells whether it wasn't there, or had to be forgotten.
    fn add(&self, id: SessionId) -> bool {
        let mut known = lock(&self.0);
        if KNOWN <= known.len() {
            known.clear();
        }
        known.insert(id)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Every change under these locks is one call on a map or set.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Begins a transaction that takes the write lock at once: one that began by reading could be
/// refused the lock half-way. Dropped before its commit, it is rolled back.
async fn begin<'c>(
    connection: &'c mut SqliteConnection,
    action: &'static str,
) -> Result<Transaction<'c, sqlx::Sqlite>, Error> {
    let begun = connection.begin_with("BEGIN IMMEDIATE").await;
    begun.map_err(|err| Error::sql(action, err))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_so_many_sessions_are_known() {
        let known = Known::default();
        let first = SessionId::new();
        assert!(known.add(first));
        assert!(!known.add(first));
        for _ in 0..2 * KNOWN {
            known.add(SessionId::new());
            assert!(lock(&known.0).len() <= KNOWN);
        }
        assert!(known.add(first), "it was forgotten");
    }
}
