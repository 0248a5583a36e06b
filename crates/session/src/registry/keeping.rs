//! Parking on request, keeping alive, and waking with the host.

use std::time::Duration;

use base::{Ctx, SessionName, SleepWatch, TaskKind};

use super::Sessions;
use crate::Error;
use crate::command::Command;
use crate::handle::Handle;
use crate::session::Limits;
use crate::summary::Summary;

/// How often it is looked whether the host has slept.
const LOOK: Duration = Duration::from_secs(1);

impl Sessions {
    /// Gives a session's browser back, with everything stored; any call brings it back.
    ///
    /// # Errors
    /// [`Error::Denied`], those of the last checkpoint, and `dialog_open`: a dialog would be
    /// lost.
    ///
    /// # Cancel safety
    /// It may be parked all the same.
    pub async fn park(&self, ctx: &Ctx, who: &SessionName) -> Result<Summary, Error> {
        self.refuse_if_stopping()?;
        let handle = self.find(who).await?;
        handle.ask(ctx, |reply| Command::Park { reply }).await??;
        Ok(handle.summary())
    }

    /// Counts as a use of a session, and gives it limits of its own.
    ///
    /// # Errors
    /// [`Error::Denied`].
    ///
    /// # Cancel safety
    /// It may have been done.
    pub async fn keep(
        &self,
        ctx: &Ctx,
        who: &SessionName,
        limits: Limits,
    ) -> Result<Summary, Error> {
        self.refuse_if_stopping()?;
        let handle = self.find(who).await?;
        let keep = |reply| Command::Keep { limits, reply };
        handle.ask(ctx, keep).await??;
        Ok(handle.summary())
    }

    /// Tells the sessions when the host has slept, as long as somebody else holds them.
    pub(super) fn watch_sleep(&self) {
        let inner = std::sync::Arc::downgrade(&self.inner);
        let mut watch = SleepWatch::new(&self.deps().clock);
        self.deps().tasks.spawn(TaskKind::Background, async move {
            loop {
                tokio::time::sleep(LOOK).await;
                let Some(inner) = inner.upgrade() else { return };
                if let Some(slept) = watch.slept() {
                    tracing::info!(?slept, "the host has slept");
                    (Self { inner }).woken();
                }
            }
        });
    }

    fn woken(&self) {
        let handles: Vec<Handle> = self.handles().values().cloned().collect();
        for handle in handles {
            // One whose queue is full is busy, and busy browsers are asked all the time.
            if handle.commands.try_send(Command::Slept).is_err() {
                tracing::debug!(session = %handle.id, "a session was not told that the host slept");
            }
        }
    }
}
