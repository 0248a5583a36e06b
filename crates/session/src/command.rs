//! What a session's task is told to do.

use base::CheckpointId;
use tokio::sync::oneshot;

use crate::Error;
use crate::call::Pending;
use crate::summary::{CheckpointInfo, Recovered, Restored};

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
        /// Its name.
        name: Option<String>,
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
