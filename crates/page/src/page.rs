//! The handle of one page, and how its calls wait: for the answer, the dialog or the end.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use base::{Clock, Ctx, Private, TaskHandle};
use cdp::protocol::runtime;
use tokio::sync::{Mutex, watch};

use crate::apart::Apart;
use crate::frames::Owners;
use crate::picture::{End, Picture};
use crate::settings::Applied;
use crate::snapshot::Taking;
use crate::{Error, Frame, PageOptions, PageState};

/// How old an answer of the renderer may be for input to be sent on the strength of it.
/// Input that is queued before a stopped renderer runs whenever it goes on.
const FRESH: Duration = Duration::from_secs(1);

/// One page target on its flat session. Cheap to clone.
#[derive(Clone)]
pub struct Page {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    target_id: String,
    taking: Mutex<Taking>,
    applied: Mutex<Applied>,
    pump: TaskHandle,
}

/// What the page's calls and its pump both use.
pub(crate) struct Shared {
    pub session: cdp::Session,
    pub options: PageOptions,
    pub picture: watch::Sender<Picture>,
    /// Its frames in processes of their own.
    pub apart: Apart,
    /// Where its frames of other origins are.
    pub owners: Owners,
    /// Documents are shown that are ours and no site's.
    pub settings_held: AtomicBool,
    pub clock: Clock,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.pump.abort();
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Page({}, {})",
            self.inner.shared.options.tab, self.inner.target_id
        )
    }
}

impl Page {
    pub(crate) fn new(
        shared: Arc<Shared>,
        target_id: &str,
        taking: Taking,
        applied: Applied,
        pump: TaskHandle,
    ) -> Self {
        let inner = Inner {
            shared,
            target_id: target_id.to_owned(),
            taking: Mutex::new(taking),
            applied: Mutex::new(applied),
            pump,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Returns what is known of the page, without asking it.
    #[must_use]
    pub fn state(&self) -> PageState {
        self.shared().picture.borrow().state()
    }

    /// Returns the page's frames, the main one among them, without asking it.
    #[must_use]
    pub fn frames(&self) -> Vec<Frame> {
        self.shared().picture.borrow().listed()
    }

    /// Returns the CDP session the page is driven by.
    #[must_use]
    pub fn session(&self) -> &cdp::Session {
        &self.shared().session
    }

    /// Returns the id of the page's target.
    #[must_use]
    pub fn target_id(&self) -> &str {
        &self.inner.target_id
    }

    /// Waits until the page is gone, or can't be reached any more.
    ///
    /// # Errors
    /// [`Error::Stopped`] if it was still there.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn ended(&self, ctx: &Ctx) -> Result<(), Error> {
        let mut picture = self.shared().picture.subscribe();
        let ended = picture.wait_for(|picture| picture.end.is_some());
        // A picture that nobody draws any more is that of a page that is gone.
        ctx.race(ended).await.map(drop).map_err(Error::Stopped)
    }

    /// Asks the renderer for a sign of life.
    ///
    /// # Errors
    /// [`Error::Stopped`] if none came in time, [`Error::DialogOpen`] if a dialog holds it.
    ///
    /// # Cancel safety
    /// Yes: nothing is changed.
    pub async fn probe(&self, ctx: &Ctx) -> Result<(), Error> {
        let nothing = runtime::Evaluate {
            expression: "0".to_owned(),
            return_by_value: Some(true),
            ..Default::default()
        };
        self.call(ctx, &nothing).await?;
        self.seen_alive();
        Ok(())
    }

    /// Returns the URL and the title the page has now.
    pub(crate) fn here(&self) -> (Private<String>, Private<String>) {
        let state = self.state();
        (state.url, state.title)
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.inner.shared
    }

    pub(crate) fn taking(&self) -> &Mutex<Taking> {
        &self.inner.taking
    }

    pub(crate) fn applied(&self) -> &Mutex<Applied> {
        &self.inner.applied
    }

    pub(crate) fn main_frame(&self) -> String {
        self.shared().picture.borrow().main_frame.clone()
    }

    pub(crate) fn seen_alive(&self) {
        let now = self.shared().clock.instant();
        // Nobody waits for this, so nobody is woken.
        self.shared().picture.send_if_modified(|picture| {
            picture.alive_at = Some(now);
            false
        });
    }

    pub(crate) fn forget_alive(&self) {
        self.shared().picture.send_if_modified(|picture| {
            picture.alive_at = None;
            false
        });
    }

    /// Makes sure that the renderer answered within the last second.
    pub(crate) async fn fresh(&self, ctx: &Ctx) -> Result<(), Error> {
        self.not_held_up(ctx, self.fresh_now(ctx)).await
    }

    async fn fresh_now(&self, ctx: &Ctx) -> Result<(), Error> {
        let now = self.shared().clock.instant();
        let (alive_at, navigating) = {
            let picture = self.shared().picture.borrow();
            (picture.alive_at, picture.is_navigating())
        };
        match alive_at {
            // While a document is awaited, the renderer gets nothing: its answer is an old one.
            Some(at) if !navigating && now.saturating_duration_since(at) <= FRESH => Ok(()),
            _ => self.probe(ctx).await,
        }
    }

    /// Sends a command that changes nothing a caller would mind having happened.
    pub(crate) async fn call<C: cdp::Command>(
        &self,
        ctx: &Ctx,
        command: &C,
    ) -> Result<C::Returns, Error> {
        self.call_at(ctx, self.session(), command).await
    }

    /// Sends such a command to the process of a session: the page's own or that of a frame.
    pub(crate) async fn call_at<C: cdp::Command>(
        &self,
        ctx: &Ctx,
        session: &cdp::Session,
        command: &C,
    ) -> Result<C::Returns, Error> {
        self.refuse_if_held()?;
        self.unless_held(session.call(ctx, command)).await
    }

    /// Fails if a dialog holds the page or the page has ended.
    pub(crate) fn refuse_if_held(&self) -> Result<(), Error> {
        held_by(&self.shared().picture.borrow()).map_or(Ok(()), Err)
    }

    /// Waits for `work`, but no longer than until a dialog opens or the page ends: the reply
    /// would not come before the dialog is answered, or not at all.
    pub(crate) async fn unless_held<T>(
        &self,
        work: impl Future<Output = Result<T, cdp::Error>>,
    ) -> Result<T, Error> {
        let mut picture = self.shared().picture.subscribe();
        tokio::select! {
            biased;
            out = work => out.map_err(Error::from_cdp),
            held = picture.wait_for(|picture| held_by(picture).is_some()) => {
                Err(held.ok().and_then(|picture| held_by(&picture)).unwrap_or(Error::Gone))
            }
        }
    }

    /// Waits until the picture is as `ready` wants it.
    pub(crate) async fn until(
        &self,
        ctx: &Ctx,
        mut ready: impl FnMut(&Picture) -> bool,
    ) -> Result<(), Error> {
        let mut picture = self.shared().picture.subscribe();
        let come = picture.wait_for(|picture| held_by(picture).is_some() || ready(picture));
        match ctx.race(come).await.map_err(Error::Stopped)? {
            Ok(picture) => held_by(&picture).map_or(Ok(()), Err),
            Err(_) => Err(Error::Gone),
        }
    }
}

fn held_by(picture: &Picture) -> Option<Error> {
    match (&picture.end, &picture.dialog) {
        (Some(End::Crashed), _) => Some(Error::Crashed),
        (Some(End::Gone), _) => Some(Error::Gone),
        (Some(End::Lost(lost)), _) => Some(Error::Cdp(cdp::Error::Lost(Arc::clone(lost)))),
        (None, Some(dialog)) => Some(Error::DialogOpen(dialog.clone())),
        (None, None) => None,
    }
}
