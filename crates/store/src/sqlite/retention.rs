//! The removal of what need not be kept.

use std::collections::BTreeSet;

use base::{CheckpointId, SessionId, Timestamp};

use super::{Sqlite, begin};
use crate::keyring::Scope;
use crate::retention::{Collected, EXPLICIT, Retention, Retentions};
use crate::{Answer, CheckpointRow, Checkpoints, Error, Logins, Results, SessionRow, Sessions};

const FORGET: &str = "remove a session";

impl Retentions for Sqlite {
    fn thin(&self, session: SessionId, retention: Retention, now: Timestamp) -> Answer<'_, u64> {
        Box::pin(async move {
            let listed = Checkpoints::list(self, session).await?;
            let mut removed = 0;
            for id in doomed(&listed.rows, retention, now) {
                removed += u64::from(Checkpoints::remove(self, id).await?);
            }
            Ok(removed)
        })
    }

    fn collect<'a>(
        &'a self,
        retention: Retention,
        now: Timestamp,
        in_use: &'a [SessionId],
    ) -> Answer<'a, Collected> {
        Box::pin(async move {
            let mut collected = Collected::default();
            let listed = Sessions::list(self).await?;
            for row in &listed.rows {
                let session = row.id;
                let done = if is_over(row, retention, now) && !in_use.contains(&session) {
                    self.forget(row).await.map(|gone| {
                        collected.sessions += u64::from(gone);
                    })
                } else {
                    self.tidy(session, retention, now, &mut collected).await
                };
                if let Err(err) = done {
                    tracing::warn!(%session, %err, "what need not be kept was not removed");
                }
            }
            let shelves = self.collect_logins(retention, now, &mut collected).await?;
            collected.results = Results::collect(self, now).await?;
            // Of a damaged row it can't be told whose blobs it speaks for.
            if listed.damaged.is_empty() && shelves {
                collected.leftovers += self.remove_orphans().await?;
            }
            Ok(collected)
        })
    }
}

/// Returns the checkpoints that have to go, of a session's good ones, newest first.
fn doomed(rows: &[CheckpointRow], retention: Retention, now: Timestamp) -> Vec<CheckpointId> {
    let mut automatic = 0;
    let mut doomed = vec![];
    for (place, row) in rows.iter().enumerate() {
        let goes = if !row.kept {
            // The rolling one goes when the next one comes.
            false
        } else if row.cause == EXPLICIT {
            Retention::is_over(retention.asked_for, row.taken_at, now)
        } else {
            automatic += 1;
            retention.versions.is_some_and(|most| most < automatic)
        };
        if goes && 0 < place {
            doomed.push(row.id);
        }
    }
    doomed
}

fn is_over(row: &SessionRow, retention: Retention, now: Timestamp) -> bool {
    let closed = row.closed_at.filter(|_| row.is_closed());
    closed.is_some_and(|since| Retention::is_over(retention.closed, since, now))
}

impl Sqlite {
    /// Removes logins that need not be kept; tells whether every shelf reads back.
    async fn collect_logins(
        &self,
        retention: Retention,
        now: Timestamp,
        collected: &mut Collected,
    ) -> Result<bool, Error> {
        let listed = self.shelves().await?;
        for damaged in &listed.damaged {
            let (id, reason) = (&damaged.id, &damaged.reason);
            tracing::error!(id, reason, "a shelf of logins is damaged");
        }
        for shelf in listed.rows {
            let mut of_shelf = Collected::default();
            if let Err(err) = self.tidy(shelf.id, retention, now, &mut of_shelf).await {
                tracing::warn!(shelf = %shelf.id, %err, "old logins were not removed");
            }
            collected.logins += of_shelf.checkpoints;
            collected.leftovers += of_shelf.leftovers;
        }
        Ok(listed.damaged.is_empty())
    }

    async fn tidy(
        &self,
        session: SessionId,
        retention: Retention,
        now: Timestamp,
        collected: &mut Collected,
    ) -> Result<(), Error> {
        collected.checkpoints += self.thin(session, retention, now).await?;
        let _publishing = self.publishing.lock().await;
        collected.leftovers += self.sweep(session).await?;
        Ok(())
    }

    /// Removes a closed session with all it has; tells whether it was still there and closed.
    async fn forget(&self, row: &SessionRow) -> Result<bool, Error> {
        let fail = |err| Error::sql(FORGET, err);
        let id = row.id.to_string();
        let _publishing = self.publishing.lock().await;
        let mut connection = self.db.writer().await?;
        let mut change = begin(&mut connection, FORGET).await?;
        // It may have been resumed, or closed anew, since its row was read.
        let done =
            sqlx::query("DELETE FROM sessions WHERE id = ? AND state = 'closed' AND closed_at = ?")
                .bind(&id)
                .bind(row.closed_at.map(|at| at.as_millisecond()))
                .execute(&mut *change)
                .await
                .map_err(fail)?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        for statement in [
            "DELETE FROM checkpoint_parts WHERE session = ?",
            "DELETE FROM checkpoints WHERE session = ?",
            "DELETE FROM tabs WHERE session = ?",
            "DELETE FROM session_settings WHERE session = ?",
            "DELETE FROM downloads WHERE session = ?",
            "DELETE FROM results WHERE session = ?",
            "DELETE FROM calls WHERE session = ?",
            "DELETE FROM browsers WHERE session = ?",
        ] {
            sqlx::query(statement)
                .bind(&id)
                .execute(&mut *change)
                .await
                .map_err(fail)?;
        }
        // Without its key, what is left of it anywhere can't be read any more.
        sqlx::query("DELETE FROM data_keys WHERE scope = ?")
            .bind(Scope::Session(row.id).to_string())
            .execute(&mut *change)
            .await
            .map_err(fail)?;
        change.commit().await.map_err(fail)?;
        drop(connection);
        self.keys.forget(Scope::Session(row.id));
        self.blobs.release(row.id);
        self.blobs.forget(row.id).await?;
        Ok(true)
    }

    /// Removes the blobs of sessions and shelves that no row tells of: a crash came between the
    /// two, or a shelf's last login went.
    async fn remove_orphans(&self) -> Result<u64, Error> {
        let there = self.blobs.sessions().await?;
        let mut connection = self.db.reader().await?;
        // Damaged rows count, too.
        let known: Vec<String> =
            sqlx::query_scalar("SELECT id FROM sessions UNION ALL SELECT id FROM shelves")
                .fetch_all(&mut *connection)
                .await
                .map_err(|err| Error::sql("list the sessions", err))?;
        drop(connection);
        let known: BTreeSet<String> = known.into_iter().collect();
        let mut removed = 0;
        for session in there {
            if known.contains(&session.to_string()) || self.blobs.is_being_made(session) {
                continue;
            }
            // It may have been stored since the rows were listed; then it keeps all it has.
            if self.forget_key(session).await? {
                removed += u64::from(self.blobs.forget(session).await?);
            }
        }
        Ok(removed)
    }

    /// Removes the data key of a session or shelf that no row tells of; tells whether there is
    /// no row.
    async fn forget_key(&self, session: SessionId) -> Result<bool, Error> {
        let fail = |err| Error::sql(FORGET, err);
        let id = session.to_string();
        let mut connection = self.db.writer().await?;
        let mut change = begin(&mut connection, FORGET).await?;
        let there: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM sessions WHERE id = ?) \
             OR EXISTS (SELECT 1 FROM shelves WHERE id = ?)",
        )
        .bind(&id)
        .bind(&id)
        .fetch_one(&mut *change)
        .await
        .map_err(fail)?;
        if there {
            return Ok(false);
        }
        sqlx::query("DELETE FROM data_keys WHERE scope = ?")
            .bind(Scope::Session(session).to_string())
            .execute(&mut *change)
            .await
            .map_err(fail)?;
        change.commit().await.map_err(fail)?;
        drop(connection);
        self.keys.forget(Scope::Session(session));
        Ok(true)
    }
}
