//! The keys of calls. Every change is durable: a key that a loss of power could take back
//! would let its call be done twice.

use base::{CallId, Timestamp};
use sqlx::{Row, SqliteConnection};

use super::fields::{Fields, stored};
use super::{Sqlite, begin, lock};
use crate::call_key::{Begun, CallKeys, CallPrint, KEY_AGE, KeyedCall, MOST_KEYS, Unsent};
use crate::keyring::Scope;
use crate::{Answer, CallState, Error, Thing};

const BEGIN: &str = "take a call with a key";

impl CallKeys for Sqlite {
    fn print<'a>(&'a self, key: &'a str, call: &'a str) -> Answer<'a, CallPrint> {
        Box::pin(async move {
            let home = self.keys.get(Scope::Home).await?;
            Ok(CallPrint {
                key: home.name_hash("call key", &[key]),
                arguments: home.name_hash("call", &[call]),
            })
        })
    }

    fn begin<'a>(&'a self, call: &'a KeyedCall) -> Answer<'a, Begun> {
        Box::pin(async move {
            let fail = |err| Error::sql(BEGIN, err);
            let mut connection = self.db.durable().await?;
            let mut change = begin(&mut connection, BEGIN).await?;
            let found = sqlx::query("SELECT * FROM calls WHERE key_scope = ? AND key_hash = ?")
                .bind(&call.scope)
                .bind(call.print.key.as_slice())
                .fetch_optional(&mut *change)
                .await
                .map_err(fail)?;
            let Some(row) = found else {
                make_room(&mut change, call.at).await?;
                insert(&mut change, call).await?;
                change.commit().await.map_err(fail)?;
                return Ok(self.begun(call.id));
            };
            let fields = Fields(&row);
            let read = || -> Result<(CallId, CallState, Timestamp, String), super::fields::Flaw> {
                let (id, state) = (fields.parsed("id")?, fields.parsed("state")?);
                Ok((id, state, fields.time("at")?, fields.text("operation")?))
            };
            let (id, state, at, operation) = read().map_err(|flaw| {
                flaw.into_error(format!("the row of call {}", fields.name("id")))
            })?;
            if is_over(at, call.at) {
                free(&mut change, id).await?;
                insert(&mut change, call).await?;
                change.commit().await.map_err(fail)?;
                return Ok(self.begun(call.id));
            }
            let arguments: Vec<u8> = row.try_get("arguments").map_err(fail)?;
            if arguments != call.print.arguments {
                return Ok(Begun::Other(operation));
            }
            if state == CallState::Accepted {
                let again = sqlx::query("UPDATE calls SET epoch = ?, at = ? WHERE id = ?")
                    .bind(stored("an epoch", call.epoch)?)
                    .bind(call.at.as_millisecond())
                    .bind(id.to_string());
                again.execute(&mut *change).await.map_err(fail)?;
                change.commit().await.map_err(fail)?;
                return Ok(self.begun(id));
            }
            drop(change);
            drop(connection);
            let held = self.one_call(Some(row)).await?;
            let held = held.ok_or_else(|| Error::NotFound {
                thing: Thing::Call,
                id: id.to_string(),
            })?;
            Ok(Begun::Held(Box::new(held)))
        })
    }

    fn end<'a>(
        &'a self,
        id: CallId,
        state: CallState,
        outcome: Option<&'a [u8]>,
        unsent: Unsent,
    ) -> Answer<'a, ()> {
        Box::pin(async move {
            let fail = |err| Error::sql("finish a call with a key", err);
            let session = self.session_of(id).await?.flatten();
            let outcome = match outcome {
                Some(outcome) => Some(self.seal_outcome(session, id, outcome).await?),
                None => None,
            };
            let mut connection = self.db.durable().await?;
            let mut change = begin(&mut connection, "finish a call with a key").await?;
            let before: Option<String> = sqlx::query_scalar("SELECT state FROM calls WHERE id = ?")
                .bind(id.to_string())
                .fetch_optional(&mut *change)
                .await
                .map_err(fail)?;
            let accepted = before.as_deref() == Some(CallState::Accepted.as_str());
            let not_done = accepted && state != CallState::Done;
            if not_done && unsent == Unsent::Stays {
                lock(&self.keyed_calls).remove(&id);
                return Ok(());
            }
            sqlx::query(
                "UPDATE calls SET state = ?, outcome = ? \
                 WHERE id = ? AND state IN ('accepted', 'sent')",
            )
            .bind(state.as_str())
            .bind(outcome)
            .bind(id.to_string())
            .execute(&mut *change)
            .await
            .map_err(fail)?;
            if not_done || state == CallState::NotStarted {
                free(&mut change, id).await?;
            }
            change.commit().await.map_err(fail)?;
            lock(&self.open_calls).remove(&id);
            lock(&self.keyed_calls).remove(&id);
            Ok(())
        })
    }

    fn forget_keys(&self, now: Timestamp) -> Answer<'_, u64> {
        Box::pin(async move {
            let mut connection = self.db.writer().await?;
            forget(&mut connection, now).await
        })
    }
}

impl Sqlite {
    fn begun(&self, id: CallId) -> Begun {
        self.remember_session(id, None);
        lock(&self.keyed_calls).insert(id);
        Begun::Do(id)
    }
}

async fn insert(connection: &mut SqliteConnection, call: &KeyedCall) -> Result<(), Error> {
    let done = sqlx::query(
        "INSERT INTO calls (id, operation, state, epoch, at, key_scope, key_hash, arguments) \
         VALUES (?, ?, 'accepted', ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
    )
    .bind(call.id.to_string())
    .bind(&call.operation)
    .bind(stored("an epoch", call.epoch)?)
    .bind(call.at.as_millisecond())
    .bind(&call.scope)
    .bind(call.print.key.as_slice())
    .bind(call.print.arguments.as_slice())
    .execute(connection)
    .await
    .map_err(|err| Error::sql(BEGIN, err))?;
    if done.rows_affected() == 0 {
        return Err(Error::Exists {
            thing: Thing::Call,
            id: call.id.to_string(),
        });
    }
    Ok(())
}

/// Sees to it that one more key may be held.
async fn make_room(connection: &mut SqliteConnection, now: Timestamp) -> Result<(), Error> {
    if count(connection).await? < MOST_KEYS {
        return Ok(());
    }
    forget(connection, now).await?;
    let held = count(connection).await?;
    if held < MOST_KEYS {
        return Ok(());
    }
    Err(Error::TooLarge {
        what: "a number of idempotency keys of the last 24 hours",
        found: held + 1,
        limit: MOST_KEYS,
    })
}

async fn count(connection: &mut SqliteConnection) -> Result<u64, Error> {
    // Of the index of keys alone: a millisecond when it is full.
    let held: i64 = sqlx::query_scalar("SELECT count(*) FROM calls WHERE key_hash IS NOT NULL")
        .fetch_one(connection)
        .await
        .map_err(|err| Error::sql(BEGIN, err))?;
    Ok(u64::try_from(held).unwrap_or_default())
}

async fn free(connection: &mut SqliteConnection, id: CallId) -> Result<(), Error> {
    sqlx::query(
        "UPDATE calls SET key_scope = NULL, key_hash = NULL, arguments = NULL WHERE id = ?",
    )
    .bind(id.to_string())
    .execute(connection)
    .await
    .map_err(|err| Error::sql("let go of a call's key", err))?;
    Ok(())
}

async fn forget(connection: &mut SqliteConnection, now: Timestamp) -> Result<u64, Error> {
    let oldest = now.as_millisecond().saturating_sub(age_ms());
    let done = sqlx::query(
        "UPDATE calls SET key_scope = NULL, key_hash = NULL, arguments = NULL \
         WHERE key_hash IS NOT NULL AND at < ?",
    )
    .bind(oldest)
    .execute(connection)
    .await
    .map_err(|err| Error::sql("let go of old keys", err))?;
    Ok(done.rows_affected())
}

fn is_over(at: Timestamp, now: Timestamp) -> bool {
    at.as_millisecond() < now.as_millisecond().saturating_sub(age_ms())
}

fn age_ms() -> i64 {
    i64::try_from(KEY_AGE.as_millis()).unwrap_or(i64::MAX)
}
