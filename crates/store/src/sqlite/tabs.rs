//! The table of tabs.

use std::collections::HashMap;

use base::{Private, SessionId, TabId};
use serde::{Deserialize, Serialize};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::beside::Beside;
use super::fields::{Fields, Flaw, json, stored};
use super::{Sqlite, begin};
use crate::keyring::{DataKey, Scope};
use crate::{Answer, Error, Listed, TabRow, Tabs, Thing};

pub(super) const PRIVATE: &str = "tab";
/// Tabs of one session that are stored, closed ones with them.
const MOST: usize = 10_000;

/// What of a tab is sealed, in one piece, bound to the columns beside it.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Sealed {
    url: String,
    title: String,
}

impl Tabs for Sqlite {
    fn put_all<'a>(&'a self, session: SessionId, rows: &'a [TabRow]) -> Answer<'a, ()> {
        Box::pin(async move {
            if MOST < rows.len() {
                let (found, limit) = (rows.len() as u64, MOST as u64);
                return Err(Error::TooLarge {
                    what: "a list of tabs",
                    found,
                    limit,
                });
            }
            let key = self.keys.get(Scope::Session(session)).await?;
            let fail = |err| Error::sql("store tabs", err);
            let mut connection = self.db.writer().await?;
            let mut change = begin(&mut connection, "store tabs").await?;
            if !self.good_tabs.has(session) {
                set_damaged_aside(&mut change, session, &key).await?;
            }
            let reserved = reserved(&mut change, session).await?;
            // Not by a list of the tabs to keep: a statement of its own for every number of
            // tabs would crowd the others out of the cache.
            sqlx::query("UPDATE tabs SET position = -1 WHERE session = ?")
                .bind(session.to_string())
                .execute(&mut *change)
                .await
                .map_err(fail)?;
            for row in rows {
                // What was reserved stays so: a ref never means two elements.
                let before = reserved.get(&i64::from(row.tab.0)).copied();
                let next_ref = stored("a ref", row.next_ref)?.max(before.unwrap_or(0));
                let sealed = seal(&key, row, next_ref)?;
                sqlx::query(
                    "INSERT INTO tabs (session, tab, position, target, private, next_ref, closed) \
                     VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (session, tab) DO UPDATE SET \
                     position = excluded.position, target = excluded.target, \
                     private = excluded.private, closed = excluded.closed, \
                     next_ref = excluded.next_ref",
                )
                .bind(session.to_string())
                .bind(i64::from(row.tab.0))
                .bind(i64::from(row.position))
                .bind(&row.target)
                .bind(sealed)
                .bind(next_ref)
                .bind(i64::from(row.closed))
                .execute(&mut *change)
                .await
                .map_err(fail)?;
            }
            sqlx::query("DELETE FROM tabs WHERE session = ? AND position = -1")
                .bind(session.to_string())
                .execute(&mut *change)
                .await
                .map_err(fail)?;
            change.commit().await.map_err(fail)?;
            self.good_tabs.add(session);
            Ok(())
        })
    }

    fn list(&self, session: SessionId) -> Answer<'_, Listed<TabRow>> {
        Box::pin(async move {
            let mut connection = self.db.reader().await?;
            let found = rows_of(&mut connection, session).await?;
            drop(connection);
            let mut listed = Listed::default();
            if found.is_empty() {
                return Ok(listed);
            }
            let key = self.key_for(session).await?.map_err(Flaw::into_reason);
            for row in &found {
                let read = match &key {
                    Ok(key) => read(row, session, key),
                    Err(reason) => Err(Flaw::Damaged(reason.clone())),
                };
                listed.add(|| name(row), read);
            }
            if listed.damaged.is_empty() {
                self.good_tabs.add(session);
            }
            Ok(listed)
        })
    }

    fn reserve_refs(&self, session: SessionId, tab: TabId, up_to: u64) -> Answer<'_, ()> {
        Box::pin(async move {
            let fail = |err| Error::sql("reserve refs", err);
            let missing = || Error::NotFound {
                thing: Thing::Tab,
                id: tab.to_string(),
            };
            let key = self.key_for(session).await?;
            let mut connection = self.db.writer().await?;
            let mut change = begin(&mut connection, "reserve refs").await?;
            let found = sqlx::query("SELECT * FROM tabs WHERE session = ? AND tab = ?")
                .bind(session.to_string())
                .bind(i64::from(tab.0))
                .fetch_optional(&mut *change)
                .await
                .map_err(fail)?
                .ok_or_else(missing)?;
            let damaged = |flaw: Flaw| flaw.into_error(format!("the row of tab {tab}"));
            let key = key.map_err(damaged)?;
            let row = read(&found, session, &key).map_err(damaged)?;
            let next_ref = stored("a ref", row.next_ref.max(up_to))?;
            sqlx::query("UPDATE tabs SET next_ref = ?, private = ? WHERE session = ? AND tab = ?")
                .bind(next_ref)
                .bind(seal(&key, &row, next_ref)?)
                .bind(session.to_string())
                .bind(i64::from(tab.0))
                .execute(&mut *change)
                .await
                .map_err(fail)?;
            change.commit().await.map_err(fail)
        })
    }
}

/// Returns up to where refs are reserved, by tab; also of damaged rows: too high does no harm.
async fn reserved(
    connection: &mut SqliteConnection,
    session: SessionId,
) -> Result<HashMap<i64, i64>, Error> {
    let found: Vec<(i64, i64)> = sqlx::query_as("SELECT tab, next_ref FROM tabs WHERE session = ?")
        .bind(session.to_string())
        .fetch_all(connection)
        .await
        .map_err(|err| Error::sql("list tabs", err))?;
    Ok(found.into_iter().collect())
}

async fn rows_of(
    connection: &mut SqliteConnection,
    session: SessionId,
) -> Result<Vec<SqliteRow>, Error> {
    sqlx::query("SELECT * FROM tabs WHERE session = ? ORDER BY closed, position, tab")
        .bind(session.to_string())
        .fetch_all(connection)
        .await
        .map_err(|err| Error::sql("list tabs", err))
}

/// Copies the damaged rows of a session to where nothing is written over.
async fn set_damaged_aside(
    connection: &mut SqliteConnection,
    session: SessionId,
    key: &DataKey,
) -> Result<(), Error> {
    for row in rows_of(connection, session).await? {
        let Err(flaw) = read(&row, session, key) else {
            continue;
        };
        let (tab, reason) = (name(&row), flaw.into_reason());
        tracing::error!(%session, tab, reason, "a stored tab is damaged; its row is set aside");
        sqlx::query(
            "INSERT INTO set_aside (origin, id, reason, was) SELECT 'tabs', ?, ?, \
             json_array(session, tab, position, target, hex(private), next_ref, closed) \
             FROM tabs WHERE session = ? AND tab = ?",
        )
        .bind(format!("{session} {tab}"))
        .bind(reason)
        .bind(session.to_string())
        .bind(Fields(&row).number::<i64>("tab").unwrap_or_default())
        .execute(&mut *connection)
        .await
        .map_err(|err| Error::sql("set a damaged tab aside", err))?;
    }
    Ok(())
}

fn seal(key: &DataKey, row: &TabRow, next_ref: i64) -> Result<Vec<u8>, Error> {
    let value = Sealed {
        url: row.url.expose().clone(),
        title: row.title.expose().clone(),
    };
    key.seal(PRIVATE, &beside(row, next_ref), &json(&value)?)
}

pub(super) fn beside(row: &TabRow, next_ref: i64) -> Beside {
    Beside::of(&row.tab.to_string())
        .number(i64::from(row.position))
        .text(&row.target)
        .number(next_ref)
        .number(i64::from(row.closed))
}

fn name(row: &SqliteRow) -> String {
    match Fields(row).number("tab") {
        Ok(tab) => TabId(tab).to_string(),
        Err(_) => "?".into(),
    }
}

fn read(row: &SqliteRow, session: SessionId, key: &DataKey) -> Result<TabRow, Flaw> {
    let fields = Fields(row);
    let mut row = read_clear(&fields, session)?;
    let beside = beside(&row, fields.number("next_ref")?);
    let sealed: Sealed = serde_json::from_slice(&fields.opened("private", key, PRIVATE, &beside)?)
        .map_err(|err| Flaw::of("private", err))?;
    row.url = Private::new(sealed.url);
    row.title = Private::new(sealed.title);
    Ok(row)
}

/// Reads what of a row is in clear.
pub(super) fn read_clear(fields: &Fields<'_>, session: SessionId) -> Result<TabRow, Flaw> {
    Ok(TabRow {
        session,
        tab: TabId(fields.number("tab")?),
        position: fields.number("position")?,
        target: fields.text("target")?,
        url: Private::new(String::new()),
        title: Private::new(String::new()),
        next_ref: fields.number("next_ref")?,
        closed: fields.truth("closed")?,
    })
}
