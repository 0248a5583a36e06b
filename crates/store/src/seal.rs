//! Sealing: how a value looks at rest.
//!
//! ```text
//! magic "BRWD" | format u16 | key id 16 | nonce 24 | length u32 | ciphertext, its tag last
//! ```
//!
//! Numbers are little-endian. The cipher is XChaCha20-Poly1305 with a random nonce. Beside the
//! ciphertext it authenticates magic, format and key id, and what the value is: its kind, its
//! session and its own id or address. So a value can't be passed off as another one.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use rand::RngCore;
use zeroize::Zeroizing;

const MAGIC: &[u8; 4] = b"BRWD";
const ID: usize = 16;
const NONCE: usize = 24;
const TAG: usize = 16;
/// Magic, format and key id: what is authenticated of the header.
const BOUND: usize = 4 + 2 + ID;
const HEADER: usize = BOUND + NONCE + 4;

/// How the sealed bytes are to be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Format {
    /// As they are: the small values of rows.
    Plain = 1,
    /// The length of the canonical bytes as a `u32`, then these compressed by zstd.
    Packed = 2,
}

/// What a sealed value is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Label<'a> {
    /// Its kind, e.g. `cookies`.
    pub kind: &'a str,
    /// The session it belongs to, or the home.
    pub session: &'a str,
    /// Its id or address.
    pub part: &'a [u8],
}

/// Why a sealed value didn't open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refused {
    /// It isn't what was sealed.
    Damaged(&'static str),
    /// It names another key.
    WrongKey,
}

/// A key and its id.
pub(crate) struct Sealer {
    cipher: XChaCha20Poly1305,
    id: [u8; ID],
}

/// Returns the id of a master key, which stands beside what it has sealed.
pub(crate) fn master_id(key: &[u8; 32]) -> [u8; ID] {
    let id = blake3::derive_key("browserd 2026-11 master key id", key);
    let mut short = [0; ID];
    short.copy_from_slice(&id[..ID]);
    short
}

impl Sealer {
    /// Returns the sealer of a master key.
    pub fn of_master(key: &[u8; 32]) -> Self {
        Self::new("browserd 2026-11 master key wrap", key, master_id(key))
    }

    /// Returns the sealer of a data key.
    pub fn of_data(key: &[u8; 32], id: [u8; ID]) -> Self {
        Self::new("browserd 2026-11 data key seal", key, id)
    }

    // Each use has a key of its own, derived from the one that is kept, so that no two uses
    // can be played against each other.
    fn new(context: &str, key: &[u8; 32], id: [u8; ID]) -> Self {
        let key = Zeroizing::new(blake3::derive_key(context, key));
        Self {
            cipher: XChaCha20Poly1305::new(&Key::from(*key)),
            id,
        }
    }

    /// Seals a value; `None` if it is too long for the frame.
    pub fn seal(&self, format: Format, label: Label<'_>, value: &[u8]) -> Option<Vec<u8>> {
        let length = u32::try_from(value.len().checked_add(TAG)?).ok()?;
        let mut nonce = [0; NONCE];
        rand::rng().fill_bytes(&mut nonce);
        let mut sealed = Vec::with_capacity(HEADER + value.len() + TAG);
        sealed.extend_from_slice(MAGIC);
        sealed.extend_from_slice(&(format as u16).to_le_bytes());
        sealed.extend_from_slice(&self.id);
        let aad = label.bytes(&sealed);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&length.to_le_bytes());
        let payload = Payload {
            msg: value,
            aad: &aad,
        };
        let text = self.cipher.encrypt(&XNonce::from(nonce), payload).ok()?;
        sealed.extend_from_slice(&text);
        Some(sealed)
    }

    /// Opens a sealed value.
    pub fn open(
        &self,
        format: Format,
        label: Label<'_>,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Refused> {
        let (head, text) = sealed
            .split_at_checked(HEADER)
            .ok_or(Refused::Damaged("too short"))?;
        let (bound, rest) = head.split_at(BOUND);
        if &bound[..4] != MAGIC {
            return Err(Refused::Damaged("it doesn't start as sealed data does"));
        }
        if bound[4..6] != (format as u16).to_le_bytes() {
            return Err(Refused::Damaged("its format isn't the one expected"));
        }
        let (nonce, length) = rest.split_at(NONCE);
        if length != (u32::try_from(text.len()).unwrap_or(u32::MAX)).to_le_bytes() {
            return Err(Refused::Damaged("its length isn't the one written down"));
        }
        if bound[6..] != self.id {
            return Err(Refused::WrongKey);
        }
        let nonce = XNonce::try_from(nonce).map_err(|_| Refused::Damaged("too short"))?;
        let payload = Payload {
            msg: text,
            aad: &label.bytes(bound),
        };
        match self.cipher.decrypt(&nonce, payload) {
            Ok(value) => Ok(Zeroizing::new(value)),
            Err(_) => Err(Refused::Damaged("it doesn't match its seal")),
        }
    }
}

impl Label<'_> {
    /// Returns the bytes that stand for the label beside `bound`; each part is preceded by its
    /// length, so that no two labels give the same.
    fn bytes(&self, bound: &[u8]) -> Vec<u8> {
        let parts = [
            bound,
            self.kind.as_bytes(),
            self.session.as_bytes(),
            self.part,
        ];
        let mut bytes = Vec::with_capacity(128);
        for part in parts {
            bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
            bytes.extend_from_slice(part);
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{push_hex, read_hex};
    use proptest::prelude::*;

    const GOLDEN: &str = "42525744010009090909090909090909090909090909428e64f04da6704613bc7cf439d5e9e6475d\
        d07dd215703e1d0000000b55c00d11fe0c804f69e9ab27f520860509d140afefa3c6d5beb62bb6";
    const LABEL: Label<'static> = Label {
        kind: "cookies",
        session: "s_1",
        part: b"7",
    };

    fn sealer() -> Sealer {
        Sealer::of_data(&[7; 32], [9; ID])
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens_to_the_same(value in prop::collection::vec(any::<u8>(), 0..300)) {
            let sealed = sealer().seal(Format::Plain, LABEL, &value).unwrap();
            prop_assert_eq!(sealed.len(), HEADER + value.len() + TAG);
            prop_assert_eq!(&*sealer().open(Format::Plain, LABEL, &sealed).unwrap(), &value);
        }

        #[test]
        fn any_bytes_open_or_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(sealer().open(Format::Plain, LABEL, &bytes).is_err());
        }
    }

    #[test]
    fn a_value_opens_only_as_what_it_is_and_with_its_own_key() {
        let sealed = sealer().seal(Format::Plain, LABEL, b"value").unwrap();
        let check = |sealer: Sealer, format, label, expect| {
            let opened = sealer.open(format, label, &sealed).map(|_| ());
            assert_eq!(opened, Err(expect), "{label:?}");
        };
        let damaged = Refused::Damaged("it doesn't match its seal");
        check(
            sealer(),
            Format::Plain,
            Label {
                kind: "cookie",
                ..LABEL
            },
            damaged,
        );
        check(
            sealer(),
            Format::Plain,
            Label {
                session: "s_2",
                ..LABEL
            },
            damaged,
        );
        check(
            sealer(),
            Format::Plain,
            Label {
                part: b"8",
                ..LABEL
            },
            damaged,
        );
        // The same letters, cut at another place.
        check(
            sealer(),
            Format::Plain,
            Label {
                kind: "cookiess",
                session: "_1",
                ..LABEL
            },
            damaged,
        );
        check(
            Sealer::of_data(&[8; 32], [9; ID]),
            Format::Plain,
            LABEL,
            damaged,
        );
        check(
            Sealer::of_data(&[7; 32], [8; ID]),
            Format::Plain,
            LABEL,
            Refused::WrongKey,
        );
        let format = Refused::Damaged("its format isn't the one expected");
        check(sealer(), Format::Packed, LABEL, format);
    }

    /// Sealed by the first version. It must open for ever.
    #[test]
    fn the_first_version_still_opens() {
        let mut sealed = vec![0; GOLDEN.len() / 2];
        read_hex(GOLDEN, &mut sealed).unwrap();
        let opened = sealer().open(Format::Plain, LABEL, &sealed).unwrap();
        assert_eq!(&opened[..], b"kept for ever");
        let mut text = String::new();
        push_hex(&mut text, &sealed[..4]);
        assert_eq!(text, "42525744");
    }
}
