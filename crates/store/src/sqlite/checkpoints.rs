//! The table of checkpoints.

use std::collections::BTreeSet;

use base::{CheckpointId, SessionId};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::beside::Beside;
use super::fields::{Fields, Flaw, private_text, stored};
use super::{Sqlite, begin};
use crate::keyring::{DataKey, Scope};
use crate::{
    Answer, BlobAddress, CheckpointRow, Checkpoints, Error, Listed, SessionRow, Thing, Unpublished,
};

const NAME: &str = "checkpoint name";
pub(super) const MANIFEST: &str = "checkpoint manifest";
pub(super) const ACTION: &str = "publish a checkpoint";

impl Checkpoints for Sqlite {
    fn publish(&self, checkpoint: Unpublished) -> Answer<'_, u64> {
        Box::pin(async move {
            let Unpublished { row, parts } = checkpoint;
            let session = row.session;
            let key = self.keys.get(Scope::Session(session)).await?;
            let _publishing = self.publishing.lock().await;
            if let Some(part) = self.blobs.missing(session, &parts).await? {
                return Err(Error::NotFound {
                    thing: Thing::Blob,
                    id: part.to_string(),
                });
            }
            let mut connection = self.db.durable().await?;
            let mut change = begin(&mut connection, ACTION).await?;
            let number = next_number(&mut change, session).await?;
            let replaced = if row.kept {
                Vec::new()
            } else {
                rolling(&mut change, session, &key).await?
            };
            insert(&mut change, &row, number, &parts, &key).await?;
            let mut unneeded = Vec::new();
            for id in replaced {
                unneeded.extend(delete(&mut change, session, &id).await?);
            }
            sqlx::query("UPDATE sessions SET latest_checkpoint = ?, last_number = ? WHERE id = ?")
                .bind(row.id.to_string())
                .bind(number)
                .bind(session.to_string())
                .execute(&mut *change)
                .await
                .map_err(|err| Error::sql(ACTION, err))?;
            change
                .commit()
                .await
                .map_err(|err| Error::sql(ACTION, err))?;
            drop(connection);
            // From here on it is published. Files left behind are no reason to say otherwise.
            let left_behind = self.blobs.unpin(session, &parts);
            let tidied = if self.swept.add(session) || !left_behind.is_empty() {
                self.sweep(session).await.map(drop)
            } else {
                self.blobs.remove(session, unneeded).await
            };
            if let Err(err) = tidied {
                tracing::warn!(%session, %err, "parts of old checkpoints were not removed");
            }
            Ok(number.unsigned_abs())
        })
    }

    fn found<'a>(&'a self, session: &'a SessionRow, first: Unpublished) -> Answer<'a, ()> {
        Box::pin(self.found_session(session, first))
    }

    fn publish_beside(&self, checkpoint: Unpublished) -> Answer<'_, ()> {
        Box::pin(self.publish_older(checkpoint))
    }

    fn list(&self, session: SessionId) -> Answer<'_, Listed<CheckpointRow>> {
        Box::pin(async move {
            let mut connection = self.db.reader().await?;
            let found =
                sqlx::query("SELECT * FROM checkpoints WHERE session = ? ORDER BY number DESC")
                    .bind(session.to_string())
                    .fetch_all(&mut *connection)
                    .await
                    .map_err(|err| Error::sql("list checkpoints", err))?;
            drop(connection);
            let mut listed = Listed::default();
            for row in &found {
                let read = self.read_checkpoint(row).await?;
                listed.add(|| Fields(row).name("id"), read);
            }
            Ok(listed)
        })
    }

    fn get(&self, id: CheckpointId) -> Answer<'_, Option<CheckpointRow>> {
        Box::pin(async move {
            let mut connection = self.db.reader().await?;
            let found = sqlx::query("SELECT * FROM checkpoints WHERE id = ?")
                .bind(id.to_string())
                .fetch_optional(&mut *connection)
                .await
                .map_err(|err| Error::sql("read a checkpoint", err))?;
            drop(connection);
            let Some(row) = found else { return Ok(None) };
            let read = self.read_checkpoint(&row).await?;
            read.map(Some)
                .map_err(|flaw| flaw.into_error(format!("the row of checkpoint {id}")))
        })
    }

    fn newest(&self, session: SessionId) -> Answer<'_, Option<CheckpointRow>> {
        Box::pin(async move {
            let listed = Checkpoints::list(self, session).await?;
            for damaged in &listed.damaged {
                let (id, reason) = (&damaged.id, &damaged.reason);
                tracing::error!(%session, id, reason, "a stored checkpoint is damaged");
            }
            for row in listed.rows {
                match self.blobs.missing(session, &row.parts).await? {
                    None => return Ok(Some(row)),
                    Some(part) => {
                        tracing::error!(%session, id = %row.id, %part, "a part is missing");
                    }
                }
            }
            Ok(None)
        })
    }

    fn remove(&self, id: CheckpointId) -> Answer<'_, bool> {
        Box::pin(async move {
            let Some(row) = Checkpoints::get(self, id).await? else {
                return Ok(false);
            };
            let fail = |err| Error::sql("remove a checkpoint", err);
            let _publishing = self.publishing.lock().await;
            let mut connection = self.db.writer().await?;
            let mut change = begin(&mut connection, "remove a checkpoint").await?;
            let unneeded = delete(&mut change, row.session, &id.to_string()).await?;
            sqlx::query(
                "UPDATE sessions SET latest_checkpoint = (SELECT id FROM checkpoints \
                 WHERE session = ? ORDER BY number DESC LIMIT 1) \
                 WHERE id = ? AND latest_checkpoint = ?",
            )
            .bind(row.session.to_string())
            .bind(row.session.to_string())
            .bind(id.to_string())
            .execute(&mut *change)
            .await
            .map_err(fail)?;
            change.commit().await.map_err(fail)?;
            drop(connection);
            self.blobs.remove(row.session, unneeded).await?;
            Ok(true)
        })
    }
}

impl Sqlite {
    /// Removes the files of a session that no checkpoint points to: what captures that never
    /// came to publish have left. Once per session and process, and after such a capture;
    /// with `publishing` held.
    pub(super) async fn sweep(&self, session: SessionId) -> Result<u64, Error> {
        let mut connection = self.db.reader().await?;
        let wanted: Vec<Vec<u8>> =
            sqlx::query_scalar("SELECT address FROM checkpoint_parts WHERE session = ?")
                .bind(session.to_string())
                .fetch_all(&mut *connection)
                .await
                .map_err(|err| Error::sql("list parts", err))?;
        drop(connection);
        let wanted: Result<BTreeSet<_>, _> =
            wanted.into_iter().map(|bytes| address(&bytes)).collect();
        match wanted {
            Ok(wanted) => self.blobs.sweep(session, wanted).await,
            // Which file it stood for can't be told, so none is removed.
            Err(flaw) => Err(flaw.into_error(format!("a part of session {session}"))),
        }
    }

    async fn read_checkpoint(&self, row: &SqliteRow) -> Result<Result<CheckpointRow, Flaw>, Error> {
        let fields = Fields(row);
        let session = match fields.parsed("session") {
            Ok(session) => session,
            Err(flaw) => return Ok(Err(flaw)),
        };
        let key = match self.key_for(session).await? {
            Ok(key) => key,
            Err(flaw) => return Ok(Err(flaw)),
        };
        let mut connection = self.db.reader().await?;
        let parts = parts_of(&mut connection, &fields.name("id")).await?;
        Ok(read(&fields, session, &key, &parts))
    }
}

/// Returns the addresses that a checkpoint's row lists, as they are stored.
pub(super) async fn parts_of(
    connection: &mut SqliteConnection,
    id: &str,
) -> Result<Vec<Vec<u8>>, Error> {
    sqlx::query_scalar("SELECT address FROM checkpoint_parts WHERE checkpoint = ? ORDER BY place")
        .bind(id)
        .fetch_all(connection)
        .await
        .map_err(|err| Error::sql("list parts", err))
}

fn read(
    fields: &Fields<'_>,
    session: SessionId,
    key: &DataKey,
    parts: &[Vec<u8>],
) -> Result<CheckpointRow, Flaw> {
    let mut row = read_clear(fields, session, parts)?;
    let name = fields.maybe_opened("name", key, NAME, &row.id.to_string())?;
    row.name = name.map(|name| private_text("name", name)).transpose()?;
    let number = fields.number("number")?;
    let beside = beside(&row, number, row.name.is_some());
    let beside = beside.map_err(|err| Flaw::of("row", err))?;
    row.manifest = fields.opened("manifest", key, MANIFEST, &beside)?;
    Ok(row)
}

/// Reads what of a row is in clear.
pub(super) fn read_clear(
    fields: &Fields<'_>,
    session: SessionId,
    parts: &[Vec<u8>],
) -> Result<CheckpointRow, Flaw> {
    Ok(CheckpointRow {
        id: fields.parsed("id")?,
        session,
        number: fields.number("number")?,
        name: None,
        cause: fields.text("cause")?,
        taken_at: fields.time("taken_at")?,
        generation: fields.number("generation")?,
        bytes: fields.number("bytes")?,
        kept: fields.truth("kept")?,
        manifest: Vec::new(),
        parts: parts
            .iter()
            .map(|bytes| address(bytes))
            .collect::<Result<_, _>>()?,
    })
}

/// Returns what a manifest's seal is bound to: all of its row that is in clear, and the parts.
pub(super) fn beside(row: &CheckpointRow, number: i64, named: bool) -> Result<Beside, Error> {
    let beside = Beside::of(&row.id.to_string())
        .number(number)
        .text(&row.cause)
        .number(row.taken_at.as_millisecond())
        .number(stored("a generation", row.generation)?)
        .number(stored("a size", row.bytes)?)
        .number(i64::from(row.kept))
        .number(i64::from(named));
    let parts = row.parts.iter();
    Ok(parts.fold(beside, |beside, part| beside.bytes(part.as_bytes())))
}

fn address(bytes: &[u8]) -> Result<BlobAddress, Flaw> {
    let bytes = bytes
        .try_into()
        .map_err(|_| Flaw::of("address", "its length is wrong"))?;
    Ok(BlobAddress::from_bytes(bytes))
}

/// Numbers go on from the highest there ever was, also when that checkpoint was removed.
pub(super) async fn next_number(
    connection: &mut SqliteConnection,
    session: SessionId,
) -> Result<i64, Error> {
    sqlx::query_scalar(
        "SELECT 1 + max(coalesce((SELECT max(number) FROM checkpoints WHERE session = ?), 0), \
         coalesce((SELECT last_number FROM sessions WHERE id = ?), 0))",
    )
    .bind(session.to_string())
    .bind(session.to_string())
    .fetch_one(connection)
    .await
    .map_err(|err| Error::sql(ACTION, err))
}

/// Returns the rolling checkpoints that a new one takes the place of. A damaged one stays.
async fn rolling(
    connection: &mut SqliteConnection,
    session: SessionId,
    key: &DataKey,
) -> Result<Vec<String>, Error> {
    let found = sqlx::query("SELECT * FROM checkpoints WHERE session = ? AND kept = 0")
        .bind(session.to_string())
        .fetch_all(&mut *connection)
        .await
        .map_err(|err| Error::sql(ACTION, err))?;
    let mut good = Vec::with_capacity(found.len());
    for row in &found {
        let id = Fields(row).name("id");
        let parts = parts_of(connection, &id).await?;
        if read(&Fields(row), session, key, &parts).is_ok() {
            good.push(id);
        }
    }
    Ok(good)
}

pub(super) async fn insert(
    connection: &mut SqliteConnection,
    row: &CheckpointRow,
    number: i64,
    parts: &[BlobAddress],
    key: &DataKey,
) -> Result<(), Error> {
    let id = row.id.to_string();
    let listed = CheckpointRow {
        parts: parts.to_vec(),
        manifest: Vec::new(),
        ..row.clone()
    };
    let name = row
        .name
        .as_ref()
        .map(|name| key.seal(NAME, &id, name.expose().as_bytes()));
    let done = sqlx::query(
        "INSERT INTO checkpoints (id, session, number, name, cause, taken_at, generation, bytes, \
         kept, manifest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&id)
    .bind(row.session.to_string())
    .bind(number)
    .bind(name.transpose()?)
    .bind(&row.cause)
    .bind(row.taken_at.as_millisecond())
    .bind(stored("a generation", row.generation)?)
    .bind(stored("a size", row.bytes)?)
    .bind(i64::from(row.kept))
    .bind(key.seal(
        MANIFEST,
        &beside(&listed, number, row.name.is_some())?,
        &row.manifest,
    )?)
    .execute(&mut *connection)
    .await;
    done.map_err(|err| {
        match err
            .as_database_error()
            .is_some_and(|e| e.is_unique_violation())
        {
            true => Error::Exists {
                thing: Thing::Checkpoint,
                id: id.clone(),
            },
            false => Error::sql(ACTION, err),
        }
    })?;
    for (place, part) in (0_i64..).zip(parts) {
        sqlx::query(
            "INSERT INTO checkpoint_parts (checkpoint, place, session, address) \
             VALUES (?, ?, ?, ?)",
        )
        .bind(&id)
        .bind(place)
        .bind(row.session.to_string())
        .bind(part.as_bytes().as_slice())
        .execute(&mut *connection)
        .await
        .map_err(|err| Error::sql(ACTION, err))?;
    }
    Ok(())
}

/// Gives a checkpoint another number, to which it is then sealed. A damaged one stays damaged.
pub(super) async fn renumber(
    connection: &mut SqliteConnection,
    session: SessionId,
    key: &DataKey,
    id: &str,
    number: i64,
) -> Result<(), Error> {
    let fail = |err| Error::sql(ACTION, err);
    let found = sqlx::query("SELECT * FROM checkpoints WHERE id = ? AND session = ?")
        .bind(id)
        .bind(session.to_string())
        .fetch_optional(&mut *connection)
        .await
        .map_err(fail)?;
    let Some(found) = found else { return Ok(()) };
    let parts = parts_of(connection, id).await?;
    let manifest = match read(&Fields(&found), session, key, &parts) {
        Ok(row) => {
            let beside = beside(&row, number, row.name.is_some())?;
            Some(key.seal(MANIFEST, &beside, &row.manifest)?)
        }
        Err(_) => None,
    };
    sqlx::query("UPDATE checkpoints SET number = ?, manifest = coalesce(?, manifest) WHERE id = ?")
        .bind(number)
        .bind(manifest)
        .bind(id)
        .execute(connection)
        .await
        .map_err(fail)?;
    Ok(())
}

/// Deletes a checkpoint and returns the parts that only it pointed to. A shelf of logins goes
/// with its last one.
pub(super) async fn delete(
    connection: &mut SqliteConnection,
    session: SessionId,
    id: &str,
) -> Result<Vec<BlobAddress>, Error> {
    let fail = |err| Error::sql("remove a checkpoint", err);
    let unneeded: Vec<Vec<u8>> = sqlx::query_scalar(
        "SELECT DISTINCT address FROM checkpoint_parts AS mine WHERE checkpoint = ? \
         AND NOT EXISTS (SELECT 1 FROM checkpoint_parts AS other WHERE other.session = ? \
         AND other.address = mine.address AND other.checkpoint <> mine.checkpoint)",
    )
    .bind(id)
    .bind(session.to_string())
    .fetch_all(&mut *connection)
    .await
    .map_err(fail)?;
    for (statement, id) in [
        ("DELETE FROM checkpoint_parts WHERE checkpoint = ?", id),
        ("DELETE FROM checkpoints WHERE id = ?", id),
        (
            "DELETE FROM shelves WHERE id = ? \
             AND NOT EXISTS (SELECT 1 FROM checkpoints WHERE session = shelves.id)",
            &session.to_string(),
        ),
    ] {
        sqlx::query(statement)
            .bind(id)
            .execute(&mut *connection)
            .await
            .map_err(fail)?;
    }
    Ok(unneeded
        .iter()
        .filter_map(|bytes| address(bytes).ok())
        .collect())
}
