//! The keeper: holds a browser's pipe, outlives the daemon, forgets nothing that matters.

use std::path::Path;

/// Runs the keeper of a run folder until its browser has ended. Returns the exit code.
///
/// To be called from the main thread of a process that has no other.
#[must_use]
pub fn main(run: &Path) -> i32 {
    let _later = run;
    1
}
