//! What a session's task is told to do.

use std::sync::Arc;

use base::CheckpointId;
use tokio::sync::oneshot;

use crate::Error;
use crate::call::Pending;
use crate::downloads::Download;
use crate::session::Limits;
use crate::settings::{Change, SettingsPart};
use crate::summary::{CheckpointInfo, Deleted, Recovered, Restored};

/// A command to a session's task. Each is answered exactly once, unless the task ends.
pub(crate) enum Command {
    /// Do something on its pages.
    Act(Pending),
    /// Have a browser; answers with the recovery nobody has been told of, if there is one.
    Wake {
        /// Whether a session that isn't alive may be resumed, or is only waited for.
        resume: Resume,
        /// Who waits.
        reply: oneshot::Sender<Result<Option<Recovered>, Error>>,
    },
    /// Take a checkpoint that is kept.
    Checkpoint {
        /// What for, and its name.
        wanted: Wanted,
        /// Who waits.
        reply: oneshot::Sender<Result<CheckpointInfo, Error>>,
    },
    /// Make it what one of its checkpoints says; what it is now is kept first.
    Restore {
        /// Which; `None` for the newest kept one.
        from: Option<CheckpointId>,
        /// Who waits.
        reply: oneshot::Sender<Result<Restored, Error>>,
    },
    /// Delete one of its checkpoints.
    Delete {
        /// Which.
        checkpoint: CheckpointId,
        /// Also the one that a session without a browser would come back to.
        force: bool,
        /// Who waits.
        reply: oneshot::Sender<Result<Deleted, Error>>,
    },
    /// Give its browser back, and keep its state.
    Park {
        /// Who waits.
        reply: oneshot::Sender<Result<(), Error>>,
    },
    /// Count as its use, and give it limits of its own.
    Keep {
        /// The limits.
        limits: Limits,
        /// Who waits.
        reply: oneshot::Sender<Result<(), Error>>,
    },
    /// Change what it is told to be.
    Set {
        /// What changes.
        change: Change,
        /// Who waits.
        reply: oneshot::Sender<Result<Arc<SettingsPart>, Error>>,
    },
    /// Tell of its downloads, and do something with one.
    Download {
        /// What.
        ask: AskDownload,
        /// Who waits.
        reply: oneshot::Sender<Result<Vec<Download>, Error>>,
    },
    /// The host has slept: see whether the browser is still there.
    Slept,
    /// End it for good.
    Close {
        /// Who waits.
        reply: oneshot::Sender<Result<(), Error>>,
    },
    /// The daemon stops.
    ShutDown {
        /// What becomes of the browser.
        browsers: Browsers,
        /// Who waits.
        reply: oneshot::Sender<()>,
    },
}

/// What is asked of a session's downloads; all of them are told then.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum AskDownload {
    /// Nothing more.
    List,
    /// End the one of this number.
    Cancel(u32),
    /// Remove the one of this number.
    Delete(u32),
}

/// A checkpoint that somebody waits for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Wanted {
    /// What it is taken for, in a word.
    pub cause: &'static str,
    /// Its name.
    pub name: Option<String>,
    /// A version of its own, or the rolling latest.
    pub kept: bool,
}

/// Whether a session may be brought back for a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Resume {
    /// A caller asked for it: whatever has a checkpoint comes back.
    Asked,
    /// It is only waited for.
    No,
}

/// What becomes of the browsers when the daemon stops.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Browsers {
    /// They live on for the next daemon.
    Leave,
    /// They are stopped; their sessions are recoverable.
    Stop,
}
