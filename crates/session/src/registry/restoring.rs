//! Restoring a checkpoint that a caller chose.

use base::{CheckpointId, Ctx, SessionName};

use super::Sessions;
use crate::Error;
use crate::command::{Command, Resume};
use crate::summary::{Restored, Summary};

impl Sessions {
    /// Makes a session what one of its checkpoints says: the named one, else the newest kept
    /// one that isn't damaged. What the session is now is kept first.
    ///
    /// # Errors
    /// [`Error::CheckpointNotFound`], [`Error::NothingKept`] and those of reading it: nothing
    /// is changed. [`Error::NotRestored`] if no browser could be filled from it.
    ///
    /// # Cancel safety
    /// It may be restored all the same.
    pub async fn restore(
        &self,
        ctx: &Ctx,
        who: &SessionName,
        from: Option<CheckpointId>,
    ) -> Result<(Summary, Restored), Error> {
        self.refuse_if_stopping()?;
        let turn = ctx
            .race(self.inner.turn.lock())
            .await
            .map_err(Error::not_sent)?;
        let (handle, state) = self.find_wakeable(who).await?;
        drop(turn);
        if state.holds_browser() {
            // Between browsers: what there is now comes first.
            let resume = Resume::No;
            let wake = |reply| Command::Wake { resume, reply };
            handle.ask(ctx, wake).await??;
        }
        let restored = handle
            .ask(ctx, |reply| Command::Restore { from, reply })
            .await??;
        Ok((handle.summary(), restored))
    }
}
