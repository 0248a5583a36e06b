//! The data keys under another master key.

use std::path::Path;

use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

use super::begin;
use super::open::{check_key, connect, options};
use crate::key::{self, MasterKey};
use crate::{Error, keyring};

const ACTION: &str = "wrap the data keys anew";

/// How many data keys there were.
pub(crate) struct Rewrapped {
    pub good: u64,
    pub damaged: u64,
}

/// Tells whether a key is the one of a home's database. One that was never finished has none,
/// and takes any.
///
/// # Errors
/// [`Error::Corrupt`] if it can't be told; nothing is written.
pub(crate) async fn opens(home: &Path, master: &MasterKey) -> Result<bool, Error> {
    let options = options().filename(home.join(key::DATABASE)).read_only(true);
    let mut connection = connect(&options).await?;
    let has_home: Result<i64, _> =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_master WHERE name = 'home'")
            .fetch_one(&mut connection)
            .await;
    let found = match has_home {
        Ok(0) => Ok(None),
        Ok(_) => check_key(&mut connection, master).await,
        Err(err) => Err(Error::sql("look into the database", err)),
    };
    let closed = connection.close().await;
    let opens = match found {
        Ok(_) => true,
        Err(Error::WrongKey { .. }) => false,
        Err(err) => return Err(err),
    };
    closed.map_err(|err| Error::sql("close the database", err))?;
    Ok(opens)
}

/// Wraps every data key by `new` in the place of `old`, in one durable transaction.
pub(crate) async fn rewrap(
    home: &Path,
    old: &MasterKey,
    new: &MasterKey,
) -> Result<Rewrapped, Error> {
    let writer: SqliteConnectOptions = options()
        .filename(home.join(key::DATABASE))
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        // The old wrapping is gone from the file, wherever it stood.
        .pragma("secure_delete", "ON");
    let mut connection = connect(&writer).await?;
    let done = wrapped_anew(&mut connection, old, new).await;
    let emptied = match &done {
        Ok(_) => sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .execute(&mut connection)
            .await
            .map(drop),
        Err(_) => Ok(()),
    };
    if let Err(err) = emptied {
        tracing::warn!(%err, "the old wrapping of the data keys may still stand in the WAL");
    }
    if let Err(err) = connection.close().await {
        tracing::debug!(%err, "the connection was not closed");
    }
    done
}

async fn wrapped_anew(
    connection: &mut sqlx::SqliteConnection,
    old: &MasterKey,
    new: &MasterKey,
) -> Result<Rewrapped, Error> {
    let fail = |err| Error::sql(ACTION, err);
    let mut change = begin(connection, ACTION).await?;
    let keys: Vec<(String, Vec<u8>)> = sqlx::query_as("SELECT scope, wrapped FROM data_keys")
        .fetch_all(&mut *change)
        .await
        .map_err(fail)?;
    let mut count = Rewrapped {
        good: 0,
        damaged: 0,
    };
    for (scope, wrapped) in keys {
        let Some(wrapped) = keyring::rewrap(old, new, &scope, &wrapped)? else {
            tracing::error!(scope, "a damaged data key is left as it is");
            count.damaged += 1;
            continue;
        };
        sqlx::query("UPDATE data_keys SET wrapped = ? WHERE scope = ?")
            .bind(wrapped)
            .bind(&scope)
            .execute(&mut *change)
            .await
            .map_err(fail)?;
        count.good += 1;
    }
    sqlx::query("UPDATE home SET key_check = ?")
        .bind(keyring::check_value(new)?)
        .execute(&mut *change)
        .await
        .map_err(fail)?;
    change.commit().await.map_err(fail)?;
    Ok(count)
}
