//! What a daemon asks of a keeper beside passing messages.

use std::time::Duration;

use base::Ctx;
use bytes::Bytes;

use crate::{Error, ExitRecord};

/// A handle on a browser's keeper. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Control {}

impl Control {
    /// Leaves `notes` with the keeper for the next daemon, in place of the last ones.
    ///
    /// They reach the keeper before any message sent later.
    ///
    /// # Errors
    /// [`Error::LinkClosed`], [`Error::TooLarge`].
    pub fn write_notes(&self, notes: Bytes) -> Result<(), Error> {
        drop(notes);
        Err(Error::LinkClosed)
    }

    /// Sets the messages that the keeper sends to the browser when it loses its daemon.
    ///
    /// # Errors
    /// [`Error::LinkClosed`], [`Error::TooLarge`].
    pub fn set_will(&self, messages: Vec<Bytes>) -> Result<(), Error> {
        drop(messages);
        Err(Error::LinkClosed)
    }

    /// Has the browser asked to close, killed after `grace`, and waits until everything of
    /// it is reaped.
    ///
    /// # Errors
    /// [`Error::Stopped`] if the call ended first, [`Error::LinkClosed`] if the keeper was lost.
    ///
    /// # Cancel safety
    /// The stop goes on; call it again to wait for its end.
    pub async fn stop(&self, ctx: &Ctx, grace: Duration) -> Result<ExitRecord, Error> {
        let _later = (ctx, grace);
        Err(Error::LinkClosed)
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
}
