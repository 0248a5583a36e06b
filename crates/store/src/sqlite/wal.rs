//! The WAL, looked at before SQLite does.
//!
//! SQLite takes a WAL up to its first frame that doesn't match its checksum, and writes over what
//! comes after. That is right for a write that was cut off, and no word is said of it. But frames
//! that are whole behind one that isn't are no cut-off write: what was committed in them is lost.
//! Then the file is copied aside first, and that is told.
//!
//! ```text
//! header 32   magic u32 | version u32 | page size u32 | sequence u32 | salt 8 | checksum 8
//! frame 24+   page u32 | pages after a commit, else 0 u32 | salt 8 | checksum 8 | the page
//! ```
//! Big-endian. A checksum goes on from the one before it.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::Path;

use crate::Error;

const HEADER: usize = 32;
const FRAME: usize = 24;
/// The magic's lowest bit says whether checksums read words as big-endian.
const MAGIC: u32 = 0x377f_0682;
/// How many damaged ones are kept; a further one takes the last one's place.
const KEPT: u32 = 8;

/// Copies a damaged WAL aside; tells how many commits in it are lost.
///
/// # Errors
/// [`Error::Io`], [`Error::DiskFull`]: nothing was changed then.
pub(super) fn keep_if_damaged(path: &Path) -> Result<u64, Error> {
    let fail = |err| Error::io("read", path, err);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(err) if err.kind() == ErrorKind::NotFound => return Ok(0),
        Err(err) => return Err(fail(err)),
    };
    let lost = lost_commits(BufReader::new(file)).map_err(fail)?;
    if 0 < lost {
        let aside = |n| path.with_extension(format!("db-wal.{n}.damaged"));
        let free = (0..KEPT).map(aside).find(|aside| !aside.exists());
        let kept = free.unwrap_or_else(|| aside(KEPT - 1));
        std::fs::copy(path, &kept).map_err(|err| Error::io("copy aside", path, err))?;
        tracing::error!(
            lost, kept = %kept.display(),
            "the WAL is damaged: the last commits in it are lost"
        );
    }
    Ok(lost)
}

/// Returns how many commits stand behind the first frame that doesn't match its checksum.
fn lost_commits(mut wal: impl Read) -> std::io::Result<u64> {
    let mut header = [0; HEADER];
    if !filled(&mut wal, &mut header)? {
        return Ok(0);
    }
    let [magic, _, size, _, salt_1, salt_2, sum_1, sum_2] = words::<8>(&header);
    let big = magic & 1 == 1;
    let mut sum = summed((0, 0), &header[..24], big);
    let mut sound = magic & !1 == MAGIC && sum == (sum_1, sum_2);
    let size = if sound { size as usize } else { 4096 };
    if !(512..=65_536).contains(&size) {
        return Ok(1);
    }
    let (mut frame, mut page) = ([0; FRAME], vec![0; size]);
    let mut lost = 0;
    while filled(&mut wal, &mut frame)? && filled(&mut wal, &mut page)? {
        let [number, commit, one, two, sum_1, sum_2] = words::<6>(&frame);
        // Frames of an earlier round of the file have another salt: they are where they belong.
        let of_this_round = (one, two) == (salt_1, salt_2);
        if sound {
            let next = summed(summed(sum, &frame[..8], big), &page, big);
            sound = of_this_round && number != 0 && next == (sum_1, sum_2);
            sum = next;
            if sound || !of_this_round {
                continue;
            }
        }
        // Either salt, for it may be the header's that was damaged, or one of the frame's.
        if commit != 0 && (one == salt_1 || two == salt_2) {
            lost += 1;
        }
    }
    Ok(lost)
}

fn words<const N: usize>(bytes: &[u8]) -> [u32; N] {
    let mut words = [0; N];
    for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(4)) {
        *word = bytes
            .iter()
            .fold(0, |word, byte| (word << 8) | u32::from(*byte));
    }
    words
}

/// SQLite's checksum of a WAL, going on from `sum`.
fn summed(sum: (u32, u32), bytes: &[u8], big: bool) -> (u32, u32) {
    bytes.chunks_exact(8).fold(sum, |(one, two), pair| {
        let [mut first, mut second] = words::<2>(pair);
        if !big {
            (first, second) = (first.swap_bytes(), second.swap_bytes());
        }
        let one = one.wrapping_add(first).wrapping_add(two);
        (one, two.wrapping_add(second).wrapping_add(one))
    })
}

/// Fills the bytes; tells whether there were as many.
fn filled(from: &mut impl Read, bytes: &mut [u8]) -> std::io::Result<bool> {
    match from.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(err) if err.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(err) => Err(err),
    }
}
