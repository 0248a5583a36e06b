//! A session's tabs: written by the session's task, read by the work it spawns.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base::{Ctx, SessionId, Stopped, TabId};
use page::{Dialog, Page};
use store::TabRow;
use tokio::sync::watch;

use crate::Error;
use crate::checkpoint::manifest::{FormPart, TabPart};
use crate::checkpoint::part::history::Following;
use crate::notes::{NotedDialog, NotedPage};
use crate::summary::TabInfo;

/// One tab.
#[derive(Clone, Default)]
pub(crate) struct Tab {
    /// The target it is now.
    pub target: String,
    /// The flat session it is driven by.
    pub cdp_session: String,
    /// The page, once it is attached; `None` while there is no browser.
    pub page: Option<Page>,
    /// What was last known of it, for the time without a page.
    pub known: TabPart,
    /// Refs below this may have been given out.
    pub next_ref: u64,
    /// The dialog open on it.
    pub dialog: Option<Dialog>,
    /// How its history is being followed.
    pub history: Following,
    /// What was typed since the last capture began, as the page told it.
    pub typed: Option<FormPart>,
    /// Its page is being made what is known of it; until it is, nothing that the page shows is
    /// the tab's.
    pub filling: bool,
}

impl Tab {
    /// Takes what a capture read; the history is followed by itself and may have gone on.
    pub(crate) fn captured(&mut self, part: TabPart) {
        if self.filling {
            return;
        }
        let history = std::mem::take(&mut self.known.history);
        self.known = TabPart { history, ..part };
    }

    /// Takes what was typed for what is known, as far as nobody reads it from the page.
    pub(crate) fn take_typed(&mut self) {
        if self.filling {
            return;
        }
        if let Some(form) = self.typed.take() {
            self.known.form = form;
        }
    }

    /// Returns the page that what the tab holds is to be read from.
    pub(crate) fn page_to_read(&self) -> Option<Page> {
        self.page.clone().filter(|_| !self.filling)
    }
}

#[derive(Default)]
struct Table {
    tabs: BTreeMap<TabId, Tab>,
    active: Option<TabId>,
    next: u32,
}

/// The tabs of a session, in the order of their ids.
#[derive(Clone)]
pub(crate) struct Tabs {
    table: Arc<Mutex<Table>>,
    changed: watch::Sender<u64>,
}

impl Tabs {
    pub(crate) fn new(next: u32) -> Self {
        let table = Table {
            next: next.max(1),
            ..Table::default()
        };
        Self {
            table: Arc::new(Mutex::new(table)),
            changed: watch::Sender::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the table and tells those who wait for it.
    fn change<T>(&self, change: impl FnOnce(&mut Table) -> T) -> T {
        let out = change(&mut self.lock());
        self.changed.send_modify(|n| *n += 1);
        out
    }

    /// Returns the number the next tab gets, and counts on.
    pub(crate) fn take_number(&self) -> TabId {
        let mut table = self.lock();
        let tab = TabId(table.next);
        table.next += 1;
        tab
    }

    pub(crate) fn next_number(&self) -> u32 {
        self.lock().next
    }

    /// Puts a tab in place, the first one as the active one.
    pub(crate) fn put(&self, id: TabId, tab: Tab) {
        self.change(|table| {
            table.next = table.next.max(id.0 + 1);
            table.tabs.insert(id, tab);
            table.active.get_or_insert(id);
        });
    }

    /// Changes one tab, if it is there.
    pub(crate) fn update(&self, id: TabId, change: impl FnOnce(&mut Tab)) {
        self.change(|table| {
            if let Some(tab) = table.tabs.get_mut(&id) {
                change(tab);
            }
        });
    }

    /// Takes a tab out; the active one passes to its left neighbour, else to the right.
    pub(crate) fn remove(&self, id: TabId) -> Option<Tab> {
        self.change(|table| {
            let tab = table.tabs.remove(&id)?;
            if table.active == Some(id) {
                let left = table.tabs.range(..id).next_back();
                table.active = left.or_else(|| table.tabs.iter().next()).map(|(id, _)| *id);
            }
            Some(tab)
        })
    }

    pub(crate) fn activate(&self, id: TabId) {
        self.change(|table| {
            if table.tabs.contains_key(&id) {
                table.active = Some(id);
            }
        });
    }

    /// Forgets every page and session: the browser they belonged to is gone.
    pub(crate) fn forget_pages(&self) {
        self.change(|table| {
            for tab in table.tabs.values_mut() {
                tab.known = known(tab);
                tab.page = None;
                tab.dialog = None;
                tab.typed = None;
                tab.filling = false;
                tab.cdp_session.clear();
            }
        });
    }

    pub(crate) fn active(&self) -> Option<TabId> {
        self.lock().active
    }

    pub(crate) fn ids(&self) -> Vec<TabId> {
        self.lock().tabs.keys().copied().collect()
    }

    pub(crate) fn get(&self, id: TabId) -> Option<Tab> {
        self.lock().tabs.get(&id).cloned()
    }

    pub(crate) fn all(&self) -> Vec<(TabId, Tab)> {
        self.lock()
            .tabs
            .iter()
            .map(|(id, tab)| (*id, tab.clone()))
            .collect()
    }

    /// Tells whether a tab is driven on this target.
    pub(crate) fn has_target(&self, target: &str) -> bool {
        let table = self.lock();
        table
            .tabs
            .values()
            .any(|tab| tab.target == target && !tab.cdp_session.is_empty())
    }

    pub(crate) fn by_session(&self, session: &str) -> Option<TabId> {
        let table = self.lock();
        table
            .tabs
            .iter()
            .find(|(_, tab)| tab.cdp_session == session)
            .map(|(id, _)| *id)
    }

    /// Returns the tab a caller means: the one it names, else the active one.
    ///
    /// # Errors
    /// [`Error::TabNotFound`].
    pub(crate) fn meant(&self, tab: Option<TabId>) -> Result<TabId, Error> {
        let table = self.lock();
        let id = tab
            .or(table.active)
            .filter(|id| table.tabs.contains_key(id));
        id.ok_or_else(|| Error::TabNotFound {
            tab,
            open: table.tabs.keys().copied().collect(),
        })
    }

    /// Waits until a tab has its page.
    ///
    /// # Errors
    /// [`Error::TabNotFound`] if it goes meanwhile, [`Error::NotSent`] if the call ends first.
    ///
    /// # Cancel safety
    /// Yes.
    pub(crate) async fn page(&self, ctx: &Ctx, id: TabId) -> Result<Page, Error> {
        self.wait(ctx, |tabs| match tabs.get(&id) {
            Some(tab) => tab.page.clone().map(Ok),
            None => Some(Err(Error::TabNotFound {
                tab: Some(id),
                open: tabs.keys().copied().collect(),
            })),
        })
        .await?
    }

    /// Waits until a target is a tab with its page.
    ///
    /// # Errors
    /// [`Error::TabNotFound`] if it was one and is none any more, [`Error::NotSent`] if the call
    /// ends first.
    ///
    /// # Cancel safety
    /// Yes.
    pub(crate) async fn of_target(&self, ctx: &Ctx, target: &str) -> Result<(TabId, Page), Error> {
        let mut seen = None;
        self.wait(ctx, |tabs| {
            match tabs.iter().find(|(_, tab)| tab.target == target) {
                Some((id, tab)) => {
                    seen = Some(*id);
                    tab.page.clone().map(|page| Ok((*id, page)))
                }
                None => seen.map(|tab| {
                    Err(Error::TabNotFound {
                        tab: Some(tab),
                        open: tabs.keys().copied().collect(),
                    })
                }),
            }
        })
        .await?
    }

    /// Waits until a target is a tab that is driven.
    ///
    /// # Errors
    /// [`Error::NotSent`] if the call ends first.
    ///
    /// # Cancel safety
    /// Yes.
    pub(crate) async fn is_driven(&self, ctx: &Ctx, target: &str) -> Result<(), Error> {
        self.wait(ctx, |tabs| {
            let is_it = |tab: &Tab| tab.target == target && !tab.cdp_session.is_empty();
            tabs.values().any(is_it).then_some(())
        })
        .await
    }

    async fn wait<T>(
        &self,
        ctx: &Ctx,
        mut found: impl FnMut(&BTreeMap<TabId, Tab>) -> Option<T>,
    ) -> Result<T, Error> {
        let mut changed = self.changed.subscribe();
        loop {
            changed.mark_unchanged();
            if let Some(found) = found(&self.lock().tabs) {
                return Ok(found);
            }
            match ctx.race(changed.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(Error::TaskEnded),
                Err(stopped) => return Err(Error::not_sent(stopped)),
            }
        }
    }

    pub(crate) fn infos(&self) -> Vec<TabInfo> {
        let table = self.lock();
        table
            .tabs
            .iter()
            .map(|(id, tab)| info(*id, tab, table.active == Some(*id)))
            .collect()
    }

    pub(crate) fn info(&self, id: TabId) -> Option<TabInfo> {
        let table = self.lock();
        table
            .tabs
            .get(&id)
            .map(|tab| info(id, tab, table.active == Some(id)))
    }

    pub(crate) fn rows(&self, session: SessionId) -> Vec<TabRow> {
        let table = self.lock();
        (0..)
            .zip(&table.tabs)
            .map(|(position, (id, tab))| {
                let known = known(tab);
                TabRow {
                    session,
                    tab: *id,
                    position,
                    target: tab.target.clone(),
                    url: known.url.into(),
                    title: known.title.into(),
                    next_ref: tab.next_ref,
                    closed: false,
                }
            })
            .collect()
    }

    pub(crate) fn noted(&self) -> Vec<NotedPage> {
        let table = self.lock();
        let in_use = table
            .tabs
            .iter()
            .filter(|(_, tab)| tab.filling || !tab.cdp_session.is_empty());
        in_use
            .map(|(id, tab)| NotedPage {
                tab: id.0,
                target: tab.target.clone(),
                session: tab.cdp_session.clone(),
                filling: tab.filling,
                dialog: tab.dialog.as_ref().map(NotedDialog::of),
            })
            .collect()
    }
}

/// Returns what is known of a tab at this moment, without asking its page.
pub(crate) fn known(tab: &Tab) -> TabPart {
    let mut known = tab.known.clone();
    if tab.filling {
        return known;
    }
    if let Some(form) = &tab.typed {
        known.form = form.clone();
    }
    if let Some(page) = &tab.page {
        let state = page.state();
        // An adopted page has told its URL and not yet its title: nobody has read it since.
        let unread = state.title.expose().is_empty() && *state.url.expose() == known.url;
        // One that crashed before it was read has told neither.
        if !state.url.expose().is_empty() {
            known.url = state.url.expose().clone();
            if !unread {
                known.title = state.title.expose().clone();
            }
        }
    }
    known
}

fn info(id: TabId, tab: &Tab, active: bool) -> TabInfo {
    let known = known(tab);
    TabInfo {
        tab: id,
        url: known.url.into(),
        title: known.title.into(),
        active,
    }
}

/// The reason a wait for a tab ended, for callers that report it as a deadline.
impl From<Stopped> for Error {
    fn from(stopped: Stopped) -> Self {
        Self::not_sent(stopped)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn two() -> Tabs {
        let tabs = Tabs::new(1);
        for _ in 0..2 {
            let id = tabs.take_number();
            tabs.put(id, Tab::default());
        }
        tabs
    }

    #[test]
    fn a_number_is_never_given_twice() {
        let tabs = two();
        tabs.remove(TabId(2));
        assert_eq!(tabs.take_number(), TabId(3));
    }

    #[test]
    fn the_active_tab_passes_to_a_neighbour() {
        let tabs = two();
        assert_eq!(tabs.active(), Some(TabId(1)));
        tabs.remove(TabId(1));
        assert_eq!(tabs.active(), Some(TabId(2)));
        tabs.remove(TabId(2));
        assert_eq!(tabs.active(), None);
        assert!(matches!(
            tabs.meant(None),
            Err(Error::TabNotFound { tab: None, .. })
        ));
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_for_a_tab_that_is_gone_ends_at_once() {
        let tabs = two();
        let ctx = Ctx::within(Duration::from_secs(30));
        let out = tabs.page(&ctx, TabId(9)).await;
        assert!(matches!(
            out,
            Err(Error::TabNotFound {
                tab: Some(TabId(9)),
                ..
            })
        ));
        assert_eq!(ctx.remaining(), Duration::from_secs(30));
    }
}
