//! What daemon and keeper say to each other over the unix socket.
//!
//! ```text
//! frame   = length u32 LE (of the payload) | kind u8 | payload
//! HELLO   = version u16 | epoch u64 | home nonce length u8 | home nonce | …    daemon, first
//! WELCOME = version u16 | flags u8 | kept u32 | browser pid i32 | browser start u64
//!           | keeper pid i32 | keeper start u64 | nonce length u8 | nonce
//!           | exit length u32 | exit.json | notes length u32 | notes | …        keeper, first
//! EXITED  = exit.json, with how many of this daemon's messages were delivered
//! TAKEN   = a running total u64: messages the daemon has consumed, or bytes of messages
//!           that the browser has read. Both sides hold back what would pass the window,
//!           so that neither ever has to stop reading, and commands are never stuck.
//! ```
//! Numbers are little-endian. A newer daemon speaks to an older keeper: a kind that isn't known
//! is skipped, fields are only ever added, at the end (…), and those that aren't known ignored.

use crate::{ExitRecord, Hello, Identity, Welcome};

/// The protocol's version.
pub(crate) const VERSION: u16 = 1;
/// The bytes before a payload.
pub(crate) const HEADER: usize = 5;
/// One message between daemon and browser (DESIGN "What the keeper is").
pub(crate) const MAX_MESSAGE: usize = 256 << 20;
/// The notes of a browser.
pub(crate) const MAX_NOTES: usize = 4 << 20;
/// The will of a browser.
pub(crate) const MAX_WILL: usize = 1 << 20;
/// A side sends no message that would leave more than this unanswered by TAKEN …
pub(crate) const WINDOW: usize = 4 << 20;
/// … unless less than this is: so a message larger than the window passes too.
pub(crate) const SLACK: usize = 1 << 20;
/// TAKEN is sent at the latest when this many bytes were taken. Below [`SLACK`], or a sender
/// could wait for a TAKEN that never comes.
pub(crate) const REPORT: usize = 256 << 10;

/// The socket's name in the run folder.
pub(crate) const SOCKET: &str = "keeper.sock";

/// Kinds of frames that a daemon sends.
pub(crate) mod ask {
    /// Who is asking; the first frame.
    pub(crate) const HELLO: u8 = 1;
    /// A message for the browser.
    pub(crate) const MESSAGE: u8 = 2;
    /// The notes, whole.
    pub(crate) const NOTES: u8 = 3;
    /// The will: messages, each with its length u32 before it.
    pub(crate) const WILL: u8 = 4;
    /// Stop the browser: milliseconds of grace u64.
    pub(crate) const STOP: u8 = 5;
    /// How many messages this daemon has consumed.
    pub(crate) const TAKEN: u8 = 6;
    /// The launch is complete: live on when this daemon goes.
    pub(crate) const KEEP: u8 = 7;
}

/// Kinds of frames that a keeper sends.
pub(crate) mod tell {
    /// The answer to a hello.
    pub(crate) const WELCOME: u8 = 1;
    /// A message from the browser.
    pub(crate) const MESSAGE: u8 = 2;
    /// The hello was refused: a reason u8.
    pub(crate) const REFUSED: u8 = 3;
    /// The browser ended: its exit.json and what it has read.
    pub(crate) const EXITED: u8 = 4;
    /// How many bytes of messages the browser has read.
    pub(crate) const TAKEN: u8 = 5;
    /// Messages had to be dropped: how many since the start u64.
    pub(crate) const GAP: u8 = 6;
    /// A daemon with a higher epoch has come.
    pub(crate) const DISPLACED: u8 = 7;
}

/// Why a hello was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Refusal {
    /// The home's nonce is another.
    Nonce = 1,
    /// A daemon with this epoch is here, or one with a higher was.
    Epoch = 2,
    /// The hello can't be read.
    Malformed = 3,
}

/// Returns a frame's bytes.
pub(crate) fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(HEADER + payload.len());
    frame.extend_from_slice(&header(kind, payload.len()));
    frame.extend_from_slice(payload);
    frame
}

/// Returns the bytes before a payload. The limits keep every length inside a `u32`.
pub(crate) fn header(kind: u8, length: usize) -> [u8; HEADER] {
    let [a, b, c, d] = u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
    [a, b, c, d, kind]
}

/// Reads a header: the payload's length and the kind.
pub(crate) fn read_header(bytes: &[u8]) -> Option<(usize, u8)> {
    let &[a, b, c, d, kind] = bytes.first_chunk::<HEADER>()?;
    Some((u32::from_le_bytes([a, b, c, d]) as usize, kind))
}

/// Tells whether a payload of this kind may be that long: nothing unbounded is ever buffered.
pub(crate) const fn fits(kind: u8, length: usize) -> bool {
    // Both directions' MESSAGE, NOTES and WILL; a WELCOME carries the notes.
    match kind {
        ask::MESSAGE => length <= MAX_MESSAGE,
        _ => length <= MAX_NOTES + (64 << 10),
    }
}

/// Returns the payload of HELLO.
pub(crate) fn hello(hello: &Hello) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&hello.epoch.to_le_bytes());
    out.push(u8::try_from(hello.nonce.len()).unwrap_or(0));
    out.extend_from_slice(hello.nonce.as_bytes());
    out
}

/// Reads the payload of HELLO: version, epoch, nonce.
pub(crate) fn read_hello(payload: &[u8]) -> Option<(u16, u64, &[u8])> {
    let mut reader = Reader(payload);
    let version = u16::from_le_bytes(reader.array()?);
    let epoch = u64::from_le_bytes(reader.array()?);
    let [nonce_length] = reader.array()?;
    Some((version, epoch, reader.slice(usize::from(nonce_length))?))
}

/// Returns the payload of WELCOME.
pub(crate) fn welcome(welcome: &Welcome) -> Vec<u8> {
    let identity = &welcome.identity;
    let exit = welcome
        .exit
        .as_ref()
        .map(ExitRecord::to_json)
        .unwrap_or_default();
    let mut out = Vec::with_capacity(128 + exit.len() + welcome.notes.len());
    out.extend_from_slice(&welcome.version.to_le_bytes());
    out.push(u8::from(welcome.gap));
    out.extend_from_slice(&welcome.kept.to_le_bytes());
    out.extend_from_slice(&identity.browser_pid.to_le_bytes());
    out.extend_from_slice(&identity.browser_start.to_le_bytes());
    out.extend_from_slice(&identity.keeper_pid.to_le_bytes());
    out.extend_from_slice(&identity.keeper_start.to_le_bytes());
    out.push(u8::try_from(identity.nonce.len()).unwrap_or(0));
    out.extend_from_slice(identity.nonce.as_bytes());
    out.extend_from_slice(&u32::try_from(exit.len()).unwrap_or(0).to_le_bytes());
    out.extend_from_slice(&exit);
    let notes = &welcome.notes;
    out.extend_from_slice(&u32::try_from(notes.len()).unwrap_or(0).to_le_bytes());
    out.extend_from_slice(notes);
    out
}

/// Reads the payload of WELCOME.
pub(crate) fn read_welcome(payload: &[u8]) -> Option<Welcome> {
    let mut reader = Reader(payload);
    let version = u16::from_le_bytes(reader.array()?);
    let [flags] = reader.array()?;
    let kept = u32::from_le_bytes(reader.array()?);
    let browser_pid = i32::from_le_bytes(reader.array()?);
    let browser_start = u64::from_le_bytes(reader.array()?);
    let keeper_pid = i32::from_le_bytes(reader.array()?);
    let keeper_start = u64::from_le_bytes(reader.array()?);
    let [nonce_length] = reader.array()?;
    let nonce = String::from_utf8(reader.slice(usize::from(nonce_length))?.to_vec()).ok()?;
    let exit_length = u32::from_le_bytes(reader.array()?) as usize;
    let exit = reader.slice(exit_length)?;
    let notes_length = u32::from_le_bytes(reader.array()?) as usize;
    let notes = reader.slice(notes_length)?;
    Some(Welcome {
        version,
        identity: Identity {
            browser_pid,
            browser_start,
            keeper_pid,
            keeper_start,
            nonce,
        },
        notes: bytes::Bytes::copy_from_slice(notes),
        gap: flags & 1 != 0,
        kept,
        exit: ExitRecord::from_json(exit),
    })
}

/// Returns the payload of EXITED.
pub(crate) fn exited(record: &ExitRecord, delivered: u64) -> Vec<u8> {
    record.to_json_with(Some(delivered))
}

/// Reads the payload of EXITED: the record, and how many messages were delivered, which an
/// older keeper doesn't tell.
pub(crate) fn read_exited(payload: &[u8]) -> Option<(ExitRecord, Option<u64>)> {
    ExitRecord::from_json_with(payload)
}

/// Reads a payload that is one number.
pub(crate) fn read_number(payload: &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(*payload.first_chunk::<8>()?))
}

/// Returns the payload of WILL.
pub(crate) fn will(messages: &[bytes::Bytes]) -> Vec<u8> {
    let mut out = Vec::new();
    for message in messages {
        out.extend_from_slice(&u32::try_from(message.len()).unwrap_or(0).to_le_bytes());
        out.extend_from_slice(message);
    }
    out
}

/// Reads the payload of WILL.
pub(crate) fn read_will(payload: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut reader = Reader(payload);
    let mut messages = Vec::new();
    while !reader.0.is_empty() {
        let length = u32::from_le_bytes(reader.array()?) as usize;
        messages.push(reader.slice(length)?.to_vec());
    }
    Some(messages)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn slice(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ExitCause;

    fn example() -> Welcome {
        Welcome {
            version: VERSION,
            identity: Identity {
                browser_pid: 7,
                browser_start: 1 << 40,
                keeper_pid: 6,
                keeper_start: 99,
                nonce: "n".repeat(32),
            },
            notes: bytes::Bytes::from_static(b"tabs"),
            gap: true,
            kept: 3,
            exit: Some(ExitRecord {
                cause: ExitCause::Signalled { signal: 9 },
                oom: true,
                at: base::Timestamp::UNIX_EPOCH,
            }),
        }
    }

    #[test]
    fn a_welcome_reads_back() {
        assert_eq!(read_welcome(&welcome(&example())), Some(example()));
    }

    #[test]
    fn a_welcome_cut_short_is_refused() {
        let whole = welcome(&example());
        for end in 0..whole.len() {
            assert_eq!(read_welcome(&whole[..end]), None, "cut at {end}");
        }
    }

    #[test]
    fn a_will_reads_back_and_a_broken_one_is_refused() {
        let messages = [bytes::Bytes::from_static(b"{}"), bytes::Bytes::new()];
        let payload = will(&messages);
        assert_eq!(read_will(&payload), Some(vec![b"{}".to_vec(), Vec::new()]));
        assert_eq!(read_will(&payload[1..]), None);
    }

    #[test]
    fn a_hello_reads_back() {
        let payload = hello(&Hello {
            nonce: "ab".to_owned(),
            epoch: 5,
        });
        assert_eq!(read_hello(&payload), Some((VERSION, 5, &b"ab"[..])));
        for end in 0..payload.len() {
            assert_eq!(read_hello(&payload[..end]), None, "cut at {end}");
        }
    }

    #[test]
    fn what_a_later_version_appends_is_ignored() {
        let later = [&welcome(&example())[..], b"and more"].concat();
        assert_eq!(read_welcome(&later), Some(example()));
        let payload = hello(&Hello {
            nonce: "ab".to_owned(),
            epoch: 5,
        });
        let later = [&payload[..], b"and more"].concat();
        assert_eq!(read_hello(&later), Some((VERSION, 5, &b"ab"[..])));
    }

    #[test]
    fn an_end_reads_back_also_that_of_an_older_keeper() {
        let record = example().exit.unwrap();
        let payload = exited(&record, 7);
        assert_eq!(read_exited(&payload), Some((record.clone(), Some(7))));
        assert_eq!(ExitRecord::from_json(&payload), Some(record.clone()));
        assert_eq!(read_exited(&record.to_json()), Some((record, None)));
        assert_eq!(read_exited(b"{}"), None);
    }
}
