//! What every other crate stands on: ids, states, codes, tasks with fates, deadlines, time.
//!
//! Nothing here knows browsers, storage, HTTP or a user. This crate is the only one that
//! spawns tasks and reads clocks; clippy's `disallowed-methods` holds the others to it.

#![allow(
    clippy::disallowed_methods,
    reason = "this crate wraps what the others may not call"
)]

mod backoff;
mod clock;
mod code;
mod ctx;
mod disk;
mod id;
mod key;
mod loss;
mod private;
mod size;
mod sleep;
pub mod socket;
mod state;
mod tab;
mod task;

pub use backoff::Backoff;
pub use clock::{Awake, Clock, Instant, Timestamp};
pub use code::Code;
pub use ctx::{Ctx, Stopped};
pub use disk::free_space;
pub use id::{BrowserId, CallId, CheckpointId, InvalidId, ResultId, SessionId};
pub use key::{InvalidKey, SessionKey, SessionName};
pub use loss::Part;
pub use private::Private;
pub use size::ByteSize;
pub use sleep::SleepWatch;
pub use state::{StateName, Status};
pub use tab::{InvalidTabId, TabId};
pub use task::{Fate, OnCancel, OnError, TaskHandle, TaskKind, TaskSet, Tasks};
