//! Reading a row field by field, so that a damaged one is told from a good one.

use std::str::FromStr;

use base::{Private, Timestamp};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::keyring::DataKey;
use crate::seal::Refused;
use crate::{Damaged, Error, Listed};

/// Why a row doesn't read back.
#[derive(Debug)]
pub(super) enum Flaw {
    Damaged(String),
    WrongKey,
}

impl Flaw {
    pub fn of(field: &str, reason: impl std::fmt::Display) -> Self {
        Self::Damaged(format!("{field}: {reason}"))
    }

    /// Returns the flaw as the error of who asked for this row alone.
    pub fn into_error(self, what: String) -> Error {
        match self {
            Self::Damaged(reason) => Error::corrupt(what, reason),
            Self::WrongKey => Error::WrongKey { what },
        }
    }

    /// Returns the flaw in words.
    pub fn into_reason(self) -> String {
        match self {
            Self::Damaged(reason) => reason,
            Self::WrongKey => "it was sealed with another key".into(),
        }
    }
}

/// The fields of a row.
pub(super) struct Fields<'r>(pub &'r SqliteRow);

impl Fields<'_> {
    pub fn text(&self, field: &str) -> Result<String, Flaw> {
        self.0.try_get(field).map_err(|err| Flaw::of(field, err))
    }

    pub fn maybe_text(&self, field: &str) -> Result<Option<String>, Flaw> {
        self.0.try_get(field).map_err(|err| Flaw::of(field, err))
    }

    pub fn bytes(&self, field: &str) -> Result<Vec<u8>, Flaw> {
        self.0.try_get(field).map_err(|err| Flaw::of(field, err))
    }

    pub fn maybe_bytes(&self, field: &str) -> Result<Option<Vec<u8>>, Flaw> {
        self.0.try_get(field).map_err(|err| Flaw::of(field, err))
    }

    pub fn number<T: TryFrom<i64>>(&self, field: &str) -> Result<T, Flaw> {
        let found: i64 = self.0.try_get(field).map_err(|err| Flaw::of(field, err))?;
        T::try_from(found).map_err(|_| Flaw::of(field, "out of bounds"))
    }

    pub fn maybe_number<T: TryFrom<i64>>(&self, field: &str) -> Result<Option<T>, Flaw> {
        let found: Option<i64> = self.0.try_get(field).map_err(|err| Flaw::of(field, err))?;
        found
            .map(T::try_from)
            .transpose()
            .map_err(|_| Flaw::of(field, "out of bounds"))
    }

    pub fn truth(&self, field: &str) -> Result<bool, Flaw> {
        match self.number::<i64>(field)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Flaw::of(field, "neither 0 nor 1")),
        }
    }

    pub fn time(&self, field: &str) -> Result<Timestamp, Flaw> {
        Timestamp::from_millisecond(self.number(field)?).map_err(|err| Flaw::of(field, err))
    }

    pub fn maybe_time(&self, field: &str) -> Result<Option<Timestamp>, Flaw> {
        let found: Option<i64> = self.maybe_number(field)?;
        let time = found.map(Timestamp::from_millisecond).transpose();
        time.map_err(|err| Flaw::of(field, err))
    }

    pub fn parsed<T: FromStr>(&self, field: &str) -> Result<T, Flaw> {
        self.text(field)?
            .parse()
            .map_err(|_| Flaw::of(field, "not a value of its kind"))
    }

    pub fn maybe_parsed<T: FromStr>(&self, field: &str) -> Result<Option<T>, Flaw> {
        let parsed = self.maybe_text(field)?.map(|text| text.parse()).transpose();
        parsed.map_err(|_| Flaw::of(field, "not a value of its kind"))
    }

    /// Returns a sealed field, opened.
    pub fn opened(
        &self,
        field: &str,
        key: &DataKey,
        kind: &str,
        id: &(impl AsRef<[u8]> + ?Sized),
    ) -> Result<Vec<u8>, Flaw> {
        open(field, key, kind, id, &self.bytes(field)?)
    }

    pub fn maybe_opened(
        &self,
        field: &str,
        key: &DataKey,
        kind: &str,
        id: &(impl AsRef<[u8]> + ?Sized),
    ) -> Result<Option<Vec<u8>>, Flaw> {
        let sealed = self.maybe_bytes(field)?;
        sealed
            .map(|sealed| open(field, key, kind, id, &sealed))
            .transpose()
    }

    /// Returns a field as far as it can be told, to name a damaged row by.
    pub fn name(&self, field: &str) -> String {
        let text = self.0.try_get_unchecked::<String, _>(field);
        text.unwrap_or_else(|_| "?".into())
    }
}

fn open(
    field: &str,
    key: &DataKey,
    kind: &str,
    id: &(impl AsRef<[u8]> + ?Sized),
    sealed: &[u8],
) -> Result<Vec<u8>, Flaw> {
    match key.open(kind, id, sealed) {
        Ok(value) => Ok(value.to_vec()),
        Err(Refused::Damaged(reason)) => Err(Flaw::of(field, reason)),
        Err(Refused::WrongKey) => Err(Flaw::WrongKey),
    }
}

/// Returns opened bytes as the text they are.
pub(super) fn private_text(field: &str, bytes: Vec<u8>) -> Result<Private<String>, Flaw> {
    String::from_utf8(bytes)
        .map(Private::new)
        .map_err(|_| Flaw::of(field, "not text"))
}

impl<T> Listed<T> {
    /// Adds a row, or what is wrong with it.
    pub(super) fn add(&mut self, id: impl FnOnce() -> String, read: Result<T, Flaw>) {
        match read {
            Ok(row) => self.rows.push(row),
            Err(flaw) => self.damaged.push(Damaged {
                id: id(),
                reason: flaw.into_reason(),
            }),
        }
    }
}

/// Returns a number as SQLite stores it.
pub(super) fn stored(what: &'static str, number: u64) -> Result<i64, Error> {
    let too_large = |_| Error::TooLarge {
        what,
        found: number,
        limit: i64::MAX as u64,
    };
    i64::try_from(number).map_err(too_large)
}

/// Returns a value as JSON, to be sealed.
pub(super) fn json(value: &impl serde::Serialize) -> Result<zeroize::Zeroizing<Vec<u8>>, Error> {
    let bytes = serde_json::to_vec(value);
    bytes
        .map(zeroize::Zeroizing::new)
        .map_err(|err| Error::Sql {
            action: "write a value as JSON",
            source: sqlx::Error::Encode(err.into()),
        })
}
