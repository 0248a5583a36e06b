//! Follows what the pages of a session tell, so that the session's own task need not.
//!
//! Storage changes go into the shadow here; only what moves the session's life goes on to its
//! task, or one noisy page would starve its commands.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base::{Clock, Ctx, TabId};
use page::{Fact, StorageOp};
use tokio::sync::mpsc;

use crate::checkpoint::part::storage::{Open, Which};
use crate::checkpoint::part::{history, indexed_db, storage};
use crate::checkpoint::shadow::{Area, Change, Shadow};
use crate::dirt::Dirt;
use crate::tabs::Tabs;

/// How many facts of a session's pages may wait.
pub(crate) const MOST_FACTS: usize = 8192;
/// How long one read of a storage area may take; it is tried again with the next capture.
const READ_LIMIT: Duration = Duration::from_secs(1);

/// What the session's task has to know of its pages.
#[derive(Debug)]
pub(crate) enum PageNews {
    /// A dialog opened or closed: the notes must say so.
    Dialog(TabId),
    /// The renderer crashed.
    Crashed(TabId),
    /// The target is gone.
    Gone(TabId),
    /// A tab went on to a document of another origin and left this storage key.
    Left(String),
}

pub(crate) struct PageWatch {
    pub tabs: Tabs,
    pub shadow: Arc<Mutex<Shadow>>,
    pub dirt: Dirt,
    pub clock: Clock,
    pub news: mpsc::Sender<PageNews>,
    /// Whether what the pages store is followed: nothing is kept of somebody else's browser.
    pub keeps: bool,
}

impl PageWatch {
    pub(crate) async fn run(self, mut facts: mpsc::Receiver<(TabId, Fact)>) {
        while let Some((tab, fact)) = facts.recv().await {
            let news = self.on_fact(tab, fact).await;
            if let Some(news) = news
                && self.news.send(news).await.is_err()
            {
                return;
            }
        }
    }

    async fn on_fact(&self, tab: TabId, fact: Fact) -> Option<PageNews> {
        match fact {
            Fact::StorageChanged(_) | Fact::IndexedDbChanged { .. } if !self.keeps => None,
            Fact::StorageChanged(change) => {
                let area = Area {
                    storage_key: change.storage_key.into_exposed(),
                    tab: (!change.is_local).then_some(tab),
                };
                let now = self.clock.instant();
                self.shadow().changed(&area, changed(change.op), now);
                self.dirt.raise(now);
                None
            }
            Fact::IndexedDbChanged { storage_key } => {
                self.shadow().indexed_db.note_change(storage_key.expose());
                self.dirt.raise(self.clock.instant());
                None
            }
            // What is shown to a tab that is brought back is none of its own doing.
            Fact::Navigated { .. } if self.tabs.get(tab).is_some_and(|tab| tab.filling) => None,
            Fact::Navigated { url } => {
                let left = self
                    .tabs
                    .get(tab)
                    .and_then(|tab| storage::storage_key_of(&tab.known.url));
                let here = storage::storage_key_of(url.expose());
                if let Some(left) = left
                    .as_ref()
                    .filter(|left| !is_same_host(left, here.as_ref()))
                {
                    self.shadow().left(Area {
                        storage_key: left.clone(),
                        tab: Some(tab),
                    });
                }
                self.tabs
                    .update(tab, |tab| tab.known.url = url.expose().clone());
                self.read_open_areas(tab, Which::All).await;
                self.dirt.raise(self.clock.instant());
                left.filter(|left| self.keeps && Some(left) != here.as_ref())
                    .map(PageNews::Left)
            }
            // Which storage events were lost is not known, so what is open is read again.
            Fact::Lagged => {
                self.read_open_areas(tab, Which::All).await;
                self.dirt.raise(self.clock.instant());
                None
            }
            Fact::FramesChanged => {
                self.read_open_areas(tab, Which::NewFrames).await;
                self.dirt.raise(self.clock.instant());
                None
            }
            Fact::NavigatedWithin { .. } => {
                self.follow_history(tab).await;
                self.dirt.raise(self.clock.instant());
                None
            }
            Fact::Typed { form } => {
                if let Ok(form) = serde_json::from_str(form.expose()) {
                    self.tabs.update(tab, |tab| tab.typed = Some(form));
                    self.dirt.raise(self.clock.instant());
                }
                None
            }
            Fact::TitleChanged { .. } | Fact::CookieActivity | Fact::Activity => {
                self.dirt.raise(self.clock.instant());
                None
            }
            Fact::DialogOpened(_) => {
                self.note_held(tab);
                Some(PageNews::Dialog(tab))
            }
            Fact::DialogClosed => Some(PageNews::Dialog(tab)),
            Fact::Crashed => Some(PageNews::Crashed(tab)),
            Fact::Gone => Some(PageNews::Gone(tab)),
        }
    }

    /// Reads the storage a tab shows: the picture of it may be missing or old.
    pub(crate) async fn read_open_areas(&self, tab: TabId, which: Which) {
        if !self.keeps {
            return;
        }
        if which == Which::All {
            self.follow_history(tab).await;
        }
        // Of stubs there is nothing to read.
        let shown = self.tabs.get(tab).filter(|tab| !tab.history.held);
        let Some(page) = shown.and_then(|tab| tab.page) else {
            return;
        };
        if page.has_frames_unfollowed()
            && let Some(own) = storage::storage_key_of(page.state().url.expose())
        {
            self.shadow().indexed_db.unfollowed(&own);
        }
        let open = storage::open_areas(&Ctx::within(READ_LIMIT), tab, &page, which).await;
        for Open { area, session } in open {
            self.shadow().read_begins(&area);
            let ctx = Ctx::within(READ_LIMIT);
            let items = storage::read(&ctx, &session, &area).await;
            if let Err(err) = &items {
                tracing::debug!(%tab, %err, "a storage area could not be read");
            }
            self.shadow().read_ended(&area, items.ok());
            if area.tab.is_some() {
                continue;
            }
            let ctx = Ctx::within(READ_LIMIT);
            let has = indexed_db::follow(&ctx, &session, &area.storage_key).await;
            let mut shadow = self.shadow();
            // Where it can't be asked, the next capture finds out.
            if has.unwrap_or(true) || shadow.indexed_db.has(&area.storage_key) {
                shadow.indexed_db.note_change(&area.storage_key);
            }
        }
    }

    /// Has the next capture read the storage of a page that a dialog holds by another way.
    fn note_held(&self, tab: TabId) {
        let Some(page) = self.tabs.get(tab).and_then(|tab| tab.page) else {
            return;
        };
        if !self.keeps {
            return;
        }
        let mut shadow = self.shadow();
        for area in storage::local_areas(&page) {
            shadow.held(area);
        }
        drop(shadow);
        self.dirt.raise(self.clock.instant());
    }

    /// Reads a tab's history; one that could not be read waits for the next capture.
    async fn follow_history(&self, tab: TabId) {
        if self.keeps && !self.tabs.get(tab).is_some_and(|tab| tab.history.due) {
            history::follow(&Ctx::within(READ_LIMIT), &self.tabs, tab).await;
        }
    }

    fn shadow(&self) -> MutexGuard<'_, Shadow> {
        self.shadow.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells whether a page of one key is certainly of the site of the other.
fn is_same_host(left: &str, here: Option<&String>) -> bool {
    let host = |key: &str| {
        let url = url::Url::parse(key).ok()?;
        Some((url.scheme().to_owned(), url.host_str()?.to_owned()))
    };
    let left = host(left);
    left.is_some() && left == here.and_then(|here| host(here))
}

fn changed(op: StorageOp) -> Change {
    match op {
        StorageOp::Set { key, value } => Change::Set(key.into_exposed(), value.into_exposed()),
        StorageOp::Removed { key } => Change::Remove(key.into_exposed()),
        StorageOp::Cleared => Change::Clear,
    }
}
