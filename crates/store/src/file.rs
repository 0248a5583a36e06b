//! Files that leave the home: bytes under a passphrase, or bare where the caller insists.
//!
//! ```text
//! head   magic "BRWDFILE" | version u16 | cover u8 | 0 u8
//!        | memory KiB u32 | passes u32 | lanes u32 | salt 16 | key check 16      56 bytes
//! chunk  length u32 | at most 64 KiB | tag 16                                    repeated
//! ```
//!
//! Numbers are little-endian. What the chunks hold together is one zstd stream. Under a
//! passphrase (cover 1) the key is Argon2id of it, and each chunk is sealed by
//! XChaCha20-Poly1305 with its number and whether it is the last as nonce, and the head as
//! what is authenticated beside it: nothing can be changed, moved, left out or added. Bare
//! (cover 0) the tag is 16 bytes of BLAKE3 over the same: it tells damage, and no forger.
//!
//! The whole file is checked before a byte of it is unpacked, and what it may unpack to, and
//! what deriving its key may cost, is bounded before either begins.

use std::io::Read as _;

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use crate::Error;
use crate::key::random_bytes;

/// How large a file may be: as base64 it fits into one request.
pub const LARGEST: usize = 23 << 20;
/// How much a file may hold.
pub const LARGEST_CONTENT: usize = 64 << 20;
/// The shortest passphrase a file is sealed under.
pub const SHORTEST_PASSPHRASE: usize = 8;

const MAGIC: &[u8; 8] = b"BRWDFILE";
const VERSION: u16 = 1;
const HEAD: usize = 56;
const CHUNK: usize = 64 << 10;
const TAG: usize = 16;
const LEVEL: i32 = 3;
/// What zstd may look back, as a power of two; more than the level above ever asks for.
const WINDOW: u32 = 23;

/// What a key costs that is made here: 64 MiB, three passes.
const COST: Cost = Cost {
    memory: 64 << 10,
    passes: 3,
    lanes: 1,
};
/// The most that a file may ask for.
const MOST: Cost = Cost {
    memory: 256 << 10,
    passes: 10,
    lanes: 4,
};

/// What a file is kept by on its way.
#[derive(Clone, Copy)]
pub enum Cover<'a> {
    /// Sealed under a passphrase.
    Passphrase(&'a str),
    /// Nothing: whoever has the file has what is in it.
    Bare,
}

#[derive(Clone, Copy)]
struct Cost {
    memory: u32,
    passes: u32,
    lanes: u32,
}

/// How the chunks of a file are closed and opened.
enum Chunks {
    Sealed(Box<XChaCha20Poly1305>),
    Bare,
}

/// Puts bytes into a file. It takes a good part of a second and 64 MiB under a passphrase.
///
/// # Errors
/// [`Error::File`] for a passphrase that is too short, [`Error::FileTooLarge`].
pub fn pack(content: &[u8], cover: Cover<'_>) -> Result<Vec<u8>, Error> {
    too_large(content.len(), LARGEST_CONTENT)?;
    if let Cover::Passphrase(text) = cover
        && text.chars().count() < SHORTEST_PASSPHRASE
    {
        let reason = format!("the passphrase has fewer than {SHORTEST_PASSPHRASE} characters");
        return Err(Error::File { reason });
    }
    let salt = random_bytes::<16>()?;
    let (chunks, check) = chunks(cover, COST, &salt[..])?;
    let mut file = Vec::with_capacity(HEAD + content.len() / 2);
    file.extend_from_slice(MAGIC);
    file.extend_from_slice(&VERSION.to_le_bytes());
    file.extend_from_slice(&[u8::from(matches!(cover, Cover::Passphrase(_))), 0]);
    for number in [COST.memory, COST.passes, COST.lanes] {
        file.extend_from_slice(&number.to_le_bytes());
    }
    file.extend_from_slice(&salt[..]);
    file.extend_from_slice(&check);
    let head: [u8; HEAD] = file[..].try_into().map_err(|_| refused("its head"))?;
    let packed = zstd::bulk::compress(content, LEVEL).map_err(|err| Error::File {
        reason: format!("it can't be packed: {err}"),
    })?;
    let mut pieces = packed.chunks(CHUNK).peekable();
    let mut number = 0;
    while let Some(piece) = pieces.next() {
        let last = pieces.peek().is_none();
        file.extend_from_slice(&(piece.len() as u32).to_le_bytes());
        file.extend_from_slice(&chunks.close(&head, number, last, piece)?);
        number += 1;
    }
    too_large(file.len(), LARGEST)?;
    Ok(file)
}

/// Makes sure that a file can hold so much.
///
/// # Errors
/// [`Error::FileTooLarge`].
pub fn fits(content: usize) -> Result<(), Error> {
    too_large(content, LARGEST_CONTENT)
}

/// Returns what a file holds.
///
/// # Errors
/// [`Error::File`] for whatever is no file of ours, is damaged, or is covered otherwise than
/// the caller says; [`Error::WrongPassphrase`], [`Error::NewerFile`], [`Error::FileTooLarge`].
pub fn unpack(file: &[u8], cover: Cover<'_>) -> Result<Zeroizing<Vec<u8>>, Error> {
    too_large(file.len(), LARGEST)?;
    let (head, mut rest) = file
        .split_first_chunk::<HEAD>()
        .ok_or_else(|| refused("it is too short to be one of ours"))?;
    if &head[..8] != MAGIC {
        return Err(refused("it doesn't start as a file of ours does"));
    }
    let version = u16::from_le_bytes([head[8], head[9]]);
    if version != VERSION {
        let (found, known) = (version, VERSION);
        return Err(Error::NewerFile { found, known });
    }
    match (head[10], cover) {
        (0, Cover::Bare) | (1, Cover::Passphrase(_)) => {}
        (0, Cover::Passphrase(_)) => {
            // Whoever changed a sealed file for a bare one must not get it in.
            return Err(refused("it isn't sealed, though a passphrase was given"));
        }
        (1, Cover::Bare) => return Err(refused("it is sealed under a passphrase")),
        _ => return Err(refused("it is covered in an unknown way")),
    }
    if head[11] != 0 {
        return Err(refused("its head is damaged"));
    }
    let (chunks, check) = chunks(cover, Cost::read(head)?, &head[24..40])?;
    if head[40..] != check {
        return Err(match cover {
            Cover::Passphrase(_) => Error::WrongPassphrase,
            Cover::Bare => refused("its head is damaged"),
        });
    }
    let mut packed = Vec::with_capacity(rest.len());
    let mut number = 0;
    loop {
        let (length, after) = rest
            .split_first_chunk::<4>()
            .ok_or_else(|| refused("it ends too early"))?;
        let length = u32::from_le_bytes(*length) as usize;
        if CHUNK < length {
            return Err(refused("a piece of it is longer than any may be"));
        }
        let (sealed, after) = after
            .split_at_checked(length + TAG)
            .ok_or_else(|| refused("it ends too early"))?;
        let last = after.is_empty();
        packed.extend_from_slice(&chunks.open(head, number, last, sealed)?);
        if last {
            break;
        }
        (rest, number) = (after, number + 1);
    }
    unzip(&packed)
}

fn unzip(packed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let unpackable = |_| refused("what is in it doesn't unpack");
    let mut decoder = zstd::stream::read::Decoder::with_buffer(packed).map_err(unpackable)?;
    decoder.window_log_max(WINDOW).map_err(unpackable)?;
    let mut content = Zeroizing::new(Vec::new());
    let most = LARGEST_CONTENT as u64 + 1;
    decoder
        .take(most)
        .read_to_end(&mut content)
        .map_err(unpackable)?;
    too_large(content.len(), LARGEST_CONTENT)?;
    Ok(content)
}

impl Cost {
    fn read(head: &[u8; HEAD]) -> Result<Self, Error> {
        let number =
            |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let cost = Self {
            memory: number(12),
            passes: number(16),
            lanes: number(20),
        };
        let within =
            cost.memory <= MOST.memory && cost.passes <= MOST.passes && cost.lanes <= MOST.lanes;
        if within {
            Ok(cost)
        } else {
            Err(refused("deriving its key costs more than is granted"))
        }
    }
}

/// Returns how the chunks of a file are closed, and what its head must hold to show that the
/// passphrase is the right one.
fn chunks(cover: Cover<'_>, cost: Cost, salt: &[u8]) -> Result<(Chunks, [u8; 16]), Error> {
    let Cover::Passphrase(text) = cover else {
        return Ok((Chunks::Bare, [0; 16]));
    };
    let underivable = |_| refused("its key can't be derived");
    let params =
        Params::new(cost.memory, cost.passes, cost.lanes, Some(32)).map_err(underivable)?;
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(text.as_bytes(), salt, &mut key[..])
        .map_err(underivable)?;
    let mut check = [0; 16];
    let full = blake3::derive_key("browserd 2026-11 file key check", &key[..]);
    check.copy_from_slice(&full[..16]);
    let sealing = Zeroizing::new(blake3::derive_key("browserd 2026-11 file seal", &key[..]));
    let cipher = XChaCha20Poly1305::new(&Key::from(*sealing));
    Ok((Chunks::Sealed(Box::new(cipher)), check))
}

impl Chunks {
    fn close(&self, head: &[u8], number: u32, last: bool, piece: &[u8]) -> Result<Vec<u8>, Error> {
        match self {
            Self::Sealed(cipher) => {
                let payload = Payload {
                    msg: piece,
                    aad: head,
                };
                let sealed = cipher.encrypt(&nonce(number, last), payload);
                sealed.map_err(|_| refused("it can't be sealed"))
            }
            Self::Bare => Ok([piece, &digest(head, number, last, piece)].concat()),
        }
    }

    fn open(
        &self,
        head: &[u8],
        number: u32,
        last: bool,
        closed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let damaged = || refused("it is damaged, or cut off");
        match self {
            Self::Sealed(cipher) => {
                let payload = Payload {
                    msg: closed,
                    aad: head,
                };
                let piece = cipher.decrypt(&nonce(number, last), payload);
                Ok(Zeroizing::new(piece.map_err(|_| damaged())?))
            }
            Self::Bare => {
                let (piece, tag) = closed.split_last_chunk::<TAG>().ok_or_else(damaged)?;
                if *tag == digest(head, number, last, piece) {
                    Ok(Zeroizing::new(piece.to_vec()))
                } else {
                    Err(damaged())
                }
            }
        }
    }
}

/// The key is one file's alone, so its number in the file makes a piece's nonce unique.
fn nonce(number: u32, last: bool) -> XNonce {
    let mut nonce = [0; 24];
    nonce[19..23].copy_from_slice(&number.to_le_bytes());
    nonce[23] = u8::from(last);
    XNonce::from(nonce)
}

fn digest(head: &[u8], number: u32, last: bool, piece: &[u8]) -> [u8; TAG] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(head);
    hasher.update(&number.to_le_bytes());
    hasher.update(&[u8::from(last)]);
    hasher.update(piece);
    let mut tag = [0; TAG];
    tag.copy_from_slice(&hasher.finalize().as_bytes()[..TAG]);
    tag
}

fn too_large(found: usize, limit: usize) -> Result<(), Error> {
    if limit < found {
        let (found, limit) = (found as u64, limit as u64);
        return Err(Error::FileTooLarge { found, limit });
    }
    Ok(())
}

fn refused(reason: &str) -> Error {
    Error::File {
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::OnceLock;

    const WORDS: Cover<'static> = Cover::Passphrase("correct horse");

    fn content() -> Vec<u8> {
        // Doesn't pack well, so that there are several pieces.
        let mut reader = blake3::Hasher::new().update(b"content").finalize_xof();
        let mut content = vec![0; 3 * CHUNK + 77];
        reader.fill(&mut content);
        content
    }

    fn bare() -> &'static [u8] {
        static FILE: OnceLock<Vec<u8>> = OnceLock::new();
        FILE.get_or_init(|| pack(&content(), Cover::Bare).unwrap())
    }

    fn check(file: &[u8], cover: Cover<'_>, expect: &str) {
        match unpack(file, cover) {
            Ok(_) => panic!("it was taken; expected: {expect}"),
            Err(err) => assert!(err.to_string().contains(expect), "{err}, not: {expect}"),
        }
    }

    #[test]
    fn a_sealed_file_opens_with_its_passphrase_and_not_otherwise() {
        let file = pack(&content(), WORDS).unwrap();
        assert_eq!(&*unpack(&file, WORDS).unwrap(), &content());
        check(&file, Cover::Passphrase("wrong horse"), "passphrase");
        check(&file, Cover::Bare, "sealed under a passphrase");
        check(bare(), WORDS, "isn't sealed");
        // As an attacker would hand it in: the sealed pieces under a head that says bare.
        let mut forged = file.clone();
        forged[10] = 0;
        check(&forged, Cover::Bare, "damaged");
        // Each way to spoil it that needs no luck: one of a kind is enough, as deriving the
        // key costs a second in a test.
        let flip = |at: usize| {
            let mut bent = file.clone();
            bent[at] ^= 1;
            bent
        };
        check(&flip(HEAD + 9), WORDS, "damaged");
        check(&flip(25), WORDS, "passphrase");
        check(&file[..HEAD + 4 + CHUNK + TAG], WORDS, "damaged");
        check(&[&file[..], b"more"].concat(), WORDS, "damaged");
        let swapped = swap_first_two(&file);
        check(&swapped, WORDS, "damaged");
        assert!(matches!(
            pack(b"x", Cover::Passphrase("short")),
            Err(Error::File { .. })
        ));
    }

    fn swap_first_two(file: &[u8]) -> Vec<u8> {
        let piece = 4 + CHUNK + TAG;
        let (head, rest) = file.split_at(HEAD);
        [
            head,
            &rest[piece..2 * piece],
            &rest[..piece],
            &rest[2 * piece..],
        ]
        .concat()
    }

    #[test]
    fn what_a_file_may_cost_is_bounded_before_it_is_paid() {
        let with = |at: usize, value: &[u8]| {
            let mut file = bare().to_vec();
            file[10] = 1;
            file[at..at + value.len()].copy_from_slice(value);
            file
        };
        for (at, value) in [(12, u32::MAX), (16, 11), (20, 5)] {
            check(&with(at, &value.to_le_bytes()), WORDS, "costs more");
        }
        check(&vec![0; LARGEST + 1], Cover::Bare, "limit");
        check(
            &with(HEAD, &u32::MAX.to_le_bytes())[..],
            Cover::Bare,
            "sealed",
        );
        let mut long = bare().to_vec();
        long[HEAD..HEAD + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        check(&long, Cover::Bare, "longer than any may be");
        let mut newer = bare().to_vec();
        newer[8] = 2;
        check(&newer, Cover::Bare, "version");
        // A few kilobytes that would unpack to more than a machine has.
        let bomb = vec![0; LARGEST_CONTENT + 1];
        let mut file = bare()[..HEAD].to_vec();
        let packed = zstd::bulk::compress(&bomb, LEVEL).unwrap();
        assert!(packed.len() < CHUNK);
        let head: [u8; HEAD] = file[..].try_into().unwrap();
        file.extend_from_slice(&(packed.len() as u32).to_le_bytes());
        file.extend(Chunks::Bare.close(&head, 0, true, &packed).unwrap());
        check(&file, Cover::Bare, "limit");
    }

    proptest! {
        #[test]
        fn a_bent_or_cut_file_is_refused_and_never_read_wrong(
            at in 0..4_usize * CHUNK, bit in 0..8_u8, cut in any::<bool>(),
        ) {
            let at = at % bare().len();
            let mut file = bare().to_vec();
            if cut {
                file.truncate(at);
            } else {
                file[at] ^= 1 << bit;
            }
            // The costs and the salt mean nothing in a bare file, but are its own all the same.
            prop_assert!(unpack(&file, Cover::Bare).is_err());
        }

        #[test]
        fn any_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(unpack(&bytes, Cover::Bare).is_err());
            let headed = [&bare()[..HEAD], &bytes].concat();
            prop_assert!(unpack(&headed, Cover::Bare).is_err());
        }

        #[test]
        fn what_is_packed_comes_back(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
            let file = pack(&bytes, Cover::Bare).unwrap();
            prop_assert_eq!(&*unpack(&file, Cover::Bare).unwrap(), &bytes);
        }
    }
}
