//! The table of browsers.

use base::BrowserId;
use sqlx::sqlite::SqliteRow;

use super::Sqlite;
use super::fields::{Fields, Flaw, stored};
use crate::{Answer, BrowserRow, Browsers, Error, Listed};

/// How many browsers that have ended are kept.
const KEPT: i64 = 1000;

impl Browsers for Sqlite {
    fn put<'a>(&'a self, row: &'a BrowserRow) -> Answer<'a, ()> {
        Box::pin(async move {
            let mut connection = self.db.writer().await?;
            sqlx::query(
                "INSERT INTO browsers (id, session, run, profile_dir, browser_pid, \
                 browser_start, keeper_pid, keeper_start, nonce, launched_at, ended) \
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
                 ON CONFLICT (id) DO UPDATE SET session = excluded.session, \
                 run = excluded.run, profile_dir = excluded.profile_dir, \
                 browser_pid = excluded.browser_pid, browser_start = excluded.browser_start, \
                 keeper_pid = excluded.keeper_pid, keeper_start = excluded.keeper_start, \
                 nonce = excluded.nonce, launched_at = excluded.launched_at, \
                 ended = coalesce(browsers.ended, excluded.ended)",
            )
            .bind(row.id.to_string())
            .bind(row.session.to_string())
            .bind(&row.run)
            .bind(&row.profile_dir)
            .bind(i64::from(row.browser_pid))
            .bind(stored("a start time", row.browser_start)?)
            .bind(i64::from(row.keeper_pid))
            .bind(stored("a start time", row.keeper_start)?)
            .bind(&row.nonce)
            .bind(row.launched_at.as_millisecond())
            .bind(&row.ended)
            .execute(&mut *connection)
            .await
            .map_err(|err| Error::sql("store a browser", err))?;
            Ok(())
        })
    }

    fn get(&self, id: BrowserId) -> Answer<'_, Option<BrowserRow>> {
        Box::pin(async move {
            let mut connection = self.db.reader().await?;
            let found = sqlx::query("SELECT * FROM browsers WHERE id = ?")
                .bind(id.to_string())
                .fetch_optional(&mut *connection)
                .await
                .map_err(|err| Error::sql("read a browser", err))?;
            let row = found.map(|row| read(&row)).transpose();
            row.map_err(|flaw| flaw.into_error(format!("the row of browser {id}")))
        })
    }

    fn list_live(&self) -> Answer<'_, Listed<BrowserRow>> {
        Box::pin(async move {
            let mut connection = self.db.reader().await?;
            let found = sqlx::query("SELECT * FROM browsers WHERE ended IS NULL ORDER BY id")
                .fetch_all(&mut *connection)
                .await
                .map_err(|err| Error::sql("list the browsers", err))?;
            let mut listed = Listed::default();
            for row in &found {
                listed.add(|| Fields(row).name("id"), read(row));
            }
            Ok(listed)
        })
    }

    fn end<'a>(&'a self, id: BrowserId, how: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            let fail = |err| Error::sql("store a browser's end", err);
            let mut connection = self.db.writer().await?;
            sqlx::query("UPDATE browsers SET ended = coalesce(ended, ?) WHERE id = ?")
                .bind(how)
                .bind(id.to_string())
                .execute(&mut *connection)
                .await
                .map_err(fail)?;
            sqlx::query(
                "DELETE FROM browsers WHERE ended IS NOT NULL AND id < (SELECT id FROM browsers \
                 WHERE ended IS NOT NULL ORDER BY id DESC LIMIT 1 OFFSET ?)",
            )
            .bind(KEPT - 1)
            .execute(&mut *connection)
            .await
            .map_err(fail)?;
            Ok(())
        })
    }
}

fn read(row: &SqliteRow) -> Result<BrowserRow, Flaw> {
    let fields = Fields(row);
    Ok(BrowserRow {
        id: fields.parsed("id")?,
        session: fields.parsed("session")?,
        run: fields.text("run")?,
        profile_dir: fields.text("profile_dir")?,
        browser_pid: fields.number("browser_pid")?,
        browser_start: fields.number("browser_start")?,
        keeper_pid: fields.number("keeper_pid")?,
        keeper_start: fields.number("keeper_start")?,
        nonce: fields.text("nonce")?,
        launched_at: fields.time("launched_at")?,
        ended: fields.maybe_text("ended")?,
    })
}
