//! Processes, named by id and start time: an id alone may pass to a stranger.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions};
use tokio::io::unix::AsyncFd;

/// A process that can be waited for.
#[derive(Debug)]
pub struct Watched {
    pid: Pid,
    fd: AsyncFd<OwnedFd>,
}

/// Watches the process `pid` that started at `start`.
///
/// To be called inside a tokio runtime.
///
/// # Errors
/// `NotFound` if it has gone or the id has passed to another process.
pub fn watch(pid: i32, start: u64) -> io::Result<Watched> {
    let (pid, fd) = open(pid, start)?;
    // The successor of `new` is unsafe for types whose descriptor may change under them; an
    // `OwnedFd` never does, and unsafe code has its one place in `spawn`.
    #[allow(deprecated, reason = "sound for OwnedFd")]
    let fd = AsyncFd::new(fd)?;
    Ok(Watched { pid, fd })
}

impl Watched {
    /// Waits until the process has ended. A child of this process is reaped.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn exited(&self) {
        // A pidfd becomes readable when its process has ended, and stays so.
        if let Err(error) = self.fd.readable().await {
            tracing::warn!(pid = self.pid.as_raw_nonzero().get(), %error, "pidfd wait failed");
        }
        // Not a child, or reaped already: nothing to do. By the descriptor: the id may have
        // passed to another child meanwhile.
        let _not_ours = rustix::process::waitid(
            WaitId::PidFd(self.fd.get_ref().as_fd()),
            WaitIdOptions::EXITED | WaitIdOptions::NOHANG,
        );
    }

    /// Sends a signal to the process; one that has ended is left alone.
    pub(crate) fn signal(&self, signal: Signal) -> io::Result<()> {
        match rustix::process::pidfd_send_signal(self.fd.get_ref(), signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }
}

/// Opens a process by id, and makes sure that it is the one that started at `start`.
fn open(pid: i32, start: u64) -> io::Result<(Pid, OwnedFd)> {
    let gone = || io::Error::from(io::ErrorKind::NotFound);
    let id = Pid::from_raw(pid).ok_or_else(gone)?;
    let fd = match rustix::process::pidfd_open(id, PidfdFlags::empty()) {
        Ok(fd) => fd,
        Err(rustix::io::Errno::SRCH) => return Err(gone()),
        Err(errno) => return Err(errno.into()),
    };
    // In this order: the descriptor is bound to one process, and this one was it.
    if start_time(pid)? != start {
        return Err(gone());
    }
    Ok((id, fd))
}

/// Returns when a process started, in clock ticks since boot.
///
/// # Errors
/// `NotFound` if there is none.
pub fn start_time(pid: i32) -> io::Result<u64> {
    Ok(Stat::of(pid)?.start)
}

/// Tells whether the process of that id and start time runs (a zombie doesn't).
#[must_use]
pub fn is_running(pid: i32, start: u64) -> bool {
    Stat::of(pid).is_ok_and(|stat| stat.start == start && !stat.is_dead())
}

/// Returns the memory of a process and of all below it: each page divided by its users.
///
/// # Errors
/// `NotFound` if there is no such process.
pub fn pss_of_tree(pid: i32) -> io::Result<u64> {
    let mut total = pss(pid)?;
    let all = all();
    let mut parents = vec![pid];
    while let Some(parent) = parents.pop() {
        for stat in all.iter().filter(|stat| stat.parent == parent) {
            parents.push(stat.pid);
            // One that ended meanwhile has no memory.
            total += pss(stat.pid).unwrap_or(0);
        }
    }
    Ok(total)
}

fn pss(pid: i32) -> io::Result<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let kilobytes = text
        .lines()
        .find_map(|line| {
            line.strip_prefix("Pss:")?
                .trim()
                .strip_suffix("kB")?
                .trim()
                .parse()
                .ok()
        })
        .unwrap_or(0_u64);
    Ok(kilobytes << 10)
}

/// What of `/proc/PID/stat` is needed here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Stat {
    pub(crate) pid: i32,
    pub(crate) state: u8,
    pub(crate) parent: i32,
    pub(crate) group: i32,
    pub(crate) session: i32,
    pub(crate) start: u64,
}

impl Stat {
    pub(crate) fn of(pid: i32) -> io::Result<Self> {
        let text = std::fs::read(format!("/proc/{pid}/stat")).map_err(|err| {
            // Read of a process that ends between open and read.
            match err.raw_os_error().map(rustix::io::Errno::from_raw_os_error) {
                Some(rustix::io::Errno::SRCH) => io::ErrorKind::NotFound.into(),
                _ => err,
            }
        })?;
        Self::parse(&text).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// The second field is the program's name in parentheses and may hold anything, also
    /// parentheses and spaces: what counts begins after the last one.
    fn parse(text: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(text);
        let (head, tail) = text.rsplit_once(')')?;
        let fields: Vec<&str> = tail.split_ascii_whitespace().collect();
        Some(Self {
            pid: head.split_once(' ')?.0.parse().ok()?,
            state: *fields.first()?.as_bytes().first()?,
            parent: fields.get(1)?.parse().ok()?,
            group: fields.get(2)?.parse().ok()?,
            session: fields.get(3)?.parse().ok()?,
            start: fields.get(19)?.parse().ok()?,
        })
    }

    /// A zombie, or on its way to be one.
    pub(crate) const fn is_dead(&self) -> bool {
        matches!(self.state, b'Z' | b'X' | b'x')
    }
}

/// Returns every process there is.
pub(crate) fn all() -> Vec<Stat> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Stat::of(pid).ok())
        .collect()
}

/// Returns this process's children.
pub(crate) fn children() -> Vec<Stat> {
    let me = rustix::process::getpid().as_raw_nonzero().get();
    let mut all = all();
    all.retain(|stat| stat.parent == me);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn me() -> i32 {
        rustix::process::getpid().as_raw_nonzero().get()
    }

    #[test]
    fn a_name_with_parentheses_is_read_over() {
        let line = b"12 (a) b (c) S 1 2 3 0 -1 4 0 0 0 0 5 6 0 0 20 0 1 0 777 8 9";
        let stat = Stat::parse(line).unwrap();
        assert_eq!(
            stat,
            Stat {
                pid: 12,
                state: b'S',
                parent: 1,
                group: 2,
                session: 3,
                start: 777
            }
        );
        assert_eq!(Stat::parse(b"12 (a"), None);
    }

    #[test]
    fn this_process_runs_and_another_start_time_is_another_process() {
        let start = start_time(me()).unwrap();
        assert!(is_running(me(), start));
        assert!(!is_running(me(), start + 1));
        assert_eq!(
            open(me(), start + 1).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
    }

    #[test]
    fn an_id_that_nobody_has_is_not_found() {
        assert_eq!(
            start_time(i32::MAX).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
        assert_eq!(
            open(i32::MAX, 1).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
        assert_eq!(open(0, 1).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn memory_is_measured() {
        assert!(pss_of_tree(me()).unwrap() > 100 << 10);
    }
}
