//! A key from a passphrase: argon2id over what somebody knows and a salt that the home keeps.
//!
//! ```text
//! browserd-passphrase-1 argon2id <memory in KiB> <passes> <lanes> <32 digits of salt> <8 digits of BLAKE3>
//! ```

use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

use super::{MasterKey, push_hex, random_bytes, read_hex};
use crate::Error;

const HEADING: &str = "browserd-passphrase-1";
const ALGORITHM: &str = "argon2id";
/// What RFC 9106 recommends where memory is scarce, with one lane: 64 MiB, three passes.
const MEMORY_KIB: u32 = if cfg!(test) { 64 } else { 64 << 10 };
const PASSES: u32 = 3;
/// A file that asks for more than this isn't one of ours.
const MOST_MEMORY_KIB: u32 = 4 << 20;
const MOST_PASSES: u32 = 64;

/// How a passphrase is made a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Stretch {
    memory: u32,
    passes: u32,
    lanes: u32,
    salt: [u8; 16],
}

/// Tells whether a key file is one of a passphrase.
pub(crate) fn is_one(text: &str) -> bool {
    text.starts_with(HEADING)
}

impl Stretch {
    /// Returns one with a salt of its own.
    pub fn random() -> Result<Self, Error> {
        Ok(Self {
            memory: MEMORY_KIB,
            passes: PASSES,
            lanes: 1,
            salt: *random_bytes::<16>()?,
        })
    }

    /// Returns the key of a passphrase. It takes a fraction of a second, and means to.
    pub fn key(&self, passphrase: &str) -> Result<MasterKey, Error> {
        let fail = |err: argon2::Error| Error::corrupt("the key file", err.to_string());
        let params = Params::new(self.memory, self.passes, self.lanes, Some(32)).map_err(fail)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut key = Zeroizing::new([0; 32]);
        argon2
            .hash_password_into(passphrase.as_bytes(), &self.salt, &mut key[..])
            .map_err(fail)?;
        Ok(MasterKey::of(key))
    }

    pub fn to_text(&self) -> String {
        let mut text = self.words();
        let sum = checksum(&text);
        text.push(' ');
        push_hex(&mut text, &sum);
        text.push('\n');
        text
    }

    fn words(&self) -> String {
        let (memory, passes, lanes) = (self.memory, self.passes, self.lanes);
        let mut text = format!("{HEADING} {ALGORITHM} {memory} {passes} {lanes} ");
        push_hex(&mut text, &self.salt);
        text
    }

    pub fn from_text(text: &str) -> Result<Self, &'static str> {
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let [HEADING, ALGORITHM, memory, passes, lanes, salt, sum] = words[..] else {
            return Err("it isn't how a passphrase is made a key");
        };
        let number = |word: &str, most: u32| {
            let number = word.parse().ok().filter(|number| *number <= most);
            number.ok_or("it asks for more than it may")
        };
        let mut stretch = Self {
            memory: number(memory, MOST_MEMORY_KIB)?,
            passes: number(passes, MOST_PASSES)?,
            lanes: number(lanes, 64)?,
            salt: [0; 16],
        };
        read_hex(salt, &mut stretch.salt).ok_or("the salt isn't 32 hexadecimal digits")?;
        let mut found = [0; 4];
        read_hex(sum, &mut found).ok_or("the checksum isn't 8 hexadecimal digits")?;
        if found != checksum(&stretch.words()) {
            return Err("it doesn't match its checksum");
        }
        Ok(stretch)
    }
}

fn checksum(text: &str) -> [u8; 4] {
    let hash = blake3::derive_key("browserd 2026-11 passphrase file checksum", text.as_bytes());
    [hash[0], hash[1], hash[2], hash[3]]
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Stretch = Stretch {
        memory: 64,
        passes: 1,
        lanes: 1,
        salt: [7; 16],
    };

    #[test]
    fn words_and_salt_make_the_key_and_both_count() {
        let key = |stretch: &Stretch, words: &str| stretch.key(words).unwrap().fingerprint();
        let known = key(&CHEAP, "correct horse");
        assert_eq!(key(&CHEAP, "correct horse"), known);
        assert_ne!(key(&CHEAP, "correct horsf"), known);
        let other = Stretch {
            salt: [8; 16],
            ..CHEAP
        };
        assert_ne!(key(&other, "correct horse"), known);
    }

    /// Made by the first version. It must give the same key for ever.
    #[test]
    fn the_first_versions_file_gives_the_same_key() {
        let text = CHEAP.to_text();
        assert_eq!(text, FIRST);
        assert_eq!(Stretch::from_text(FIRST).unwrap(), CHEAP);
        assert_eq!(
            CHEAP.key("correct horse").unwrap().fingerprint(),
            FIRST_FINGERPRINT
        );
    }

    const FIRST: &str =
        "browserd-passphrase-1 argon2id 64 1 1 07070707070707070707070707070707 129f770c\n";
    const FIRST_FINGERPRINT: &str = "c6e00eebdac143ed";

    #[test]
    fn no_changed_letter_of_the_file_is_taken() {
        let good = CHEAP.to_text();
        for place in 0..good.len() - 1 {
            for bit in 0..7 {
                let mut bytes = good.clone().into_bytes();
                bytes[place] ^= 1 << bit;
                let Ok(text) = String::from_utf8(bytes) else {
                    continue;
                };
                if text
                    .split_ascii_whitespace()
                    .eq(good.split_ascii_whitespace())
                {
                    continue;
                }
                assert!(Stretch::from_text(&text).is_err(), "{text}");
            }
        }
    }
}
