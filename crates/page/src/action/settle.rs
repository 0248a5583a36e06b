//! Settling: after an action, a document it asked for is waited for, within reason.

use std::time::Duration;

use base::{Ctx, Private};
use cdp::protocol::page;
use cdp::{Events, Next, RawEvent};
use serde::Deserialize;
use serde_json::json;

use crate::world::Ask;
use crate::{Error, Fact, Interacted, Page};

/// How long an answer waits for the document that the action asked for. A slow server is no
/// failure of the action.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long after its last load a page may be shown.
const SHOWN_AFTER_STOP: Duration = Duration::from_millis(300);

/// What was seen of the page since before the action.
pub(super) struct Watch {
    events: Events,
    documents: u64,
    /// A navigation has started. Until then, the end of a load is that of an earlier one.
    started: bool,
}

#[derive(Deserialize, Debug)]
pub(crate) struct Here {
    pub url: String,
    pub title: String,
}

impl Watch {
    pub fn start(page: &Page) -> Self {
        let documents = page.shared().picture.borrow().documents;
        Self {
            events: page.session().events(),
            documents,
            started: false,
        }
    }

    /// Waits for what the action set off and returns where the page is.
    pub async fn settle(mut self, page: &Page, ctx: &Ctx) -> Result<Interacted, Error> {
        // The renderer answers this after whatever the action made it ask for, and tells of
        // that over the same channel: so what was asked for is in the queue by then.
        let patience = ctx.at_most(PATIENCE);
        let here = page.look(&patience).await;
        if self.asked_for_document(page) {
            match self.see_through(page, &patience).await {
                Ok(_) | Err(Error::Stopped(base::Stopped::Deadline)) => {}
                Err(err) => return Err(err.after_effects()),
            }
            if let Ok(here) = page.look(&patience).await {
                return Ok(here);
            }
        }
        match here {
            Ok(here) => Ok(here),
            Err(err @ (Error::DialogOpen(_) | Error::Crashed | Error::Cdp(_))) => Err(err),
            // The action is done; where it led is told as far as it is known.
            Err(_) => {
                let (url, title) = page.here();
                Ok(Interacted { url, title })
            }
        }
    }

    fn asked_for_document(&mut self, page: &Page) -> bool {
        let main = page.main_frame();
        while let Some(Next::Event(event)) = self.events.try_next() {
            if asks(&event, &main) {
                self.started = event.is::<page::FrameStartedNavigatingEvent>();
                return true;
            }
        }
        false
    }

    /// Waits until the document that was asked for is there or has failed to come.
    async fn see_through(&mut self, page: &Page, ctx: &Ctx) -> Result<Arrived, Error> {
        let main = page.main_frame();
        let before = self.documents;
        let end = self.end_of_navigation(&main);
        let mut arrived = page.unless_held(async { Ok(ctx.race(end).await) }).await?;
        if let Ok(Arrived::Nowhere) = arrived {
            // A page from the back/forward cache tells that it has stopped loading before it
            // tells that it is shown.
            let grace = ctx.at_most(SHOWN_AFTER_STOP);
            let end = self.end_of_navigation(&main);
            let late = page
                .unless_held(async { Ok(grace.race(end).await) })
                .await?;
            arrived = Ok(late.unwrap_or(Arrived::Nowhere));
        }
        let arrived = arrived.map_err(Error::Stopped)?;
        if arrived == Arrived::Document {
            page.until(ctx, |picture| {
                before < picture.documents && picture.main().is_some_and(|main| main.loaded)
            })
            .await?;
        }
        Ok(arrived)
    }

    async fn end_of_navigation(&mut self, main: &str) -> Arrived {
        loop {
            match self.events.next().await {
                Next::Event(event) => {
                    self.started |= event.is::<page::FrameStartedNavigatingEvent>();
                    match outcome(&event, main) {
                        Some(Arrived::Nowhere) if !self.started => {}
                        Some(arrived) => return arrived,
                        None => {}
                    }
                }
                // It may have come unseen; the picture knows.
                Next::Lagged(_) => return Arrived::Document,
                Next::Ended(_) => return Arrived::Nowhere,
            }
        }
    }
}

/// What a navigation of the main frame led to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Arrived {
    /// Another place of the same document.
    Within,
    Document,
    Nowhere,
}

/// Tells whether a document is at this URL because another did not load.
pub(super) fn is_of_error(url: &str) -> bool {
    url.starts_with("chrome-error://")
}

/// Tells whether a navigation of the main frame ended here, and with what.
fn outcome(event: &RawEvent, main: &str) -> Option<Arrived> {
    if let Some(Ok(event)) = event.decode::<page::FrameNavigatedEvent>() {
        return event.frame.parent_id.is_none().then_some(Arrived::Document);
    }
    if let Some(Ok(event)) = event.decode::<page::FrameStoppedLoadingEvent>() {
        return (event.frame_id == main).then_some(Arrived::Nowhere);
    }
    if let Some(Ok(event)) = event.decode::<page::NavigatedWithinDocumentEvent>() {
        return (event.frame_id == main).then_some(Arrived::Within);
    }
    None
}

fn asks(event: &RawEvent, main: &str) -> bool {
    let started = event.decode::<page::FrameStartedNavigatingEvent>();
    if let Some(Ok(event)) = started {
        use page::FrameStartedNavigatingEventNavigationType as Type;
        return event.frame_id == main
            && !matches!(
                event.navigation_type,
                Type::SameDocument | Type::HistorySameDocument
            );
    }
    let requested = event.decode::<page::FrameRequestedNavigationEvent>();
    if let Some(Ok(event)) = requested {
        return event.frame_id == main
            && event.disposition == page::ClientNavigationDisposition::CurrentTab;
    }
    false
}

/// Waits for a document that is sure to come: by history or by loading it again.
pub(super) struct Arrival(Watch);

impl Arrival {
    pub fn start(page: &Page) -> Self {
        Self(Watch::start(page))
    }

    pub async fn wait(&mut self, page: &Page, ctx: &Ctx) -> Result<Interacted, Error> {
        match self
            .0
            .see_through(page, ctx)
            .await
            .map_err(Error::after_effects)?
        {
            Arrived::Within => {
                // What is told of the step may ask for a document: a page may load itself anew.
                let here = page.look(ctx).await.map_err(Error::after_effects)?;
                if !self.0.asked_for_document(page) {
                    return Ok(here);
                }
                let seen = self.0.see_through(page, ctx).await;
                seen.map_err(Error::after_effects)?;
            }
            Arrived::Document => {}
            Arrived::Nowhere => {
                let reason = "the document did not come".to_owned();
                return Err(Error::NavigationFailed { reason });
            }
        }
        page.look(ctx).await.map_err(Error::after_effects)
    }
}

impl Page {
    /// Asks the page where it is.
    pub(crate) async fn look(&self, ctx: &Ctx) -> Result<Interacted, Error> {
        let frame = self.main_frame();
        let ask = Ask {
            frame: &frame,
            function: "here",
            arguments: json!({}),
        };
        let here: Here = self.ask(ctx, &ask).await?;
        self.saw_title(&here.title);
        self.shared().picture.send_if_modified(|picture| {
            let unsure = picture.url_unsure && !is_of_error(&here.url);
            if unsure && let Some(main) = picture.frames.get_mut(&picture.main_frame) {
                main.url.clone_from(&here.url);
                picture.url_unsure = false;
            }
            unsure
        });
        Ok(Interacted {
            url: self.shown_url(here.url).into(),
            title: here.title.into(),
        })
    }

    /// Returns the URL to tell of a page that says it is at `url`: that of one that did not
    /// load is the one that was asked for.
    pub(crate) fn shown_url(&self, url: String) -> String {
        let picture = self.shared().picture.borrow();
        match picture.main() {
            Some(main) if is_of_error(&url) && !main.url.is_empty() => main.url.clone(),
            _ => url,
        }
    }

    /// Notes the title that an answer carried.
    pub(crate) fn saw_title(&self, title: &str) {
        let changed = self
            .shared()
            .picture
            .send_if_modified(|picture| picture.note_title(title));
        if changed {
            let fact = Fact::TitleChanged {
                title: Private::new(title.to_owned()),
            };
            let options = &self.shared().options;
            // It is in the state as well: an owner that is behind finds it there.
            if options.facts.try_send((options.tab, fact)).is_err() {
                tracing::debug!("a changed title found no room among the facts");
            }
        }
    }
}
