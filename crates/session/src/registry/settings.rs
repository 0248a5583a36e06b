//! Telling a session what it is to be, and showing what it was told.

use std::sync::Arc;

use base::{Ctx, SessionName};

use super::Sessions;
use crate::Error;
use crate::command::Command;
use crate::settings::{self, Change, SettingsPart};
use crate::summary::Summary;

impl Sessions {
    /// Changes what a session is told to be: stored first, then told to its pages. The answer
    /// comes when the pages have it; a session at rest has it when it comes back.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`], [`Error::LimitReached`], [`Error::NotOfAttached`],
    /// [`Error::Denied`], and those of the store. Nothing is changed then.
    ///
    /// # Cancel safety
    /// It may be changed all the same.
    pub async fn set(
        &self,
        ctx: &Ctx,
        who: &SessionName,
        change: Change,
    ) -> Result<(Summary, Arc<SettingsPart>), Error> {
        self.refuse_if_stopping()?;
        let handle = self.find(who).await?;
        let set = |reply| Command::Set { change, reply };
        let now = handle.ask(ctx, set).await??;
        Ok((handle.summary(), now))
    }

    /// Returns what the pages of a session said and asked for since this daemon began.
    ///
    /// # Errors
    /// Those of finding the session.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn records(&self, who: &SessionName) -> Result<(Summary, Arc<page::Records>), Error> {
        let handle = self.find(who).await?;
        Ok((handle.summary(), Arc::clone(&handle.records)))
    }

    /// Returns what a session is told to be.
    ///
    /// # Errors
    /// Those of finding the session and of the store.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn settings(&self, who: &SessionName) -> Result<(Summary, SettingsPart), Error> {
        let summary = self.get(who).await?;
        let part = settings::load(self.deps(), summary.id).await?;
        Ok((summary, part))
    }
}
