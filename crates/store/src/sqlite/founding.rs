//! Checkpoints that no capture made: the first of a new session, and those that come beside
//! the newest one of a session that is there.

use crate::keyring::Scope;
use crate::{BlobAddress, Error, SessionRow, Thing, Unpublished};

use super::checkpoints::{ACTION, insert, next_number, renumber};
use super::{Sqlite, begin, sessions};

impl Sqlite {
    /// Stores a session and its first checkpoint.
    pub(super) async fn found_session(
        &self,
        session: &SessionRow,
        first: Unpublished,
    ) -> Result<(), Error> {
        let fail = |err| Error::sql(ACTION, err);
        let Unpublished { row, parts } = first;
        let key = self.keys.get(Scope::Session(session.id)).await?;
        let sealed = self.seal_session(session).await?;
        let _publishing = self.publishing.lock().await;
        self.all_there(session.id, &parts).await?;
        let mut connection = self.db.durable().await?;
        let mut change = begin(&mut connection, ACTION).await?;
        sessions::insert(&mut change, session, sealed).await?;
        insert(&mut change, &row, 1, &parts, &key).await?;
        sqlx::query("UPDATE sessions SET latest_checkpoint = ?, last_number = 1 WHERE id = ?")
            .bind(row.id.to_string())
            .bind(session.id.to_string())
            .execute(&mut *change)
            .await
            .map_err(fail)?;
        change.commit().await.map_err(fail)?;
        drop(connection);
        self.good_sessions.add(session.id);
        self.blobs.unpin(session.id, &parts);
        Ok(())
    }

    /// Publishes a checkpoint right below the newest one, which gets a number of its own.
    pub(super) async fn publish_older(&self, checkpoint: Unpublished) -> Result<(), Error> {
        let fail = |err| Error::sql(ACTION, err);
        let Unpublished { row, parts } = checkpoint;
        let session = row.session;
        let key = self.keys.get(Scope::Session(session)).await?;
        let _publishing = self.publishing.lock().await;
        self.all_there(session, &parts).await?;
        let mut connection = self.db.durable().await?;
        let mut change = begin(&mut connection, ACTION).await?;
        let number = next_number(&mut change, session).await?;
        let newest: Option<String> =
            sqlx::query_scalar("SELECT latest_checkpoint FROM sessions WHERE id = ?")
                .bind(session.to_string())
                .fetch_optional(&mut *change)
                .await
                .map_err(fail)?
                .ok_or_else(|| Error::NotFound {
                    thing: Thing::Session,
                    id: session.to_string(),
                })?;
        if let Some(newest) = &newest {
            renumber(&mut change, session, &key, newest, number + 1).await?;
        }
        insert(&mut change, &row, number, &parts, &key).await?;
        sqlx::query(
            "UPDATE sessions SET latest_checkpoint = coalesce(latest_checkpoint, ?), \
             last_number = ? WHERE id = ?",
        )
        .bind(row.id.to_string())
        .bind(number + 1)
        .bind(session.to_string())
        .execute(&mut *change)
        .await
        .map_err(fail)?;
        change.commit().await.map_err(fail)?;
        drop(connection);
        self.blobs.unpin(session, &parts);
        Ok(())
    }

    /// Refuses to publish what points to a part that isn't there.
    pub(super) async fn all_there(
        &self,
        session: base::SessionId,
        parts: &[BlobAddress],
    ) -> Result<(), Error> {
        match self.blobs.missing(session, parts).await? {
            None => Ok(()),
            Some(part) => Err(Error::NotFound {
                thing: Thing::Blob,
                id: part.to_string(),
            }),
        }
    }
}
