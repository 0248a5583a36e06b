//! Chromium as a process: find, launch, keep, adopt, stop, reap.
//!
//! ```text
//! daemon ── Link (unix socket, frames) ──▶ keeper ── pipe (fd 3, 4) ──▶ Chromium
//!   launch / adopt                          keeper::main                 own process group
//! ```
//!
//! A browser belongs to its keeper, a process of its own that outlives the daemon. This
//! crate knows processes, folders and bytes. What the bytes mean is `cdp`'s business: here
//! a message is something between two NULs.

mod adopt;
mod control;
mod error;
mod exit;
mod find;
mod flags;
pub mod keeper;
mod launch;
mod leftovers;
mod link;
pub mod process;
mod profile;
mod reap;
mod spawn;
mod wire;

pub use adopt::{Hello, Identity, Welcome, adopt};
pub use control::Control;
pub use error::Error;
pub use exit::{ExitCause, ExitRecord, exit_record};
pub use find::find;
pub use launch::{KeeperProgram, LaunchSpec, Sandbox, launch};
pub use leftovers::{end_leftovers, sweep};
pub use link::{Link, LinkEnd};
pub use profile::clear_singleton_locks;
pub use reap::{Reaper, become_subreaper};
