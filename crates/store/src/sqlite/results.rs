//! The response store in one table.

use base::{ResultId, SessionId, Timestamp};
use rand::RngCore as _;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::beside::Beside;
use super::fields::{Fields, Flaw, private_text, stored};
use super::{Sqlite, begin};
use crate::keyring::{DataKey, Scope};
use crate::result::{FoundResult, KeptResult, NewResult, ResultBounds, Results};
use crate::{Answer, Error};

const FIELD: &str = "result field";
const TEXT: &str = "result";
const KEEP: &str = "keep a result";
/// Results over their time that go with each new one; the others wait for a collection.
const COLLECTED: i64 = 32;
/// Results that one transaction of a collection removes: the writer is needed elsewhere.
const COLLECTED_AT_ONCE: i64 = 64;
/// The bytes of a handle that are a hash of those before them.
const VOUCHER: usize = 4;

impl Results for Sqlite {
    fn keep<'a>(
        &'a self,
        now: Timestamp,
        bounds: &'a ResultBounds,
        session: Option<SessionId>,
        results: &'a [NewResult],
    ) -> Answer<'a, Vec<ResultId>> {
        Box::pin(async move {
            let bytes = size(results);
            let most = bounds.bytes.min(bounds.total_bytes);
            refuse_over("the bytes of an answer's parts", bytes, most)?;
            let items = bounds.items as u64;
            refuse_over(
                "a number of parts of an answer",
                results.len() as u64,
                items,
            )?;
            let home = self.keys.get(Scope::Home).await?;
            // A session that was removed meanwhile gets no new data key.
            let key = match session {
                Some(session) => self.keys.find(Scope::Session(session)).await?,
                None => None,
            };
            let session = session.filter(|_| key.is_some());
            let key = key.unwrap_or_else(|| home.clone());
            let owner = session.map(|session| session.to_string());
            let expires = after(now, bounds);
            let mut rows = vec![];
            for result in results {
                rows.push(Row::sealed(
                    &key,
                    given(&home, now),
                    owner.as_deref(),
                    expires,
                    result,
                )?);
            }

            let mut connection = self.db.writer().await?;
            let mut change = begin(&mut connection, KEEP).await?;
            forget_over(&mut change, now, COLLECTED).await?;
            let most = (bounds.items as u64).saturating_sub(results.len() as u64);
            make_room(&mut change, owner.as_deref(), most, bounds.bytes - bytes).await?;
            make_room_at_home(&mut change, bounds.total_bytes - bytes).await?;
            for row in &rows {
                row.insert(&mut change, owner.as_deref(), expires).await?;
            }
            change.commit().await.map_err(|err| Error::sql(KEEP, err))?;
            Ok(rows.into_iter().map(|row| row.id).collect())
        })
    }

    fn read(&self, now: Timestamp, id: ResultId) -> Answer<'_, FoundResult> {
        Box::pin(async move {
            let mut connection = self.db.reader().await?;
            let found = sqlx::query("SELECT * FROM results WHERE id = ?")
                .bind(id.to_string())
                .fetch_optional(&mut *connection)
                .await
                .map_err(|err| Error::sql("read a result", err))?;
            drop(connection);
            let Some(row) = found else {
                let home = self.keys.get(Scope::Home).await?;
                return Ok(gone(&home, id));
            };
            let damaged = |flaw: Flaw| flaw.into_error(format!("the result {id}"));
            let fields = Fields(&row);
            let expires_at = fields.time("expires_at").map_err(damaged)?;
            let session: Option<SessionId> = fields.maybe_parsed("session").map_err(damaged)?;
            let key = match session {
                Some(session) => self.keys.find(Scope::Session(session)).await?,
                None => self.keys.find(Scope::Home).await?,
            };
            let key = key.ok_or_else(|| damaged(Flaw::of("data key", "it is gone")))?;
            let result = opened(&row, id, &key).map_err(damaged)?;
            // Only now: a flip in the time must not pass for its end.
            if expires_at <= now {
                let given_at = given_at(id);
                return Ok(FoundResult::Gone { given_at });
            }
            Ok(FoundResult::Kept(Box::new(KeptResult {
                session,
                expires_at,
                result,
            })))
        })
    }

    fn collect(&self, now: Timestamp) -> Answer<'_, u64> {
        Box::pin(async move {
            let mut removed = 0;
            loop {
                let mut connection = self.db.writer().await?;
                let gone = forget_over(&mut connection, now, COLLECTED_AT_ONCE).await?;
                removed += gone;
                if gone < COLLECTED_AT_ONCE as u64 {
                    return Ok(removed);
                }
            }
        })
    }
}

/// Removes what is kept of a session's answers.
pub(super) async fn forget(
    connection: &mut SqliteConnection,
    session: SessionId,
) -> Result<(), Error> {
    sqlx::query("DELETE FROM results WHERE session = ?")
        .bind(session.to_string())
        .execute(connection)
        .await
        .map_err(|err| Error::sql("remove a session's results", err))?;
    Ok(())
}

/// A result as it is stored.
struct Row {
    id: ResultId,
    bytes: i64,
    field: Vec<u8>,
    text: Vec<u8>,
}

impl Row {
    fn sealed(
        key: &DataKey,
        id: ResultId,
        owner: Option<&str>,
        expires: i64,
        result: &NewResult,
    ) -> Result<Self, Error> {
        let text = result.text.expose();
        let bytes = stored("the bytes of a result", text.len() as u64)?;
        let beside = beside(id, owner, expires, bytes);
        Ok(Self {
            id,
            bytes,
            field: key.seal(FIELD, &beside, result.field.as_bytes())?,
            text: key.seal(TEXT, &beside, text.as_bytes())?,
        })
    }

    async fn insert(
        &self,
        connection: &mut SqliteConnection,
        owner: Option<&str>,
        expires: i64,
    ) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO results (id, session, expires_at, bytes, field, text) \
             VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(self.id.to_string())
        .bind(owner)
        .bind(expires)
        .bind(self.bytes)
        .bind(&self.field)
        .bind(&self.text)
        .execute(connection)
        .await
        .map_err(|err| Error::sql(KEEP, err))?;
        Ok(())
    }
}

fn opened(row: &SqliteRow, id: ResultId, key: &DataKey) -> Result<NewResult, Flaw> {
    let fields = Fields(row);
    let owner = fields.maybe_text("session")?;
    let beside = beside(
        id,
        owner.as_deref(),
        fields.number("expires_at")?,
        fields.number("bytes")?,
    );
    let field = fields.opened("field", key, FIELD, &beside)?;
    let text = fields.opened("text", key, TEXT, &beside)?;
    Ok(NewResult {
        field: String::from_utf8(field).map_err(|_| Flaw::of("field", "not text"))?,
        text: private_text("text", text)?,
    })
}

fn beside(id: ResultId, owner: Option<&str>, expires: i64, bytes: i64) -> Beside {
    Beside::of(&id.to_string())
        .maybe_text(owner)
        .number(expires)
        .number(bytes)
}

/// Draws a handle that vouches for itself.
fn given(home: &DataKey, now: Timestamp) -> ResultId {
    let mut bytes = [0; 16];
    rand::rng().fill_bytes(&mut bytes);
    // A UUIDv7: 48 bits of time, its version and variant, the rest as it was drawn.
    let millis = u64::try_from(now.as_millisecond())
        .unwrap_or(0)
        .to_be_bytes();
    bytes[..6].copy_from_slice(&millis[2..]);
    bytes[6] = 0x70 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    let voucher = voucher(home, &bytes);
    bytes[16 - VOUCHER..].copy_from_slice(&voucher);
    ResultId::from_bytes(bytes)
}

fn voucher(home: &DataKey, bytes: &[u8; 16]) -> [u8; VOUCHER] {
    let shown: String = bytes[..16 - VOUCHER]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let hash = home.name_hash("result handle", &[&shown]);
    let mut short = [0; VOUCHER];
    short.copy_from_slice(&hash[..VOUCHER]);
    short
}

/// Tells a handle that was given from one that never was.
fn gone(home: &DataKey, id: ResultId) -> FoundResult {
    let bytes = id.as_bytes();
    if bytes[16 - VOUCHER..] == voucher(home, bytes) {
        let given_at = given_at(id);
        FoundResult::Gone { given_at }
    } else {
        FoundResult::Unknown
    }
}

fn given_at(id: ResultId) -> Timestamp {
    let mut millis = [0; 8];
    millis[2..].copy_from_slice(&id.as_bytes()[..6]);
    let millis = i64::try_from(u64::from_be_bytes(millis)).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
}

fn after(now: Timestamp, bounds: &ResultBounds) -> i64 {
    let ttl = i64::try_from(bounds.ttl.as_millis()).unwrap_or(i64::MAX);
    now.as_millisecond()
        .saturating_add(ttl)
        .min(Timestamp::MAX.as_millisecond())
}

fn size(results: &[NewResult]) -> u64 {
    results
        .iter()
        .map(|result| result.text.expose().len() as u64)
        .sum()
}

fn refuse_over(what: &'static str, found: u64, limit: u64) -> Result<(), Error> {
    if limit < found {
        return Err(Error::TooLarge { what, found, limit });
    }
    Ok(())
}

async fn forget_over(
    connection: &mut SqliteConnection,
    now: Timestamp,
    most: i64,
) -> Result<u64, Error> {
    let done = sqlx::query(
        "DELETE FROM results WHERE number IN \
         (SELECT number FROM results WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)",
    )
    .bind(now.as_millisecond())
    .bind(most)
    .execute(connection)
    .await
    .map_err(|err| Error::sql("remove results whose time is over", err))?;
    Ok(done.rows_affected())
}

/// Removes a session's oldest results until there are so many at the most.
async fn make_room(
    connection: &mut SqliteConnection,
    owner: Option<&str>,
    items: u64,
    bytes: u64,
) -> Result<(), Error> {
    let there: Vec<(i64, i64)> =
        sqlx::query_as("SELECT number, bytes FROM results WHERE session IS ? ORDER BY number DESC")
            .bind(owner)
            .fetch_all(&mut *connection)
            .await
            .map_err(|err| Error::sql(KEEP, err))?;
    let Some(last) = last_to_go(&there, items, bytes) else {
        return Ok(());
    };
    sqlx::query("DELETE FROM results WHERE session IS ? AND number <= ?")
        .bind(owner)
        .bind(last)
        .execute(connection)
        .await
        .map_err(|err| Error::sql(KEEP, err))?;
    Ok(())
}

/// Removes the home's oldest results until they have so many bytes at the most.
async fn make_room_at_home(connection: &mut SqliteConnection, bytes: u64) -> Result<(), Error> {
    let fail = |err| Error::sql(KEEP, err);
    let sum: i64 = sqlx::query_scalar("SELECT COALESCE(sum(bytes), 0) FROM results")
        .fetch_one(&mut *connection)
        .await
        .map_err(fail)?;
    if u64::try_from(sum).unwrap_or(u64::MAX) <= bytes {
        return Ok(());
    }
    let there: Vec<(i64, i64)> =
        sqlx::query_as("SELECT number, bytes FROM results ORDER BY number DESC")
            .fetch_all(&mut *connection)
            .await
            .map_err(fail)?;
    let Some(last) = last_to_go(&there, u64::MAX, bytes) else {
        return Ok(());
    };
    sqlx::query("DELETE FROM results WHERE number <= ?")
        .bind(last)
        .execute(connection)
        .await
        .map_err(fail)?;
    Ok(())
}

/// Returns the newest of the results that have to go, of those there are, newest first.
fn last_to_go(there: &[(i64, i64)], items: u64, bytes: u64) -> Option<i64> {
    let mut sum = 0u64;
    for (place, (number, size)) in there.iter().enumerate() {
        sum = sum.saturating_add(u64::try_from(*size).unwrap_or(u64::MAX));
        if items <= place as u64 || bytes < sum {
            return Some(*number);
        }
    }
    None
}
