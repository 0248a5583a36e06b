//! The home's own values.

use super::Sqlite;
use crate::keyring::Scope;
use crate::{Answer, Error, Meta};

const KIND: &str = "meta";
const LARGEST: usize = 64 << 10;

impl Meta for Sqlite {
    fn home_nonce(&self) -> Answer<'_, String> {
        Box::pin(async move {
            let mut connection = self.db.reader().await?;
            sqlx::query_scalar("SELECT nonce FROM home")
                .fetch_one(&mut *connection)
                .await
                .map_err(|err| Error::sql("read the home's nonce", err))
        })
    }

    fn next_epoch(&self) -> Answer<'_, u64> {
        Box::pin(async move {
            let fail = |err| Error::sql("begin an epoch", err);
            let mut connection = self.db.durable().await?;
            let mut change = super::begin(&mut connection, "begin an epoch").await?;
            sqlx::query("UPDATE home SET epoch = epoch + 1")
                .execute(&mut *change)
                .await
                .map_err(fail)?;
            let epoch: i64 = sqlx::query_scalar("SELECT epoch FROM home")
                .fetch_one(&mut *change)
                .await
                .map_err(fail)?;
            change.commit().await.map_err(fail)?;
            u64::try_from(epoch).map_err(|_| Error::corrupt("the home's epoch", "below zero"))
        })
    }

    fn get<'a>(&'a self, name: &'a str) -> Answer<'a, Option<Vec<u8>>> {
        Box::pin(async move {
            let mut connection = self.db.reader().await?;
            let found: Option<Vec<u8>> =
                sqlx::query_scalar("SELECT value FROM meta WHERE name = ?")
                    .bind(name)
                    .fetch_optional(&mut *connection)
                    .await
                    .map_err(|err| Error::sql("read a value", err))?;
            drop(connection);
            let Some(sealed) = found else { return Ok(None) };
            let what = || format!("the value {name}");
            let key = self.keys.find(Scope::Home).await?;
            let key = key.ok_or_else(|| Error::corrupt(what(), "its data key is gone"))?;
            let value = key.open(KIND, name, &sealed);
            value
                .map(|value| Some(value.to_vec()))
                .map_err(|refused| refused.into_error(what()))
        })
    }

    fn put<'a>(&'a self, name: &'a str, value: &'a [u8]) -> Answer<'a, ()> {
        Box::pin(async move {
            if LARGEST < value.len() {
                let (found, limit) = (value.len() as u64, LARGEST as u64);
                return Err(Error::TooLarge {
                    what: "a value of the home",
                    found,
                    limit,
                });
            }
            let key = self.keys.get(Scope::Home).await?;
            let sealed = key.seal(KIND, name, value)?;
            let mut connection = self.db.writer().await?;
            sqlx::query(
                "INSERT INTO meta (name, value) VALUES (?, ?) \
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            )
            .bind(name)
            .bind(sealed)
            .execute(&mut *connection)
            .await
            .map_err(|err| Error::sql("store a value", err))?;
            Ok(())
        })
    }
}
