//! The table of tabs.

use base::{Private, SessionId, TabId};
use serde::{Deserialize, Serialize};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::fields::{Fields, Flaw, json, stored};
use super::{Sqlite, begin};
use crate::keyring::{DataKey, Scope};
use crate::{Answer, Error, Listed, TabRow, Tabs, Thing};

const PRIVATE: &str = "tab";
/// Tabs of one session that are stored, closed ones with them.
const MOST: usize = 10_000;

/// What of a tab is sealed, in one piece.
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
            let mut sealed = Vec::with_capacity(rows.len());
            for row in rows {
                sealed.push(seal(&key, row)?);
            }
            let fail = |err| Error::sql("store tabs", err);
            let mut connection = self.db.writer().await?;
            let mut change = begin(&mut connection, "store tabs").await?;
            if !self.good_tabs.has(session) {
                set_damaged_aside(&mut change, session, &key).await?;
            }
            // Not by a list of the tabs to keep: a statement of its own for every number of
            // tabs would crowd the others out of the cache.
            sqlx::query("UPDATE tabs SET position = -1 WHERE session = ?")
                .bind(session.to_string())
                .execute(&mut *change)
                .await
                .map_err(fail)?;
            for (row, sealed) in rows.iter().zip(sealed) {
                sqlx::query(
                    "INSERT INTO tabs (session, tab, position, target, private, next_ref, closed) \
                     VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (session, tab) DO UPDATE SET \
                     position = excluded.position, target = excluded.target, \
                     private = excluded.private, closed = excluded.closed, \
                     next_ref = max(tabs.next_ref, excluded.next_ref)",
                )
                .bind(session.to_string())
                .bind(i64::from(row.tab.0))
                .bind(i64::from(row.position))
                .bind(&row.target)
                .bind(sealed)
                .bind(stored("a ref", row.next_ref)?)
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
            let up_to = stored("a ref", up_to)?;
            let mut connection = self.db.writer().await?;
            let done = sqlx::query(
                "UPDATE tabs SET next_ref = max(next_ref, ?) WHERE session = ? AND tab = ?",
            )
            .bind(up_to)
            .bind(session.to_string())
            .bind(i64::from(tab.0))
            .execute(&mut *connection)
            .await
            .map_err(|err| Error::sql("reserve refs", err))?;
            match done.rows_affected() {
                0 => Err(Error::NotFound {
                    thing: Thing::Tab,
                    id: tab.to_string(),
                }),
                _ => Ok(()),
            }
        })
    }
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

fn seal(key: &DataKey, row: &TabRow) -> Result<Vec<u8>, Error> {
    let value = Sealed {
        url: row.url.expose().clone(),
        title: row.title.expose().clone(),
    };
    key.seal(PRIVATE, &row.tab.to_string(), &json(&value)?)
}

fn name(row: &SqliteRow) -> String {
    match Fields(row).number("tab") {
        Ok(tab) => TabId(tab).to_string(),
        Err(_) => "?".into(),
    }
}

fn read(row: &SqliteRow, session: SessionId, key: &DataKey) -> Result<TabRow, Flaw> {
    let fields = Fields(row);
    let tab = TabId(fields.number("tab")?);
    let sealed: Sealed =
        serde_json::from_slice(&fields.opened("private", key, PRIVATE, &tab.to_string())?)
            .map_err(|err| Flaw::of("private", err))?;
    Ok(TabRow {
        session,
        tab,
        position: fields.number("position")?,
        target: fields.text("target")?,
        url: Private::new(sealed.url),
        title: Private::new(sealed.title),
        next_ref: fields.number("next_ref")?,
        closed: fields.truth("closed")?,
    })
}
