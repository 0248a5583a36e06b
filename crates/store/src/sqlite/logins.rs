//! The table of shelves. Their versions are in the table of checkpoints.

use base::{CheckpointId, SessionId};
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;

use super::beside::Beside;
use super::checkpoints::{delete, insert, next_number};
use super::fields::{Fields, Flaw, json};
use super::sessions::hex;
use super::{Sqlite, begin};
use crate::keyring::{DataKey, Scope};
use crate::login::{Logins, MOST_SHELVES, Shelf};
use crate::{Answer, Error, Listed, Thing, Unpublished};

const PRIVATE: &str = "shelf";
const KEEP: &str = "keep a login";
const REMOVE: &str = "remove a login";

/// What is sealed of a row.
#[derive(Serialize, Deserialize)]
struct Sealed {
    profile: String,
    origin: String,
}

impl Logins for Sqlite {
    fn shelf<'a>(&'a self, profile: &'a str, origin: &'a str) -> Answer<'a, Option<Shelf>> {
        Box::pin(async move {
            let hash = self.shelf_hash(profile, origin).await?;
            let mut connection = self.db.reader().await?;
            let found = sqlx::query("SELECT * FROM shelves WHERE name_hash = ?")
                .bind(hash)
                .fetch_optional(&mut *connection)
                .await
                .map_err(|err| Error::sql("look for a shelf of logins", err))?;
            drop(connection);
            let Some(row) = found else { return Ok(None) };
            let read = self.read_shelf(&row).await?;
            let what = || format!("the shelf of logins {}", Fields(&row).name("id"));
            read.map(Some).map_err(|flaw| flaw.into_error(what()))
        })
    }

    fn shelves(&self) -> Answer<'_, Listed<Shelf>> {
        Box::pin(async move {
            let mut connection = self.db.reader().await?;
            let found = sqlx::query("SELECT * FROM shelves ORDER BY id")
                .fetch_all(&mut *connection)
                .await
                .map_err(|err| Error::sql("list the shelves of logins", err))?;
            drop(connection);
            let mut listed = Listed::default();
            for row in &found {
                let read = self.read_shelf(row).await?;
                listed.add(|| Fields(row).name("id"), read);
            }
            Ok(listed)
        })
    }

    fn publish_login<'a>(&'a self, shelf: &'a Shelf, version: Unpublished) -> Answer<'a, u64> {
        Box::pin(async move {
            let fail = |err| Error::sql(KEEP, err);
            let Unpublished { row, parts } = version;
            let id = shelf.id.to_string();
            let key = self.keys.get(Scope::Session(shelf.id)).await?;
            let hash = self
                .shelf_hash(&shelf.profile, shelf.origin.expose())
                .await?;
            let sealed = Sealed {
                profile: shelf.profile.clone(),
                origin: shelf.origin.expose().clone(),
            };
            let private = key.seal(PRIVATE, &beside(&id, &hash), &json(&sealed)?)?;
            let _publishing = self.publishing.lock().await;
            self.all_there(shelf.id, &parts).await?;
            let mut connection = self.db.durable().await?;
            let mut change = begin(&mut connection, KEEP).await?;
            let holder: Option<String> =
                sqlx::query_scalar("SELECT id FROM shelves WHERE name_hash = ?")
                    .bind(&hash)
                    .fetch_optional(&mut *change)
                    .await
                    .map_err(fail)?;
            match holder {
                Some(holder) if holder == id => {}
                Some(id) => {
                    let thing = Thing::Shelf;
                    return Err(Error::Exists { thing, id });
                }
                None => {
                    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM shelves")
                        .fetch_one(&mut *change)
                        .await
                        .map_err(fail)?;
                    if MOST_SHELVES <= count.unsigned_abs() {
                        return Err(Error::TooLarge {
                            what: "the number of profiles and origins with logins",
                            found: count.unsigned_abs() + 1,
                            limit: MOST_SHELVES,
                        });
                    }
                    sqlx::query("INSERT INTO shelves (id, name_hash, private) VALUES (?, ?, ?)")
                        .bind(&id)
                        .bind(&hash)
                        .bind(private)
                        .execute(&mut *change)
                        .await
                        .map_err(fail)?;
                }
            }
            let number = next_number(&mut change, shelf.id).await?;
            insert(&mut change, &row, number, &parts, &key).await?;
            change.commit().await.map_err(fail)?;
            drop(connection);
            self.blobs.unpin(shelf.id, &parts);
            Ok(number.unsigned_abs())
        })
    }

    fn remove_login(&self, id: CheckpointId) -> Answer<'_, bool> {
        Box::pin(async move {
            let fail = |err| Error::sql(REMOVE, err);
            let _publishing = self.publishing.lock().await;
            let mut connection = self.db.writer().await?;
            let mut change = begin(&mut connection, REMOVE).await?;
            let shelf: Option<String> = sqlx::query_scalar(
                "SELECT session FROM checkpoints WHERE id = ? \
                 AND session IN (SELECT id FROM shelves)",
            )
            .bind(id.to_string())
            .fetch_optional(&mut *change)
            .await
            .map_err(fail)?;
            let Some(shelf) = shelf else { return Ok(false) };
            let shelf: SessionId = shelf
                .parse()
                .map_err(|_| Error::corrupt("a shelf of logins", "its id is none"))?;
            let unneeded = delete(&mut change, shelf, &id.to_string()).await?;
            change.commit().await.map_err(fail)?;
            drop(connection);
            self.blobs.remove(shelf, unneeded).await?;
            Ok(true)
        })
    }
}

impl Sqlite {
    async fn shelf_hash(&self, profile: &str, origin: &str) -> Result<String, Error> {
        let home = self.keys.get(Scope::Home).await?;
        Ok(hex(&home.name_hash("shelf", &[profile, origin])))
    }

    async fn read_shelf(&self, row: &SqliteRow) -> Result<Result<Shelf, Flaw>, Error> {
        let fields = Fields(row);
        let id = match fields.parsed("id") {
            Ok(id) => id,
            Err(flaw) => return Ok(Err(flaw)),
        };
        let key = match self.key_for(id).await? {
            Ok(key) => key,
            Err(flaw) => return Ok(Err(flaw)),
        };
        Ok(read(&fields, id, &key))
    }
}

fn read(fields: &Fields<'_>, id: SessionId, key: &DataKey) -> Result<Shelf, Flaw> {
    let beside = beside(&id.to_string(), &fields.text("name_hash")?);
    let private = fields.opened("private", key, PRIVATE, &beside)?;
    let Sealed { profile, origin } =
        serde_json::from_slice(&private).map_err(|err| Flaw::of("private", err))?;
    Ok(Shelf {
        id,
        profile,
        origin: origin.into(),
    })
}

fn beside(id: &str, hash: &str) -> Beside {
    Beside::of(id).text(hash)
}
