//! The journal.

use std::sync::Arc;

use base::{CallId, SessionId, Timestamp};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::fields::{Fields, Flaw, stored};
use super::{Sqlite, lock};
use crate::keyring::{DataKey, Scope};
use crate::{Answer, CallRow, CallState, Calls, Error, Listed, Thing};

const OUTCOME: &str = "call outcome";
/// Calls kept of a session, and of the daemon.
const KEPT: i64 = 1000;
/// How long a call is kept.
const AGE_MS: i64 = 7 * 24 * 3600 * 1000;
/// A session's journal is cut to size once per so many calls.
const BETWEEN_CUTS: u32 = 100;
/// Sessions whose calls are counted; over this all are counted anew.
const COUNTED: usize = 1024;
/// Open calls whose session is held in memory; over this it is read from the table.
const OPEN: usize = 4096;

impl Calls for Sqlite {
    fn record<'a>(&'a self, row: &'a CallRow) -> Answer<'a, ()> {
        Box::pin(async move {
            let outcome = match &row.outcome {
                Some(outcome) => Some(self.seal_outcome(row.session, row.id, outcome).await?),
                None => None,
            };
            let mut connection = if lock(&self.keyed_calls).contains(&row.id) {
                self.db.durable().await?
            } else {
                self.db.writer().await?
            };
            let done = sqlx::query(
                "INSERT INTO calls (id, session, operation, state, epoch, cdp_id, cdp_session, \
                 at, outcome) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) \
                 ON CONFLICT (id) DO UPDATE SET session = excluded.session, \
                 state = excluded.state, epoch = excluded.epoch, cdp_id = excluded.cdp_id, cdp_session = excluded.cdp_session \
                 WHERE (calls.session IS excluded.session OR calls.session IS NULL) AND (calls.state = 'accepted' OR \
                 (calls.state = 'sent' AND excluded.state = 'sent' \
                 AND calls.epoch = excluded.epoch))",
            )
            .bind(row.id.to_string())
            .bind(row.session.map(|id| id.to_string()))
            .bind(&row.operation)
            .bind(row.state.as_str())
            .bind(stored("an epoch", row.epoch)?)
            .bind(row.cdp_id.map(i64::from))
            .bind(&row.cdp_session)
            .bind(row.at.as_millisecond())
            .bind(outcome)
            .execute(&mut *connection)
            .await
            .map_err(|err| Error::sql("record a call", err))?;
            if done.rows_affected() == 0 {
                return Err(Error::Exists {
                    thing: Thing::Call,
                    id: row.id.to_string(),
                });
            }
            self.remember_session(row.id, row.session);
            if self.is_time_to_cut(row.session) {
                cut(&mut connection, row.session, row.at).await?;
            }
            Ok(())
        })
    }

    fn finish<'a>(
        &'a self,
        id: CallId,
        state: CallState,
        outcome: Option<&'a [u8]>,
    ) -> Answer<'a, bool> {
        Box::pin(async move {
            let missing = || Error::NotFound {
                thing: Thing::Call,
                id: id.to_string(),
            };
            let outcome = match outcome {
                Some(outcome) => {
                    let session = self.session_of(id).await?.ok_or_else(missing)?;
                    Some(self.seal_outcome(session, id, outcome).await?)
                }
                None => None,
            };
            let fail = |err| Error::sql("finish a call", err);
            let mut connection = self.db.writer().await?;
            let done = sqlx::query(
                "UPDATE calls SET state = ?, outcome = ? \
                 WHERE id = ? AND state IN ('accepted', 'sent')",
            )
            .bind(state.as_str())
            .bind(outcome)
            .bind(id.to_string())
            .execute(&mut *connection)
            .await
            .map_err(fail)?;
            lock(&self.open_calls).remove(&id);
            if 0 < done.rows_affected() {
                return Ok(true);
            }
            let known: Option<i64> = sqlx::query_scalar("SELECT 1 FROM calls WHERE id = ?")
                .bind(id.to_string())
                .fetch_optional(&mut *connection)
                .await
                .map_err(fail)?;
            known.map(|_| false).ok_or_else(missing)
        })
    }

    fn get(&self, id: CallId) -> Answer<'_, Option<CallRow>> {
        Box::pin(async move {
            let mut connection = self.db.reader().await?;
            let found = sqlx::query("SELECT * FROM calls WHERE id = ?")
                .bind(id.to_string())
                .fetch_optional(&mut *connection)
                .await
                .map_err(|err| Error::sql("read a call", err))?;
            drop(connection);
            self.one_call(found).await
        })
    }

    fn open_of(&self, session: SessionId) -> Answer<'_, Listed<CallRow>> {
        Box::pin(async move {
            let mut connection = self.db.reader().await?;
            let found = sqlx::query(
                "SELECT * FROM calls WHERE session = ? AND state IN ('accepted', 'sent') \
                 ORDER BY number",
            )
            .bind(session.to_string())
            .fetch_all(&mut *connection)
            .await
            .map_err(|err| Error::sql("list open calls", err))?;
            drop(connection);
            let mut listed = Listed::default();
            for row in &found {
                let read = self.read_call(row).await?;
                listed.add(|| Fields(row).name("id"), read);
            }
            Ok(listed)
        })
    }

    fn by_cdp_id(&self, session: SessionId, cdp_id: u32) -> Answer<'_, Option<CallRow>> {
        Box::pin(async move {
            let mut connection = self.db.reader().await?;
            let found = sqlx::query(
                "SELECT * FROM calls WHERE session = ? AND cdp_id = ? \
                 AND state IN ('accepted', 'sent') ORDER BY number DESC LIMIT 1",
            )
            .bind(session.to_string())
            .bind(i64::from(cdp_id))
            .fetch_optional(&mut *connection)
            .await
            .map_err(|err| Error::sql("read a call", err))?;
            drop(connection);
            self.one_call(found).await
        })
    }
}

impl Sqlite {
    /// Cuts every session's journal to size: what a daemon's death has left uncut.
    pub(super) async fn cut_journal(&self) -> Result<(), Error> {
        let fail = |err| Error::sql("list the journal", err);
        let mut connection = self.db.writer().await?;
        let newest: Option<i64> = sqlx::query_scalar("SELECT max(at) FROM calls")
            .fetch_one(&mut *connection)
            .await
            .map_err(fail)?;
        let Some(newest) = newest.and_then(|at| Timestamp::from_millisecond(at).ok()) else {
            return Ok(());
        };
        let sessions: Vec<Option<String>> =
            sqlx::query_scalar("SELECT session FROM calls GROUP BY session HAVING count(*) > ?")
                .bind(KEPT)
                .fetch_all(&mut *connection)
                .await
                .map_err(fail)?;
        for session in sessions {
            let session = session.and_then(|id| id.parse().ok());
            cut(&mut connection, session, newest).await?;
        }
        cut(&mut connection, None, newest).await
    }

    fn is_time_to_cut(&self, session: Option<SessionId>) -> bool {
        let mut recorded = lock(&self.recorded);
        if COUNTED <= recorded.len() {
            recorded.clear();
        }
        let count = recorded.entry(session).or_default();
        *count = (*count + 1) % BETWEEN_CUTS;
        *count == 0
    }

    pub(super) fn remember_session(&self, id: CallId, session: Option<SessionId>) {
        let mut open = lock(&self.open_calls);
        if OPEN <= open.len() {
            open.clear();
        }
        open.insert(id, session);
    }

    /// Returns which session a call belongs to, so whose key its outcome is sealed with.
    pub(super) async fn session_of(&self, id: CallId) -> Result<Option<Option<SessionId>>, Error> {
        if let Some(session) = lock(&self.open_calls).get(&id) {
            return Ok(Some(*session));
        }
        let mut connection = self.db.reader().await?;
        let found: Option<Option<String>> =
            sqlx::query_scalar("SELECT session FROM calls WHERE id = ?")
                .bind(id.to_string())
                .fetch_optional(&mut *connection)
                .await
                .map_err(|err| Error::sql("read a call", err))?;
        let parsed = found
            .map(|session| session.map(|id| id.parse()).transpose())
            .transpose();
        parsed.map_err(|_| Error::corrupt(format!("the row of call {id}"), "session: not an id"))
    }

    pub(super) async fn seal_outcome(
        &self,
        session: Option<SessionId>,
        id: CallId,
        outcome: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let key = self.keys.get(scope(session)).await?;
        key.seal(OUTCOME, &id.to_string(), outcome)
    }

    pub(super) async fn one_call(
        &self,
        found: Option<SqliteRow>,
    ) -> Result<Option<CallRow>, Error> {
        let Some(row) = found else { return Ok(None) };
        let read = self.read_call(&row).await?;
        read.map(Some)
            .map_err(|flaw| flaw.into_error(format!("the row of call {}", Fields(&row).name("id"))))
    }

    async fn read_call(&self, row: &SqliteRow) -> Result<Result<CallRow, Flaw>, Error> {
        let fields = Fields(row);
        let session = match fields.maybe_parsed("session") {
            Ok(session) => session,
            Err(flaw) => return Ok(Err(flaw)),
        };
        // Most calls that are read are open and have nothing sealed yet.
        let key = match fields.maybe_bytes("outcome") {
            Ok(None) => None,
            _ => match self.keys.find(scope(session)).await {
                Ok(key) => key,
                Err(Error::Corrupt { what, reason, .. }) => {
                    return Ok(Err(Flaw::of(&what, reason)));
                }
                Err(err) => return Err(err),
            },
        };
        Ok(read(&fields, session, key))
    }
}

fn scope(session: Option<SessionId>) -> Scope {
    session.map_or(Scope::Home, Scope::Session)
}

fn read(
    fields: &Fields<'_>,
    session: Option<SessionId>,
    key: Option<Arc<DataKey>>,
) -> Result<CallRow, Flaw> {
    let id: CallId = fields.parsed("id")?;
    let outcome = match (fields.maybe_bytes("outcome")?, key) {
        (None, _) => None,
        (Some(_), None) => return Err(Flaw::of("outcome", "its data key is gone")),
        (Some(_), Some(key)) => fields.maybe_opened("outcome", &key, OUTCOME, &id.to_string())?,
    };
    Ok(CallRow {
        id,
        session,
        operation: fields.text("operation")?,
        state: fields.parsed("state")?,
        epoch: fields.number("epoch")?,
        cdp_id: fields.maybe_number("cdp_id")?,
        cdp_session: fields.maybe_text("cdp_session")?,
        at: fields.time("at")?,
        outcome,
    })
}

/// Removes what is over the bounds: of this session by number, of all by age.
async fn cut(
    connection: &mut SqliteConnection,
    session: Option<SessionId>,
    now: Timestamp,
) -> Result<(), Error> {
    let fail = |err| Error::sql("cut the journal to size", err);
    let session = session.map(|id| id.to_string());
    sqlx::query(
        "DELETE FROM calls WHERE session IS ? AND key_hash IS NULL \
         AND number < (SELECT number FROM calls \
         WHERE session IS ? ORDER BY number DESC LIMIT 1 OFFSET ?)",
    )
    .bind(&session)
    .bind(&session)
    .bind(KEPT - 1)
    .execute(&mut *connection)
    .await
    .map_err(fail)?;
    sqlx::query("DELETE FROM calls WHERE at < ? AND key_hash IS NULL")
        .bind(now.as_millisecond().saturating_sub(AGE_MS))
        .execute(connection)
        .await
        .map_err(fail)?;
    Ok(())
}
