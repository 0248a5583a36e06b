//! Effects: the messages of a call that can change the page.
//!
//! The owner is told before the first of them, and the last is sent under the id it was
//! told: when a reply to that id is seen, by whoever, the whole call has been carried out.

use std::fmt;
use std::sync::Arc;

use base::Ctx;
use cdp::Command;
use futures_util::future::BoxFuture;

use crate::{Error, Page};

type Tell = dyn Fn(u32) -> BoxFuture<'static, Result<(), Error>> + Send + Sync;

/// Told right before the first byte that can change the page.
///
/// It gets the CDP id under which the last effect message of the call will be sent. If it
/// fails, nothing is sent and the call fails with its error. A call that finds nothing to do
/// never opens its gate.
#[derive(Clone)]
pub struct Gate(Option<Arc<Tell>>);

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gate")
    }
}

impl Gate {
    /// Returns a gate that asks `tell`.
    #[must_use]
    pub fn new(tell: Arc<Tell>) -> Self {
        Self(Some(tell))
    }

    /// Returns a gate that lets everything through, for calls that nobody journals.
    #[must_use]
    pub fn open() -> Self {
        Self(None)
    }
}

/// The effects of one call.
pub(crate) struct Effects<'a> {
    page: &'a Page,
    ctx: &'a Ctx,
    gate: &'a Gate,
    id: Option<u32>,
    is_complete: bool,
}

impl<'a> Effects<'a> {
    pub fn new(page: &'a Page, ctx: &'a Ctx, gate: &'a Gate) -> Self {
        Self {
            page,
            ctx,
            gate,
            id: None,
            is_complete: false,
        }
    }

    /// Tells whether the last effect of the call was sent.
    pub const fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Tells whether an effect of the call may have been sent.
    pub const fn is_open(&self) -> bool {
        self.id.is_some()
    }

    /// Opens the gate, if this call has not yet, and returns the id of the last message.
    pub async fn open(&mut self) -> Result<u32, Error> {
        if let Some(id) = self.id {
            return Ok(id);
        }
        self.page.refuse_if_held()?;
        let id = self.page.session().connection().reserve_id();
        if let Some(tell) = &self.gate.0 {
            self.ctx.race(tell(id)).await.map_err(Error::Stopped)??;
        }
        self.id = Some(id);
        Ok(id)
    }

    /// Sends an effect that is not the last of its call.
    pub async fn send<C: Command>(&mut self, command: &C) -> Result<C::Returns, Error> {
        self.open().await?;
        let work = self.page.session().call(self.ctx, command);
        self.page
            .unless_held(work)
            .await
            .map_err(Error::after_effects)
    }

    /// Sends the last effect of the call.
    pub async fn last<C: Command>(&mut self, command: &C) -> Result<C::Returns, Error> {
        self.last_at(self.page.session(), command).await
    }

    /// Sends the last effect of the call to the process of a session.
    pub async fn last_at<C: Command>(
        &mut self,
        session: &cdp::Session,
        command: &C,
    ) -> Result<C::Returns, Error> {
        let id = self.open().await?;
        // A session that has ended takes nothing any more.
        self.is_complete = session.ended().is_none();
        let work = session.call_as(self.ctx, id, command);
        self.page
            .unless_held(work)
            .await
            .map_err(Error::after_effects)
    }
}
