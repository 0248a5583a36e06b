//! Deleting a checkpoint.

use base::{CheckpointId, Ctx, SessionName};

use super::Sessions;
use crate::Error;
use crate::command::{Command, Resume};
use crate::summary::{Deleted, Summary};

impl Sessions {
    /// Deletes one of a session's checkpoints, but nothing that the session could not come back
    /// without.
    ///
    /// A session with a browser is captured first if it would come back to that one. Without a
    /// browser its last usable checkpoint stays, and its newest goes only by `force`.
    ///
    /// # Errors
    /// [`Error::CheckpointNotFound`], [`Error::LastCheckpoint`], [`Error::NewestCheckpoint`] and
    /// those of the capture: nothing is deleted.
    ///
    /// # Cancel safety
    /// It may be deleted all the same.
    pub async fn delete_checkpoint(
        &self,
        ctx: &Ctx,
        who: &SessionName,
        checkpoint: CheckpointId,
        force: bool,
    ) -> Result<(Summary, Deleted), Error> {
        self.refuse_if_stopping()?;
        let handle = self.find(who).await?;
        if handle.published.borrow().state.holds_browser() {
            let resume = Resume::No;
            let wake = |reply| Command::Wake { resume, reply };
            handle.ask(ctx, wake).await??;
        }
        self.record(ctx.call, Some(handle.id), "delete_session_checkpoint")
            .await?;
        let deleted = handle
            .ask(ctx, |reply| Command::Delete {
                checkpoint,
                force,
                reply,
            })
            .await??;
        Ok((handle.summary(), deleted))
    }
}
