//! The table of downloads.

use base::SessionId;
use sqlx::sqlite::SqliteRow;

use super::beside::Beside;
use super::fields::{Fields, Flaw};
use super::{Sqlite, begin};
use crate::download::{DownloadRow, Downloads, LARGEST_DOWNLOAD};
use crate::keyring::{DataKey, Scope};
use crate::{Answer, Error, Listed};

const KIND: &str = "download";
const STORE: &str = "store a session's downloads";

impl Downloads for Sqlite {
    fn list(&self, session: SessionId) -> Answer<'_, Listed<DownloadRow>> {
        Box::pin(async move {
            let id = session.to_string();
            let mut connection = self.db.reader().await?;
            let found = sqlx::query("SELECT * FROM downloads WHERE session = ? ORDER BY number")
                .bind(&id)
                .fetch_all(&mut *connection)
                .await
                .map_err(|err| Error::sql("list a session's downloads", err))?;
            drop(connection);
            let mut listed = Listed::default();
            if found.is_empty() {
                return Ok(listed);
            }
            let key = self.key_for(session).await?;
            for row in &found {
                let read = match &key {
                    Ok(key) => read(row, &id, key),
                    Err(_) => Err(Flaw::of("private", "the session's data key can't be used")),
                };
                listed.add(|| Fields(row).name("number"), read);
            }
            Ok(listed)
        })
    }

    fn change<'a>(
        &'a self,
        session: SessionId,
        put: &'a [DownloadRow],
        remove: &'a [u32],
    ) -> Answer<'a, ()> {
        Box::pin(async move {
            let fail = |err| Error::sql(STORE, err);
            let id = session.to_string();
            let key = self.keys.get(Scope::Session(session)).await?;
            let mut sealed = Vec::with_capacity(put.len());
            for row in put {
                if LARGEST_DOWNLOAD < row.content.len() {
                    return Err(Error::TooLarge {
                        what: "what is known of a download",
                        found: row.content.len() as u64,
                        limit: LARGEST_DOWNLOAD as u64,
                    });
                }
                let number = i64::from(row.number);
                let private = key.seal(KIND, &beside(&id, number), &row.content)?;
                sealed.push((number, private));
            }
            let mut connection = self.db.durable().await?;
            let mut change = begin(&mut connection, STORE).await?;
            for (number, private) in sealed {
                sqlx::query(
                    "INSERT INTO downloads (session, number, private) VALUES (?, ?, ?) \
                     ON CONFLICT (session, number) DO UPDATE SET private = excluded.private",
                )
                .bind(&id)
                .bind(number)
                .bind(private)
                .execute(&mut *change)
                .await
                .map_err(fail)?;
            }
            for number in remove {
                sqlx::query("DELETE FROM downloads WHERE session = ? AND number = ?")
                    .bind(&id)
                    .bind(i64::from(*number))
                    .execute(&mut *change)
                    .await
                    .map_err(fail)?;
            }
            change.commit().await.map_err(fail)
        })
    }
}

fn read(row: &SqliteRow, id: &str, key: &DataKey) -> Result<DownloadRow, Flaw> {
    let fields = Fields(row);
    let number: u32 = fields.number("number")?;
    let content = fields.opened("private", key, KIND, &beside(id, i64::from(number)))?;
    Ok(DownloadRow { number, content })
}

fn beside(id: &str, number: i64) -> Beside {
    Beside::of(id).number(number)
}
