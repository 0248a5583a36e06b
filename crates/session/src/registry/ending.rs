//! Bringing a session back, and ending it.

use base::{Ctx, SessionName};

use super::Sessions;
use crate::Error;
use crate::command::{Command, Resume};
use crate::summary::{Recovered, Summary};

impl Sessions {
    /// Brings a session back from its newest checkpoint.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::KeyTaken`], [`Error::LimitReached`], [`Error::ProfileBusy`].
    ///
    /// # Cancel safety
    /// The session may come back all the same.
    pub async fn resume(
        &self,
        ctx: &Ctx,
        who: &SessionName,
    ) -> Result<(Summary, Option<Recovered>), Error> {
        self.refuse_if_stopping()?;
        let handle = {
            let _turn = ctx
                .race(self.inner.turn.lock())
                .await
                .map_err(Error::not_sent)?;
            self.find_wakeable(who).await?.0
        };
        let recovered = handle
            .ask(ctx, |reply| Command::Wake {
                resume: Resume::Asked,
                reply,
            })
            .await??;
        Ok((handle.summary(), recovered))
    }

    /// Ends a session; its checkpoint is kept.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    ///
    /// # Cancel safety
    /// The session closes all the same.
    pub async fn close(&self, ctx: &Ctx, who: &SessionName) -> Result<Summary, Error> {
        let handle = self.find(who).await?;
        match handle.ask(ctx, |reply| Command::Close { reply }).await {
            Ok(closed) => closed?,
            // It ended by itself while it was asked to: what it stored is the answer.
            Err(Error::TaskEnded) => {}
            Err(err) => return Err(err),
        }
        self.handles().retain(|_, handle| !handle.is_ended());
        self.get(&SessionName::Id(handle.id)).await
    }
}
