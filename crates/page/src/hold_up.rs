//! Held up: a document that was asked for and does not come.
//!
//! While the main frame waits for another document, Chromium keeps back every command to its
//! renderer, on every session: a server that never answers would make the page that is shown
//! unreadable for ever. So a call that needs that page waits for the new one for a while and
//! then has the browser give it up, as a person does who presses "stop".

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use base::{Ctx, Stopped};
use cdp::protocol::page;

use crate::picture::Picture;
use crate::{Error, Page};

/// How long a document may keep others from the page; half of what a call has left, if that
/// is less.
const PATIENCE: Duration = Duration::from_secs(5);

impl Page {
    /// Does `work`, which needs the renderer, without waiting for a document for ever.
    pub(crate) async fn not_held_up<T>(
        &self,
        ctx: &Ctx,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let out = tokio::select! {
            biased;
            out = work => out?,
            never = self.keep_going(ctx) => match never {},
        };
        // A page that did not answer when it was attached does now.
        let unknown = {
            let picture = self.shared().picture.borrow();
            picture.main().is_none_or(|main| main.url.is_empty())
        };
        if unknown && let Err(err) = self.learn_frames(ctx).await {
            tracing::debug!(%err, "the page's frames are still not known");
        }
        Ok(out)
    }

    async fn keep_going(&self, ctx: &Ctx) -> Infallible {
        match self.give_up_documents(ctx).await {
            Ok(never) => never,
            // The work itself meets what this met, and knows what it has begun.
            Err(err) => {
                tracing::debug!(%err, "documents are no longer given up");
                std::future::pending().await
            }
        }
    }

    async fn give_up_documents(&self, ctx: &Ctx) -> Result<Infallible, Error> {
        loop {
            self.until(ctx, Picture::is_navigating).await?;
            let patience = ctx.at_most(PATIENCE.min(ctx.remaining() / 2));
            let come = self.until(&patience, |picture| !picture.is_navigating());
            match come.await {
                Ok(()) => continue,
                Err(Error::Stopped(Stopped::Deadline)) if !ctx.remaining().is_zero() => {}
                Err(err) => return Err(err),
            }
            tracing::info!("a document that does not come is given up");
            // The browser itself does this, and lets the commands go that it kept back.
            self.call(ctx, &page::StopLoading {}).await?;
            self.shared()
                .picture
                .send_modify(|picture| picture.set_navigating(false));
        }
    }
}
