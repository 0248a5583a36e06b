//! Processes, named by id and start time.

use std::io;

/// A process that can be waited for.
#[derive(Debug)]
pub struct Watched {}

/// Watches the process `pid` that started at `start`.
///
/// # Errors
/// `NotFound` if it has gone or the id has passed to another process.
pub fn watch(pid: i32, start: u64) -> io::Result<Watched> {
    let _later = (pid, start);
    Err(io::ErrorKind::NotFound.into())
}

impl Watched {
    /// Waits until the process has ended.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn exited(&self) {}
}

/// Returns when a process started, in clock ticks since boot.
///
/// # Errors
/// `NotFound` if there is none.
pub fn start_time(pid: i32) -> io::Result<u64> {
    let _later = pid;
    Err(io::ErrorKind::NotFound.into())
}

/// Tells whether the process of that id and start time runs (a zombie doesn't).
#[must_use]
pub fn is_running(pid: i32, start: u64) -> bool {
    let _later = (pid, start);
    false
}

/// Returns the memory of a process and of all below it: each page divided by its users.
///
/// # Errors
/// `NotFound` if there is no such process.
pub fn pss_of_tree(pid: i32) -> io::Result<u64> {
    let _later = pid;
    Err(io::ErrorKind::NotFound.into())
}
