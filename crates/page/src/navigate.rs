//! Navigation: to a URL, and waiting for the document it leads to.

use base::{Ctx, Private};
use cdp::protocol::{network, page};
use cdp::{Events, Next};

use crate::effect::Effects;
use crate::{Error, Gate, Page, url_rules};

/// Where to go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Navigate {
    /// The whole URL.
    pub url: String,
}

/// Where the page is after a navigation.
#[derive(Clone, Debug)]
pub struct Navigated {
    /// The URL, after all redirects.
    pub url: Private<String>,
    /// The title.
    pub title: Private<String>,
    /// The document's HTTP status; `None` where there is none, such as for `data:` or within
    /// a document.
    pub http_status: Option<u16>,
}

/// What Chromium calls a navigation that led to no document.
const ABORTED: &str = "net::ERR_ABORTED";

impl Navigate {
    /// Tells whether the URL is one that can be opened, without opening it.
    ///
    /// # Errors
    /// [`Error::BadUrl`] with the reason.
    pub fn check(&self) -> Result<(), Error> {
        url_rules::checked(&self.url).map(drop)
    }
}

impl Page {
    /// Opens a URL and waits until its document has loaded.
    ///
    /// # Errors
    /// [`Error::BadUrl`] before anything is done, [`Error::NavigationFailed`] with the network
    /// error. [`Error::BecameDownload`] if the URL is none of a page. [`Error::OutcomeUnknown`] if it did not load in time: it may still.
    /// [`Error::DialogOpen`] if the page asks whether to leave it, or the new one opens a
    /// dialog before it has loaded.
    ///
    /// # Cancel safety
    /// The navigation is not withdrawn.
    pub async fn navigate(
        &self,
        ctx: &Ctx,
        gate: &Gate,
        to: &Navigate,
    ) -> Result<Navigated, Error> {
        let url = url_rules::checked(&to.url)?;
        let mut effects = Effects::new(self, ctx, gate);
        let mut events = self.session().events();
        let command = page::Navigate {
            url,
            ..Default::default()
        };
        let answer = effects.last(&command).await.map_err(refused)?;
        let Some(loader) = answer.loader_id.filter(|loader| !loader.is_empty()) else {
            // The same document, at another place of it.
            return match answer.error_text {
                Some(reason) => Err(Error::NavigationFailed { reason }),
                None => self.arrived(ctx, None).await,
            };
        };
        match answer.error_text {
            None => {
                self.loaded(ctx, &loader).await?;
                self.arrived(ctx, Some(&loader)).await
            }
            Some(reason) if reason == ABORTED => {
                let download = answer.is_download == Some(true);
                self.aborted(ctx, &mut events, &loader, download).await
            }
            Some(reason) => Err(Error::NavigationFailed { reason }),
        }
    }

    /// Waits until the document of `loader`, or one that took its place, has loaded.
    async fn loaded(&self, ctx: &Ctx, loader: &str) -> Result<(), Error> {
        let mut shown = false;
        let mut documents = None;
        let ready = self.until(ctx, |picture| {
            let documents = documents.get_or_insert(picture.documents);
            let Some(main) = picture.main() else {
                return false;
            };
            // A script may send the page on before it has loaded; then that is waited for.
            shown |= main.loader == loader || *documents + 1 < picture.documents;
            shown && main.loaded
        });
        ready.await.map_err(Error::after_effects)
    }

    /// Tells what became of a navigation that led to no document.
    async fn aborted(
        &self,
        ctx: &Ctx,
        events: &mut Events,
        loader: &str,
        download: bool,
    ) -> Result<Navigated, Error> {
        let mut status = None;
        let mut download = download;
        while let Some(Next::Event(event)) = events.try_next() {
            if let Some(Ok(response)) = event.decode::<network::ResponseReceivedEvent>()
                && response.loader_id == loader
            {
                status = u16::try_from(response.response.status).ok();
            }
            download |= event.is::<page::DownloadWillBeginEvent>();
        }
        if download {
            return Err(Error::BecameDownload);
        }
        // "No content": the server did its work and the page stays.
        if matches!(status, Some(204 | 205)) {
            let here = self.arrived(ctx, None).await?;
            return Ok(Navigated {
                http_status: status,
                ..here
            });
        }
        Err(Error::NavigationFailed {
            reason: ABORTED.to_owned(),
        })
    }

    async fn arrived(&self, ctx: &Ctx, loader: Option<&str>) -> Result<Navigated, Error> {
        let here = self.look(ctx).await.map_err(Error::after_effects)?;
        let http_status = {
            let picture = self.shared().picture.borrow();
            loader.and_then(|loader| {
                let shown = picture.main().map_or("", |main| &main.loader);
                picture
                    .status_of(shown)
                    .or_else(|| picture.status_of(loader))
            })
        };
        Ok(Navigated {
            url: here.url,
            title: here.title,
            http_status,
        })
    }
}

fn refused(err: Error) -> Error {
    match err {
        Error::Cdp(cdp::Error::Protocol { message, .. }) if message.contains("invalid URL") => {
            Error::BadUrl {
                reason: "the browser can't read it",
            }
        }
        err => err,
    }
}
