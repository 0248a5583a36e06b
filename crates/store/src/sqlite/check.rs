//! Whether the database's file is sound: its pages have no checksum, and a bit that turns over in
//! one could hide rows without a word.
//!
//! Rows are sealed, so what they say needs no look here. Indexes hold nothing of their own and
//! are built anew from the rows. Anything else keeps the home from being opened.

use sqlx::SqliteConnection;

use crate::Error;

/// What can be wrong with a row, and is told when the row is read.
const OF_ROWS: [&str; 5] = [
    "NULL value in ",
    "non-",
    "TEXT value in ",
    "NUMERIC value in ",
    "CHECK constraint failed in ",
];
/// As many flaws as are looked for.
const FLAWS: &str = "PRAGMA integrity_check(20)";

/// Returns the first flaw of the file that is more than a row's.
///
/// # Errors
/// [`Error::Corrupt`] if not even that can be told.
pub(super) async fn flaw(connection: &mut SqliteConnection) -> Result<Option<String>, Error> {
    let found: Vec<String> = sqlx::query_scalar(FLAWS)
        .fetch_all(connection)
        .await
        .map_err(|err| Error::sql("check the database", err))?;
    let of_a_row = |flaw: &String| OF_ROWS.iter().any(|word| flaw.starts_with(word));
    Ok(found
        .into_iter()
        .find(|flaw| flaw != "ok" && !of_a_row(flaw)))
}

/// Builds the indexes anew, and refuses the file if that doesn't mend it.
pub(super) async fn mend(connection: &mut SqliteConnection, flaw: &str) -> Result<(), Error> {
    let fail = |err| Error::sql("build the database's indexes anew", err);
    tracing::error!(flaw, "the database is damaged; its indexes are built anew");
    sqlx::query("REINDEX")
        .execute(&mut *connection)
        .await
        .map_err(fail)?;
    match self::flaw(connection).await? {
        None => Ok(()),
        Some(flaw) => Err(Error::corrupt("the database", flaw)),
    }
}

/// Refuses a database whose tables aren't those that a fresh one has.
pub(super) async fn schema(
    connection: &mut SqliteConnection,
    fresh: &mut SqliteConnection,
) -> Result<(), Error> {
    let (found, expected) = (statements(connection).await?, statements(fresh).await?);
    match found.iter().find(|statement| !expected.contains(statement)) {
        Some((name, _)) => Err(Error::corrupt("the database's schema", name)),
        None if found.len() < expected.len() => {
            Err(Error::corrupt("the database's schema", "a table is gone"))
        }
        None => Ok(()),
    }
}

async fn statements(
    connection: &mut SqliteConnection,
) -> Result<Vec<(String, Option<String>)>, Error> {
    sqlx::query_as("SELECT name, sql FROM sqlite_master ORDER BY name")
        .fetch_all(connection)
        .await
        .map_err(|err| Error::sql("read the database's schema", err))
}

/// Names the checkpoints that belong to no session: the id in one of the two rows is damaged.
pub(super) async fn tell_strays(connection: &mut SqliteConnection) -> Result<(), Error> {
    let strays: Vec<(String, String)> = sqlx::query_as(
        "SELECT id, session FROM checkpoints WHERE session NOT IN (SELECT id FROM sessions) \
         AND session NOT IN (SELECT id FROM shelves) LIMIT 20",
    )
    .fetch_all(connection)
    .await
    .map_err(|err| Error::sql("look for stray checkpoints", err))?;
    for (id, session) in strays {
        tracing::error!(id, session, "a stored checkpoint belongs to no session");
    }
    Ok(())
}
