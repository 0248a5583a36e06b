//! The home's lock: one daemon at a time, and the next one knows whom it waits for.
//!
//! The file `lock` is never removed: a lock on a removed file would hold nobody out.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base::Ctx;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::Error;

/// The kernel has no event "the lock is free" that can be waited for with a limit.
const BETWEEN_TRIES: Duration = Duration::from_millis(20);
const STOPPING: &str = "stopping";

/// How long to wait for a home that another daemon holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Patience {
    /// While the holder runs.
    pub running: Duration,
    /// While the holder says that it is stopping, counted from the start of the wait too.
    pub stopping: Duration,
}

/// The right to a home. Dropping it lets the next daemon in.
#[derive(Debug)]
pub struct HomeLock {
    file: File,
    path: PathBuf,
}

/// Waits for the lock of a home, which must have been made.
///
/// # Errors
/// [`Error::Locked`] names the holder when the patience is over; [`Error::Stopped`] if the
/// caller's own time was over first.
///
/// # Cancel safety
/// Yes: a lock that was taken is given back.
pub async fn lock_home(ctx: &Ctx, home: &Path, patience: Patience) -> Result<HomeLock, Error> {
    let running = ctx.at_most(patience.running);
    let stopping = ctx.at_most(patience.stopping);
    loop {
        let holder = match HomeLock::take(home)? {
            Ok(lock) => return Ok(lock),
            Err(holder) => holder,
        };
        let limit = if holder.stopping { &stopping } else { &running };
        if limit.remaining().is_zero() {
            if ctx.remaining().is_zero() {
                tracing::debug!("the caller's own limit ended the wait for the home");
            }
            let home = home.to_owned();
            return Err(Error::Locked {
                home,
                pid: holder.pid,
                stopping: holder.stopping,
            });
        }
        // A pause that is cut short by `limit` is followed by one last try.
        match limit.pause(BETWEEN_TRIES).await {
            Ok(()) | Err(base::Stopped::Deadline) => {}
            Err(cancelled) => return Err(cancelled.into()),
        }
    }
}

impl HomeLock {
    /// Tries once; the inner error tells who holds it.
    fn take(home: &Path) -> Result<Result<Self, Holder>, Error> {
        let path = home.join("lock");
        let fail = |err| Error::io("open", &path, err);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(fail)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Ok(Err(Holder::read(&mut file))),
            Err(err) => return Err(Error::io("lock", &path, err.into())),
        }
        let mut lock = Self { file, path };
        lock.tell("")?;
        Ok(Ok(lock))
    }

    /// Tells those who wait that the holder is on its way out.
    ///
    /// # Errors
    /// [`Error::Io`] if it can't be written; the lock holds all the same.
    pub fn mark_stopping(&mut self) -> Result<(), Error> {
        self.tell(STOPPING)
    }

    fn tell(&mut self, word: &str) -> Result<(), Error> {
        let text = format!("{} {word}\n", std::process::id());
        let written = self
            .file
            .rewind()
            .and_then(|()| self.file.write_all(text.as_bytes()))
            .and_then(|()| self.file.set_len(text.len() as u64));
        written.map_err(|err| Error::io("write", &self.path, err))
    }
}

/// What the lock file says of its holder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Holder {
    /// `None` while the holder is between taking the lock and writing its id.
    pid: Option<i32>,
    stopping: bool,
}

impl Holder {
    fn read(file: &mut File) -> Self {
        let mut text = String::new();
        // What can't be read is not known; the lock itself is what counts.
        let text = match file.take(64).read_to_string(&mut text) {
            Ok(_) => text.as_str(),
            Err(_) => "",
        };
        let mut words = text.split_ascii_whitespace();
        let pid = words.next().and_then(|word| word.parse().ok());
        Self {
            pid,
            stopping: words.next() == Some(STOPPING),
        }
    }
}

impl Default for Patience {
    /// 5 seconds for a holder that runs, 30 for one that is stopping.
    fn default() -> Self {
        Self {
            running: Duration::from_secs(5),
            stopping: Duration::from_secs(30),
        }
    }
}
