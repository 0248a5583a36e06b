//! Hidden pages that stay for the next reading.
//!
//! IndexedDB is read in a hidden page of its origin ([`crate::aside`]). To make one takes a
//! process of its own, half a second on a busy machine, and a page that writes all the time is
//! read several times a second. So the page stays as long as it is used.

use std::sync::atomic::{AtomicBool, Ordering};

use base::Ctx;
use cdp::protocol::inspector;
use cdp::{Events, Next, Session};
use tokio::sync::Mutex;

use crate::Error;
use crate::aside::{self, Shown};
use crate::checkpoint::place::Place;
use crate::live::Live;
use crate::stub::Stub;
use crate::tabs::Tabs;

/// How many stay.
const MOST: usize = 2;

/// The hidden pages of one browser that stay.
#[derive(Default)]
pub(crate) struct Readers {
    kept: Mutex<Vec<Reader>>,
    any: AtomicBool,
}

struct Reader {
    targets: Vec<String>,
    place: Place,
    session: Session,
    url: String,
    events: Events,
    /// It was used since [`Readers::sweep`] last came by.
    used: bool,
}

impl Readers {
    /// Runs a script in a stub at a place and hands what it returned on; the next one at this
    /// place runs in the same page.
    ///
    /// # Errors
    /// Those of the browser and of `then`.
    ///
    /// # Cancel safety
    /// As [`aside::show`].
    pub(crate) async fn run<T, F>(
        &self,
        ctx: &Ctx,
        (live, tabs): (&Live, &Tabs),
        place: &Place,
        script: &str,
        then: impl FnOnce(Session, String) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let kept = ctx.race(self.kept.lock()).await;
        let mut kept = kept.map_err(Error::not_sent)?;
        let mut found = None;
        if let Some(at) = kept.iter().position(|reader| reader.place == *place) {
            match kept[at].run(ctx, script).await {
                Ok(text) => found = Some((kept[at].session.clone(), text)),
                Err(err) if live.connection.is_lost().is_some() => return Err(err),
                Err(err) => {
                    // Its process may have died, or the service that it read from.
                    tracing::debug!(%err, "a hidden page is of no use any more");
                    aside::close(live, kept.remove(at).targets)?;
                }
            }
        }
        let (session, text) = match found {
            Some(found) => found,
            None => {
                if MOST <= kept.len() {
                    aside::close(live, kept.remove(0).targets)?;
                }
                let shown = aside::show(ctx, live, tabs, place, script).await?;
                let events = shown.session.events();
                let Shown {
                    targets,
                    session,
                    url,
                    text,
                } = shown;
                session.post(&inspector::Enable {})?;
                kept.push(Reader {
                    targets,
                    place: place.clone(),
                    session: session.clone(),
                    url,
                    events,
                    used: true,
                });
                self.any.store(true, Ordering::Relaxed);
                (session, text)
            }
        };
        then(session, text).await
    }

    /// Tells whether there is one.
    pub(crate) fn any(&self) -> bool {
        self.any.load(Ordering::Relaxed)
    }

    /// Closes those that were not used since this was last done.
    pub(crate) fn sweep(&self, live: &Live) {
        // One that is at work is used.
        let Ok(mut kept) = self.kept.try_lock() else {
            return;
        };
        let mut unused = vec![];
        kept.retain_mut(|reader| {
            let used = std::mem::replace(&mut reader.used, false);
            if !used {
                unused.append(&mut reader.targets);
            }
            used
        });
        self.any.store(!kept.is_empty(), Ordering::Relaxed);
        if let Err(err) = aside::close(live, unused) {
            // They go with their browser, or are closed by whoever finds it again.
            tracing::debug!(%err, "hidden pages could not be closed");
        }
    }
}

impl Reader {
    async fn run(&mut self, ctx: &Ctx, script: &str) -> Result<String, Error> {
        self.used = true;
        let events = &mut self.events;
        // A crashed page would keep a call waiting until its deadline.
        let ended = async {
            loop {
                match events.next().await {
                    Next::Event(event) => {
                        if event.decode::<inspector::TargetCrashedEvent>().is_some() {
                            return Error::from(page::Error::Crashed);
                        }
                    }
                    Next::Lagged(_) => {}
                    Next::Ended(cause) => return cdp::Error::from(cause).into(),
                }
            }
        };
        let stub = Stub::shown(&self.session, ctx);
        tokio::select! {
            err = ended => Err(err),
            out = stub.run_there(&self.url, script) => out,
        }
    }
}
