//! Reaping what falls to the daemon.

use std::io;

use base::Tasks;

/// Makes this process inherit the orphans below it.
///
/// # Errors
/// The system's refusal.
pub fn become_subreaper() -> io::Result<()> {
    Ok(())
}

/// Reaps orphaned zombie children of the daemon that nobody else waits for.
#[derive(Debug)]
pub struct Reaper {}

impl Reaper {
    /// Starts reaping, until the tasks are stopped.
    ///
    /// # Errors
    /// The system's refusal to tell of children's ends.
    pub fn start(tasks: &Tasks) -> io::Result<Self> {
        let _later = tasks;
        Ok(Self {})
    }
}
