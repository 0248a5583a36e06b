//! Ids: a letter, an underscore and 26 lower-case base32 characters of a UUIDv7.
//!
//! The alphabet is Crockford's (no `i l o u`), most significant bits first, so ids sort by
//! the time they were made.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH: usize = 26;

/// A text that is not an id of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id of the form {prefix}… with 26 base32 characters")]
pub struct InvalidId {
    /// The prefix the id must start with.
    pub prefix: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// What the printed form starts with.
            pub const PREFIX: &'static str = $prefix;

            /// Returns a new id, later in order than those made before it.
            #[expect(clippy::new_without_default, reason = "each call returns another id")]
            #[must_use]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }

            /// Returns the id that these 16 bytes stand for.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// Returns the 16 bytes the printed form stands for.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                encode(self.0.as_u128(), f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix($prefix)
                    .and_then(decode)
                    .map(|bits| Self(Uuid::from_u128(bits)))
                    .ok_or(InvalidId { prefix: $prefix })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(
    /// A browser session's id: stable through every recovery and restart.
    SessionId, "s_"
);
id!(
    /// A checkpoint's id.
    CheckpointId, "c_"
);
id!(
    /// One launched browser's id: a new process is a new browser.
    BrowserId, "b_"
);
id!(
    /// One call's id, chosen by the caller or by the front door that took the call.
    CallId, "k_"
);
id!(
    /// The handle of a part of an answer that was kept to be read on.
    ResultId, "r_"
);

fn encode(bits: u128, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    use fmt::Write as _;
    for place in (0..LENGTH).rev() {
        let digit = (bits >> (place * 5)) & 31;
        f.write_char(char::from(ALPHABET[digit as usize]))?;
    }
    Ok(())
}

fn decode(text: &str) -> Option<u128> {
    let text = text.as_bytes();
    // 26 digits hold 130 bits; a first digit above 7 would not fit into 128.
    if text.len() != LENGTH || b'7' < *text.first()? {
        return None;
    }
    text.iter().try_fold(0u128, |bits, byte| {
        let digit = ALPHABET.iter().position(|letter| letter == byte)?;
        Some((bits << 5) | digit as u128)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_printed_parses_to_the_same_id(bits in any::<u128>()) {
            let id = SessionId(Uuid::from_u128(bits));
            let text = id.to_string();
            prop_assert_eq!(text.len(), 28);
            prop_assert_eq!(text.parse::<SessionId>(), Ok(id));
        }

        #[test]
        fn any_text_parses_or_is_refused(text in "\\PC{0,40}") {
            if let Ok(id) = text.parse::<SessionId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }

    #[test]
    fn later_ids_sort_later() {
        let first = CallId::new();
        let second = CallId::new();
        assert!(first.to_string() < second.to_string());
    }

    #[test]
    fn one_kind_is_not_another() {
        assert!(
            CheckpointId::new()
                .to_string()
                .parse::<SessionId>()
                .is_err()
        );
    }
}
