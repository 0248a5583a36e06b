//! The table of sessions' settings.

use base::SessionId;

use super::Sqlite;
use super::beside::Beside;
use crate::keyring::Scope;
use crate::settings::{LARGEST_SETTINGS, SessionSettings};
use crate::{Answer, Error};

const KIND: &str = "session_settings";
const STORE: &str = "store a session's settings";

impl SessionSettings for Sqlite {
    fn get(&self, session: SessionId) -> Answer<'_, Option<Vec<u8>>> {
        Box::pin(async move {
            let id = session.to_string();
            let mut connection = self.db.reader().await?;
            let found: Option<Vec<u8>> =
                sqlx::query_scalar("SELECT private FROM session_settings WHERE session = ?")
                    .bind(&id)
                    .fetch_optional(&mut *connection)
                    .await
                    .map_err(|err| Error::sql("read a session's settings", err))?;
            drop(connection);
            let Some(sealed) = found else { return Ok(None) };
            let what = || format!("the settings of session {id}");
            let key = self.keys.find(Scope::Session(session)).await?;
            let key = key.ok_or_else(|| Error::corrupt(what(), "its data key is gone"))?;
            let opened = key.open(KIND, &Beside::of(&id), &sealed);
            opened
                .map(|opened| Some(opened.to_vec()))
                .map_err(|refused| refused.into_error(what()))
        })
    }

    fn put<'a>(&'a self, session: SessionId, settings: &'a [u8]) -> Answer<'a, ()> {
        Box::pin(async move {
            if LARGEST_SETTINGS < settings.len() {
                return Err(Error::TooLarge {
                    what: "the settings of a session",
                    found: settings.len() as u64,
                    limit: LARGEST_SETTINGS as u64,
                });
            }
            let id = session.to_string();
            let key = self.keys.get(Scope::Session(session)).await?;
            let sealed = key.seal(KIND, &Beside::of(&id), settings)?;
            let mut connection = self.db.durable().await?;
            sqlx::query(
                "INSERT INTO session_settings (session, private) VALUES (?, ?) \
                 ON CONFLICT (session) DO UPDATE SET private = excluded.private",
            )
            .bind(&id)
            .bind(sealed)
            .execute(&mut *connection)
            .await
            .map_err(|err| Error::sql(STORE, err))?;
            Ok(())
        })
    }
}
