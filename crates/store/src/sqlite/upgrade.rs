//! Rows of earlier versions, rewritten once: what needs the key can't be done by a migration.
//!
//! ```text
//! form 0   names in clear, seals bound to the row's id alone   (up to schema 3)
//! form 1   names hashed and sealed, seals bound to the columns beside them
//! form 2   and no page of the database's file holds what was there before
//! ```
//!
//! Form 1 comes in one transaction. A row that doesn't open stays as it is, but for its names.
//! Whatever a crash interrupts is done by the next start; a row that is rewritten already is
//! recognised by its seal, so doing it twice does no harm.

use base::SessionId;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::fields::{Fields, json};
use super::sessions::{self, Hashes};
use super::{Sqlite, begin, checkpoints, tabs};
use crate::keyring::{DataKey, Scope};
use crate::{Error, key};

const ACTION: &str = "rewrite the rows of an earlier version";

/// The form of a database made by this version.
pub(super) const NEWEST: i64 = 2;

/// A row's new values.
enum Rewritten {
    Session {
        id: String,
        hashes: Hashes,
        private: Option<Vec<u8>>,
    },
    Tab {
        session: String,
        tab: i64,
        private: Vec<u8>,
    },
    Checkpoint {
        id: String,
        manifest: Vec<u8>,
    },
}

impl Sqlite {
    /// Rewrites what an earlier version wrote, and sees to it that the home has its data key.
    pub(super) async fn upgrade(&self) -> Result<(), Error> {
        let mut connection = self.db.reader().await?;
        let form: i64 = sqlx::query_scalar("SELECT form FROM home")
            .fetch_one(&mut *connection)
            .await
            .map_err(fail)?;
        drop(connection);
        let home = match self.keys.find(Scope::Home).await? {
            Some(key) => key,
            // A new one would find nothing that is sealed, or hashed, with the one that was.
            None if form == NEWEST && self.has_sessions().await? => {
                return Err(Error::corrupt("the home's data key", "it is gone"));
            }
            None => self.keys.get(Scope::Home).await?,
        };
        if form < 1 {
            self.rewrite(&home).await?;
        }
        if form < NEWEST {
            // The names stand in pages that are free now, and in the WAL.
            match self.wipe().await {
                Ok(()) => {}
                Err(err) => tracing::warn!(%err, "names of an earlier version may still be found"),
            }
        }
        Ok(())
    }

    async fn has_sessions(&self) -> Result<bool, Error> {
        let mut connection = self.db.reader().await?;
        let found: i64 = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM sessions) OR EXISTS (SELECT 1 FROM data_keys)",
        )
        .fetch_one(&mut *connection)
        .await
        .map_err(fail)?;
        Ok(found != 0)
    }

    async fn rewrite(&self, home: &DataKey) -> Result<(), Error> {
        let mut rewritten = Vec::new();
        for row in self.all("SELECT * FROM sessions").await? {
            rewritten.push(self.session_anew(&row, home).await?);
        }
        for row in self.all("SELECT * FROM tabs").await? {
            rewritten.extend(self.tab_anew(&row).await?);
        }
        for row in self.all("SELECT * FROM checkpoints").await? {
            rewritten.extend(self.checkpoint_anew(&row).await?);
        }
        let count = rewritten.len();
        let mut connection = self.db.durable().await?;
        let mut change = begin(&mut connection, ACTION).await?;
        for row in rewritten {
            let query = match row {
                Rewritten::Session {
                    id,
                    hashes,
                    private,
                } => sqlx::query(
                    "UPDATE sessions SET key_hash = ?, profile_hash = ?, \
                     private = coalesce(?, private) WHERE id = ?",
                )
                .bind(hashes.key)
                .bind(hashes.profile)
                .bind(private)
                .bind(id),
                Rewritten::Tab {
                    session,
                    tab,
                    private,
                } => sqlx::query("UPDATE tabs SET private = ? WHERE session = ? AND tab = ?")
                    .bind(private)
                    .bind(session)
                    .bind(tab),
                Rewritten::Checkpoint { id, manifest } => {
                    sqlx::query("UPDATE checkpoints SET manifest = ? WHERE id = ?")
                        .bind(manifest)
                        .bind(id)
                }
            };
            query.execute(&mut *change).await.map_err(fail)?;
        }
        sqlx::query("UPDATE home SET form = 1")
            .execute(&mut *change)
            .await
            .map_err(fail)?;
        change.commit().await.map_err(fail)?;
        tracing::info!(rows = count, "rows of an earlier version were rewritten");
        Ok(())
    }

    /// Writes the database's file anew, and empties the WAL.
    async fn wipe(&self) -> Result<(), Error> {
        let mut connection = self.db.durable().await?;
        for statement in [
            "VACUUM",
            "UPDATE home SET form = 2",
            "PRAGMA wal_checkpoint(TRUNCATE)",
        ] {
            sqlx::query(statement)
                .execute(&mut *connection)
                .await
                .map_err(fail)?;
        }
        Ok(())
    }

    async fn all(&self, query: &'static str) -> Result<Vec<SqliteRow>, Error> {
        let mut connection = self.db.reader().await?;
        sqlx::query(query)
            .fetch_all(&mut *connection)
            .await
            .map_err(fail)
    }

    async fn session_anew(&self, row: &SqliteRow, home: &DataKey) -> Result<Rewritten, Error> {
        let fields = Fields(row);
        let id = fields.name("id");
        let name = |field: &str| row.try_get::<Option<String>, _>(field).unwrap_or_default();
        let (key, profile) = (name("key_hash"), name("profile_hash"));
        let keyed = self.key_of(&id).await?;
        let opened = keyed.as_ref().and_then(|(_, data_key)| {
            let sealed = fields.bytes("private").ok()?;
            data_key.open(sessions::PRIVATE, &id, &sealed).ok()
        });
        // Of a row that opens as an earlier version's, the names are names.
        let is_hashed = |name: &str| opened.is_none() && is_hash(name);
        let hashed = |name: &Option<String>, hash: fn(&DataKey, &str) -> String| {
            name.as_ref().map(|name| match is_hashed(name) {
                true => name.clone(),
                false => hash(home, name),
            })
        };
        let hashes = Hashes {
            key: hashed(&key, sessions::key_hash),
            profile: hashed(&profile, sessions::profile_hash),
        };
        let anew = || {
            let (session, data_key) = keyed?;
            let mut value: sessions::Sealed = serde_json::from_slice(&opened?).ok()?;
            (value.key, value.profile) = (key, profile);
            let row = sessions::read_clear(&fields, session).ok()?;
            let beside = sessions::beside(&row, &hashes).ok()?;
            let value = json(&value).ok()?;
            data_key.seal(sessions::PRIVATE, &beside, &value).ok()
        };
        let private = anew();
        Ok(Rewritten::Session {
            id,
            hashes,
            private,
        })
    }

    async fn tab_anew(&self, row: &SqliteRow) -> Result<Option<Rewritten>, Error> {
        let fields = Fields(row);
        let session = fields.name("session");
        let Some((id, key)) = self.key_of(&session).await? else {
            return Ok(None);
        };
        let anew = || {
            let row = tabs::read_clear(&fields, id).ok()?;
            let sealed = fields.bytes("private").ok()?;
            let value = key
                .open(tabs::PRIVATE, &row.tab.to_string(), &sealed)
                .ok()?;
            let beside = tabs::beside(&row, fields.number("next_ref").ok()?);
            Some(Rewritten::Tab {
                session,
                tab: i64::from(row.tab.0),
                private: key.seal(tabs::PRIVATE, &beside, &value).ok()?,
            })
        };
        Ok(anew())
    }

    async fn checkpoint_anew(&self, row: &SqliteRow) -> Result<Option<Rewritten>, Error> {
        let fields = Fields(row);
        let id = fields.name("id");
        let Some((session, key)) = self.key_of(&fields.name("session")).await? else {
            return Ok(None);
        };
        let mut connection = self.db.reader().await?;
        let parts = checkpoints::parts_of(&mut connection, &id).await?;
        drop(connection);
        let anew = || {
            let row = checkpoints::read_clear(&fields, session, &parts).ok()?;
            let sealed = fields.bytes("manifest").ok()?;
            let value = key.open(checkpoints::MANIFEST, &id, &sealed).ok()?;
            let named = fields.maybe_bytes("name").ok()?.is_some();
            let number = fields.number("number").ok()?;
            let beside = checkpoints::beside(&row, number, named).ok()?;
            Some(Rewritten::Checkpoint {
                manifest: key.seal(checkpoints::MANIFEST, &beside, &value).ok()?,
                id,
            })
        };
        Ok(anew())
    }

    /// Returns a session and its data key; `None` if either is damaged.
    async fn key_of(
        &self,
        session: &str,
    ) -> Result<Option<(SessionId, std::sync::Arc<DataKey>)>, Error> {
        let Ok(id) = session.parse() else {
            return Ok(None);
        };
        Ok(self.key_for(id).await?.ok().map(|key| (id, key)))
    }
}

/// Tells whether a name was hashed already: the hash's 64 digits.
fn is_hash(name: &str) -> bool {
    key::read_hex(name, &mut [0; 32]).is_some()
}

fn fail(err: sqlx::Error) -> Error {
    Error::sql(ACTION, err)
}
