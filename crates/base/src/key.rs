//! Session keys: the name a caller chooses for a session, and how it is told from an id.

use std::fmt;
use std::str::FromStr;

use crate::SessionId;

const LONGEST: usize = 128;
/// Words that the CLI and other tools give a meaning of their own.
const RESERVED: [&str; 3] = ["new", "all", "create"];

/// A caller-chosen session key (REQUIREMENTS A1), e.g. `owner:run`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SessionKey(String);

/// Why a text can't be a session key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// Empty or longer than 128 characters.
    #[error("a session key has 1 to 128 characters")]
    Length,
    /// A character outside `A–Z a–z 0–9 . _ : -`.
    #[error("a session key has only A-Z a-z 0-9 . _ : - in it")]
    Character,
    /// The words `new`, `all` and `create`.
    #[error("`new`, `all` and `create` can't be session keys")]
    Reserved,
    /// Something that looks like a session id.
    #[error("a session key can't have the form of a session id")]
    LooksLikeId,
}

impl SessionKey {
    /// Returns the key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SessionKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        if text.is_empty() || LONGEST < text.len() {
            return Err(InvalidKey::Length);
        }
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
        if !text.bytes().all(allowed) {
            return Err(InvalidKey::Character);
        }
        if RESERVED.contains(&text) {
            return Err(InvalidKey::Reserved);
        }
        if text.parse::<SessionId>().is_ok() {
            return Err(InvalidKey::LooksLikeId);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A session as a caller names it: by id, or by key.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum SessionName {
    /// Its id.
    Id(SessionId),
    /// Its key: the session that isn't closed, else the newest closed one.
    Key(SessionKey),
}

impl FromStr for SessionName {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        match text.parse() {
            Ok(id) => Ok(Self::Id(id)),
            Err(_) => text.parse().map(Self::Key),
        }
    }
}

impl fmt::Display for SessionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Key(key) => key.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Result<(), InvalidKey>) {
        assert_eq!(text.parse::<SessionKey>().map(|_| ()), expect, "{text:?}");
    }

    #[test]
    fn keys_keep_to_the_rule() {
        check("owner:run", Ok(()));
        check("a.b_c-D9", Ok(()));
        check("", Err(InvalidKey::Length));
        check(&"x".repeat(128), Ok(()));
        check(&"x".repeat(129), Err(InvalidKey::Length));
        check("a b", Err(InvalidKey::Character));
        check("ä", Err(InvalidKey::Character));
        check("a/b", Err(InvalidKey::Character));
        check("new", Err(InvalidKey::Reserved));
        check(&SessionId::new().to_string(), Err(InvalidKey::LooksLikeId));
    }
}
