//! Listing and showing sessions and their checkpoints.

use base::{SessionName, StateName};
use store::SessionRow;

use super::Sessions;
use crate::Error;
use crate::checkpoint::capture;
use crate::handle::Handle;
use crate::session::summary_at_rest;
use crate::summary::{CheckpointInfo, Summary};

/// Which sessions a list shows.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Filter {
    /// All that aren't closed.
    #[default]
    Open,
    /// Those that hold a browser, or are about to.
    Active,
    /// All of them.
    All,
    /// Those in one state.
    State(StateName),
}

/// Sessions that were listed, and those that could not be.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// The sessions, oldest first.
    pub sessions: Vec<Summary>,
    /// Rows that don't read back as they were written: what is told of each.
    pub damaged: Vec<store::Damaged>,
}

impl Sessions {
    /// Returns the sessions a filter lets through, oldest first.
    ///
    /// # Errors
    /// Those of the store.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn list(&self, filter: &Filter) -> Result<Listing, Error> {
        let shown = |state: StateName| match filter {
            Filter::Open => state != StateName::Closed,
            Filter::Active => state.holds_browser(),
            Filter::All => true,
            Filter::State(wanted) => state == *wanted,
        };
        let mut all: Vec<Summary> = self
            .handles()
            .values()
            .filter(|handle| !handle.is_ended())
            .map(Handle::summary)
            .collect();
        // Those that aren't closed have their tasks; the damaged ones come with any question.
        let asked: &[StateName] = if shown(StateName::Closed) {
            &[StateName::Closed]
        } else {
            &[]
        };
        let stored = self.deps().store.sessions().list_states(asked).await?;
        for row in stored.rows {
            if !all.iter().any(|summary| summary.id == row.id) {
                all.push(self.at_rest(&row).await?);
            }
        }
        all.retain(|summary| shown(summary.state));
        all.sort_by_key(|summary| summary.id);
        Ok(Listing {
            sessions: all,
            damaged: stored.damaged,
        })
    }

    async fn at_rest(&self, row: &SessionRow) -> Result<Summary, Error> {
        let mut summary = summary_at_rest(row);
        let newest = self.deps().store.checkpoints().newest(row.id).await?;
        summary.checkpoint = newest.as_ref().map(capture::info);
        Ok(summary)
    }

    /// Returns one session.
    ///
    /// # Errors
    /// [`Error::NotFound`], and those of the store.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn get(&self, who: &SessionName) -> Result<Summary, Error> {
        let row = match who {
            SessionName::Id(id) => match self.live_handle(*id) {
                Some(handle) => return Ok(handle.summary()),
                None => self.deps().store.sessions().get(*id).await?,
            },
            SessionName::Key(key) => match self.by_key(key) {
                Some(handle) => return Ok(handle.summary()),
                None => self.deps().store.sessions().by_key(key).await?,
            },
        };
        let row = row.ok_or_else(|| Error::NotFound { name: who.clone() })?;
        match self.live_handle(row.id) {
            Some(handle) => Ok(handle.summary()),
            None => self.at_rest(&row).await,
        }
    }

    /// Returns a session's checkpoints, newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`], and those of the store.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn checkpoints(&self, who: &SessionName) -> Result<Vec<CheckpointInfo>, Error> {
        let session = self.get(who).await?.id;
        let listed = self.deps().store.checkpoints().list(session).await?;
        for damaged in listed.damaged {
            tracing::error!(%session, id = %damaged.id, reason = %damaged.reason, "a checkpoint is damaged");
        }
        Ok(listed.rows.iter().map(capture::info).collect())
    }
}
