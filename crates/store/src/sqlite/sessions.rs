//! The table of sessions.

use std::sync::Arc;

use base::{Private, SessionId, SessionKey, StateName, TabId};
use serde::{Deserialize, Serialize};
use sqlx::SqliteConnection;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};

use super::Sqlite;
use super::beside::Beside;
use super::fields::{Fields, Flaw, stored};
use super::results;
use crate::key::push_hex;
use crate::keyring::{DataKey, Scope};
use crate::{Answer, Attached, Damaged, Error, Lifetime, Listed, SessionRow, Sessions, Thing};

pub(super) const PRIVATE: &str = "session";
const RECOVERED: &str = "session recovered";

/// What of a session is sealed, in one piece, bound to the columns beside it.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Sealed {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    labels: Vec<(String, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    url: String,
    title: String,
    lifetime: Lifetime,
    #[serde(skip_serializing_if = "Option::is_none")]
    attached: Option<Attached>,
}

impl Sessions for Sqlite {
    fn insert<'a>(&'a self, row: &'a SessionRow) -> Answer<'a, ()> {
        Box::pin(async move {
            let sealed = self.seal_session(row).await?;
            let mut connection = self.db.writer().await?;
            insert(&mut connection, row, sealed).await?;
            self.good_sessions.add(row.id);
            Ok(())
        })
    }

    fn put<'a>(&'a self, row: &'a SessionRow) -> Answer<'a, ()> {
        Box::pin(async move {
            let missing = || Error::NotFound {
                thing: Thing::Session,
                id: row.id.to_string(),
            };
            if !self.good_sessions.has(row.id) {
                // A damaged row is evidence, and perhaps all that is left: it isn't replaced.
                Sessions::get(self, row.id).await?.ok_or_else(missing)?;
            }
            let sealed = self.seal_session(row).await?;
            let mut connection = self.db.writer().await?;
            // A row read before a publish names a checkpoint that may be replaced by now, so
            // what publishing has set stays.
            let query = sqlx::query(
                "UPDATE sessions SET key_hash = ?, profile_hash = ?, state = ?, cause = ?, \
                 generation = ?, created_at = ?, last_activity = ?, closed_at = ?, \
                 call_count = ?, browser = ?, active_tab = ?, next_tab = ?, \
                 latest_checkpoint = COALESCE(latest_checkpoint, ?), recovered_told = ?, \
                 failures = ?, private = ?, recovered = ? WHERE id = ?",
            );
            let hash = sealed.hashes.key.clone();
            match bind(query, row, sealed)?.execute(&mut *connection).await {
                Ok(done) if done.rows_affected() == 1 => {}
                Ok(_) => return Err(missing()),
                Err(err) => return Err(refusal(&mut connection, row, hash, err).await),
            }
            if row.is_closed() {
                // Nobody reads on in a session that is closed.
                results::forget(&mut connection, row.id).await?;
            }
            Ok(())
        })
    }

    fn get(&self, id: SessionId) -> Answer<'_, Option<SessionRow>> {
        Box::pin(async move {
            let mut connection = self.db.reader().await?;
            let found = sqlx::query("SELECT * FROM sessions WHERE id = ?")
                .bind(id.to_string())
                .fetch_optional(&mut *connection)
                .await
                .map_err(|err| Error::sql("read a session", err))?;
            drop(connection);
            self.one_session(found).await
        })
    }

    fn by_key<'a>(&'a self, key: &'a SessionKey) -> Answer<'a, Option<SessionRow>> {
        Box::pin(async move {
            let home = self.keys.get(Scope::Home).await?;
            let mut connection = self.db.reader().await?;
            let found = sqlx::query(
                "SELECT * FROM sessions WHERE key_hash = ? \
                 ORDER BY state = 'closed', closed_at DESC, id DESC LIMIT 1",
            )
            .bind(key_hash(&home, key.as_str()))
            .fetch_optional(&mut *connection)
            .await
            .map_err(|err| Error::sql("read a session", err))?;
            drop(connection);
            self.one_session(found).await
        })
    }

    fn list(&self) -> Answer<'_, Listed<SessionRow>> {
        Box::pin(async move {
            let mut connection = self.db.reader().await?;
            let found = sqlx::query("SELECT * FROM sessions ORDER BY id")
                .fetch_all(&mut *connection)
                .await
                .map_err(|err| Error::sql("list the sessions", err))?;
            drop(connection);
            let mut listed = Listed::default();
            for row in &found {
                let read = self.read_session(row).await?;
                listed.add(|| Fields(row).name("id"), read);
            }
            for Damaged { id, reason } in &listed.damaged {
                tracing::error!(id, reason, "a stored session is damaged");
            }
            Ok(listed)
        })
    }

    fn list_states<'a>(&'a self, states: &'a [StateName]) -> Answer<'a, Listed<SessionRow>> {
        Box::pin(async move {
            let mut listed = Sessions::list(self).await?;
            listed.rows.retain(|row| states.contains(&row.state));
            Ok(listed)
        })
    }
}

impl Sqlite {
    pub(super) async fn seal_session(&self, row: &SessionRow) -> Result<Parts, Error> {
        let home = self.keys.get(Scope::Home).await?;
        let key = self.keys.get(Scope::Session(row.id)).await?;
        let id = row.id.to_string();
        let hashes = Hashes::of(&home, row);
        let value = Sealed {
            key: row.key.as_ref().map(|key| key.as_str().to_owned()),
            profile: row.profile.clone(),
            labels: row.labels.clone(),
            detail: row.detail.as_ref().map(|detail| detail.expose().clone()),
            url: row.url.expose().clone(),
            title: row.title.expose().clone(),
            lifetime: row.lifetime.clone(),
            attached: row.attached.clone(),
        };
        let value = super::fields::json(&value)?;
        let recovered = row
            .recovered
            .as_ref()
            .map(|report| key.seal(RECOVERED, &id, report))
            .transpose()?;
        Ok(Parts {
            private: key.seal(PRIVATE, &beside(row, &hashes)?, &value)?,
            recovered,
            hashes,
        })
    }

    async fn one_session(&self, found: Option<SqliteRow>) -> Result<Option<SessionRow>, Error> {
        let Some(row) = found else { return Ok(None) };
        let read = self.read_session(&row).await?;
        read.map(Some).map_err(|flaw| {
            flaw.into_error(format!("the row of session {}", Fields(&row).name("id")))
        })
    }

    /// Reads a row. The outer error is the database's, the inner one the row's.
    async fn read_session(&self, row: &SqliteRow) -> Result<Result<SessionRow, Flaw>, Error> {
        let id = match Fields(row).parsed("id") {
            Ok(id) => id,
            Err(flaw) => return Ok(Err(flaw)),
        };
        let read = self
            .key_for(id)
            .await?
            .and_then(|key| read(&Fields(row), id, &key));
        if read.is_ok() {
            self.good_sessions.add(id);
        }
        Ok(read)
    }

    /// Returns a session's data key. One that is damaged makes its rows damaged, no more.
    pub(super) async fn key_for(
        &self,
        session: SessionId,
    ) -> Result<Result<Arc<DataKey>, Flaw>, Error> {
        match self.keys.find(Scope::Session(session)).await {
            Ok(key) => Ok(key.ok_or_else(|| Flaw::of("data key", "it is gone"))),
            Err(Error::Corrupt { what, reason, .. }) => Ok(Err(Flaw::of(&what, reason))),
            Err(Error::WrongKey { .. }) => Ok(Err(Flaw::WrongKey)),
            Err(err) => Err(err),
        }
    }
}

/// What is stored of a row that isn't in clear.
pub(super) struct Parts {
    hashes: Hashes,
    private: Vec<u8>,
    recovered: Option<Vec<u8>>,
}

/// What a row is found by in the place of names.
#[derive(Default)]
pub(super) struct Hashes {
    pub key: Option<String>,
    pub profile: Option<String>,
}

impl Hashes {
    fn of(home: &DataKey, row: &SessionRow) -> Self {
        let key = row.key.as_ref().map(|key| key_hash(home, key.as_str()));
        let profile = row.profile.as_ref();
        Self {
            key,
            profile: profile.map(|profile| profile_hash(home, profile)),
        }
    }
}

/// Returns what sessions are found by that have this key.
pub(super) fn key_hash(home: &DataKey, key: &str) -> String {
    hex(&home.name_hash("session key", &[key]))
}

/// Returns what sessions are found by that have this profile.
pub(super) fn profile_hash(home: &DataKey, profile: &str) -> String {
    hex(&home.name_hash("profile", &[profile]))
}

pub(super) fn hex(hash: &[u8; 32]) -> String {
    let mut text = String::with_capacity(64);
    push_hex(&mut text, hash);
    text
}

/// Returns what a row's seal is bound to: all in clear but what publishing sets.
pub(super) fn beside(row: &SessionRow, hashes: &Hashes) -> Result<Beside, Error> {
    Ok(Beside::of(&row.id.to_string())
        .maybe_text(hashes.key.as_deref())
        .maybe_text(hashes.profile.as_deref())
        .text(row.state.as_str())
        .text(&row.cause)
        .number(stored("a generation", row.generation)?)
        .number(row.created_at.as_millisecond())
        .number(row.last_activity.as_millisecond())
        .maybe_number(row.closed_at.map(|at| at.as_millisecond()))
        .number(stored("a call count", row.call_count)?)
        .maybe_text(row.browser.map(|id| id.to_string()).as_deref())
        .maybe_number(row.active_tab.map(|tab| i64::from(tab.0)))
        .number(i64::from(row.next_tab))
        .number(i64::from(row.recovered_told))
        .number(i64::from(row.failures)))
}

fn read(fields: &Fields<'_>, id: SessionId, key: &DataKey) -> Result<SessionRow, Flaw> {
    let mut row = read_clear(fields, id)?;
    let hashes = Hashes {
        key: fields.maybe_text("key_hash")?,
        profile: fields.maybe_text("profile_hash")?,
    };
    let beside = beside(&row, &hashes).map_err(|err| Flaw::of("row", err))?;
    let sealed: Sealed = serde_json::from_slice(&fields.opened("private", key, PRIVATE, &beside)?)
        .map_err(|err| Flaw::of("private", err))?;
    row.recovered = fields.maybe_opened("recovered", key, RECOVERED, &id.to_string())?;
    row.key = sealed
        .key
        .map(|key| key.parse())
        .transpose()
        .map_err(|_| Flaw::of("key", "not a key"))?;
    row.profile = sealed.profile;
    row.labels = sealed.labels;
    row.lifetime = sealed.lifetime;
    row.attached = sealed.attached;
    row.detail = sealed.detail.map(Private::new);
    row.url = Private::new(sealed.url);
    row.title = Private::new(sealed.title);
    Ok(row)
}

/// Reads what of a row is in clear.
pub(super) fn read_clear(fields: &Fields<'_>, id: SessionId) -> Result<SessionRow, Flaw> {
    Ok(SessionRow {
        id,
        key: None,
        profile: None,
        labels: Vec::new(),
        state: fields.parsed("state")?,
        cause: fields.text("cause")?,
        detail: None,
        generation: fields.number("generation")?,
        created_at: fields.time("created_at")?,
        last_activity: fields.time("last_activity")?,
        closed_at: fields.maybe_time("closed_at")?,
        call_count: fields.number("call_count")?,
        url: Private::new(String::new()),
        title: Private::new(String::new()),
        browser: fields.maybe_parsed("browser")?,
        active_tab: fields.maybe_number("active_tab")?.map(TabId),
        next_tab: fields.number("next_tab")?,
        latest_checkpoint: fields.maybe_parsed("latest_checkpoint")?,
        recovered: None,
        recovered_told: fields.truth("recovered_told")?,
        failures: fields.number("failures")?,
        lifetime: Default::default(),
        attached: None,
    })
}

/// Inserts a session's row.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    row: &SessionRow,
    sealed: Parts,
) -> Result<(), Error> {
    let query = sqlx::query(
        "INSERT INTO sessions (key_hash, profile_hash, state, cause, generation, created_at, \
         last_activity, closed_at, call_count, browser, active_tab, next_tab, \
         latest_checkpoint, recovered_told, failures, private, recovered, id) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    );
    let hash = sealed.hashes.key.clone();
    match bind(query, row, sealed)?.execute(&mut *connection).await {
        Ok(_) => Ok(()),
        Err(err) => Err(refusal(connection, row, hash, err).await),
    }
}

type Statement<'q> = Query<'q, sqlx::Sqlite, SqliteArguments>;

/// Binds every column, the id last.
fn bind<'q>(query: Statement<'q>, row: &SessionRow, parts: Parts) -> Result<Statement<'q>, Error> {
    Ok(query
        .bind(parts.hashes.key)
        .bind(parts.hashes.profile)
        .bind(row.state.as_str())
        .bind(row.cause.clone())
        .bind(stored("a generation", row.generation)?)
        .bind(row.created_at.as_millisecond())
        .bind(row.last_activity.as_millisecond())
        .bind(row.closed_at.map(|at| at.as_millisecond()))
        .bind(stored("a call count", row.call_count)?)
        .bind(row.browser.map(|id| id.to_string()))
        .bind(row.active_tab.map(|tab| i64::from(tab.0)))
        .bind(i64::from(row.next_tab))
        .bind(row.latest_checkpoint.map(|id| id.to_string()))
        .bind(i64::from(row.recovered_told))
        .bind(i64::from(row.failures))
        .bind(parts.private)
        .bind(parts.recovered)
        .bind(row.id.to_string()))
}

/// Tells why a row could not be stored: its key is held, its id is known, or else.
async fn refusal(
    connection: &mut SqliteConnection,
    row: &SessionRow,
    hash: Option<String>,
    err: sqlx::Error,
) -> Error {
    if !err
        .as_database_error()
        .is_some_and(|err| err.is_unique_violation())
    {
        return Error::sql("store a session", err);
    }
    let holder: Result<Option<String>, _> = sqlx::query_scalar(
        "SELECT id FROM sessions WHERE key_hash = ? AND state <> 'closed' AND id <> ?",
    )
    .bind(hash)
    .bind(row.id.to_string())
    .fetch_optional(connection)
    .await;
    match (holder, &row.key) {
        (Ok(Some(holder)), Some(key)) if !row.is_closed() => match holder.parse() {
            Ok(holder) => Error::KeyTaken {
                key: key.clone(),
                holder,
            },
            Err(_) => Error::corrupt(format!("the row of session {holder}"), "id: not an id"),
        },
        (Ok(_), _) => Error::Exists {
            thing: Thing::Session,
            id: row.id.to_string(),
        },
        (Err(err), _) => Error::sql("store a session", err),
    }
}
