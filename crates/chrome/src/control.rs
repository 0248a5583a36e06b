//! What a daemon asks of a keeper beside passing messages.

use std::sync::Arc;
use std::time::Duration;

use base::Ctx;
use bytes::Bytes;

use crate::link::Shared;
use crate::wire::{self, MAX_NOTES, MAX_WILL};
use crate::{Error, ExitRecord, LinkEnd, exit_record};

/// A handle on a browser's keeper. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Control {
    shared: Arc<Shared>,
}

impl Control {
    pub(crate) fn of(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Leaves `notes` with the keeper for the next daemon, in place of the last ones.
    ///
    /// They reach the keeper before any message sent later.
    ///
    /// # Errors
    /// [`Error::LinkClosed`], [`Error::TooLarge`].
    pub fn write_notes(&self, notes: Bytes) -> Result<(), Error> {
        self.check("the notes", notes.len(), MAX_NOTES)?;
        self.shared.ask(|asked| asked.notes(notes));
        Ok(())
    }

    /// Sets the messages that the keeper sends to the browser when it loses its daemon.
    ///
    /// # Errors
    /// [`Error::LinkClosed`], [`Error::TooLarge`].
    pub fn set_will(&self, messages: Vec<Bytes>) -> Result<(), Error> {
        let will = wire::will(&messages);
        self.check("the will", will.len(), MAX_WILL)?;
        self.shared.ask(|asked| asked.will(will));
        Ok(())
    }

    /// Waits until the notes and the will are with the keeper, or on the way to it at least:
    /// from here on the end of this process doesn't lose them.
    ///
    /// # Errors
    /// [`Error::Stopped`] if the call ended first, [`Error::LinkClosed`].
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn written(&self, ctx: &Ctx) -> Result<(), Error> {
        let written = ctx.race(self.shared.written()).await;
        let written = written.map_err(Error::stopped("writing to the keeper"))?;
        if written {
            Ok(())
        } else {
            Err(Error::LinkClosed)
        }
    }

    /// Has the browser asked to close, killed after `grace`, and waits until everything of
    /// it is reaped and the keeper has ended.
    ///
    /// # Errors
    /// [`Error::Stopped`] if the call ended first, [`Error::LinkClosed`] if the keeper was
    /// lost, [`Error::Displaced`].
    ///
    /// # Cancel safety
    /// The stop goes on; call it again to wait for its end.
    pub async fn stop(&self, ctx: &Ctx, grace: Duration) -> Result<ExitRecord, Error> {
        let grace = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
        self.shared.ask(|asked| asked.stop(grace));
        let stopped = async {
            let mut ended = self.shared.watch_end();
            let end = ended
                .wait_for(Option::is_some)
                .await
                .ok()
                .and_then(|end| end.clone());
            let record = match end {
                Some(LinkEnd::Exited { record, .. }) => record,
                Some(LinkEnd::Displaced) => return Err(Error::Displaced),
                Some(LinkEnd::KeeperGone | LinkEnd::Closed(_)) | None => {
                    exit_record(&self.shared.run).ok_or(Error::LinkClosed)?
                }
            };
            // It ends when the last child is reaped.
            self.shared.keeper.exited().await;
            Ok(record)
        };
        ctx.race(stopped)
            .await
            .map_err(Error::stopped("stopping the browser"))?
    }

    /// Has the browser killed and waits until everything of it is reaped.
    ///
    /// # Errors
    /// As [`Control::stop`].
    ///
    /// # Cancel safety
    /// The kill goes on; call it again to wait for its end.
    pub async fn kill(&self, ctx: &Ctx) -> Result<ExitRecord, Error> {
        self.stop(ctx, Duration::ZERO).await
    }

    /// Returns how many messages the keeper told it had to drop, because they came faster
    /// than this daemon read. Not those of [`crate::Welcome::gap`].
    #[must_use]
    pub fn n_dropped(&self) -> u64 {
        self.shared.dropped()
    }

    /// Confirms a launch: from here on the browser outlives this daemon.
    pub(crate) fn keep(&self) {
        self.shared.ask(|asked| asked.keep());
    }

    /// Takes note that the message sent next is no message of the link's holder.
    pub(crate) fn probed(&self) {
        self.shared.probed();
    }

    /// Takes the first message before the stream does, and has the keeper forget it; `false`
    /// if the browser ended first.
    pub(crate) async fn take_first(&self) -> bool {
        let first = self.shared.next().await;
        if let Some(Ok(message)) = &first {
            self.shared.consumed(message.len());
        }
        matches!(first, Some(Ok(_)))
    }

    fn check(&self, what: &'static str, found: usize, limit: usize) -> Result<(), Error> {
        if limit < found {
            return Err(Error::TooLarge { what, found, limit });
        }
        if self.shared.closing.is_cancelled() {
            return Err(Error::LinkClosed);
        }
        Ok(())
    }
}
