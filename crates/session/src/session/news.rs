//! News of the browser, its link and its pages.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base::{TabId, TaskKind};
use cdp::Ended;
use cdp::protocol::{browser as browser_wire, runtime, target};
use chrome::LinkEnd;
use page::Page;

use super::done::Done;
use super::{Session, own};
use crate::Error;
use crate::aside::read_origin;
use crate::attached::MOST_TABS;
use crate::cause::Cause;
use crate::checkpoint::manifest::Items;
use crate::checkpoint::part::storage;
use crate::checkpoint::shadow::{Area, Shadow};
use crate::dial::cause_of;
use crate::live::{FromLink, News};
use crate::relist::relist;
use crate::services::Service;
use crate::state::{Fact, LinkId, State};
use crate::tabs::Tab;
use crate::targets::{Attached, Meaning};
use crate::watch_pages::PageNews;

/// How long attaching one page may take.
const ATTACH_LIMIT: Duration = Duration::from_secs(20);
/// How long reading one origin aside may take.
const ASIDE_LIMIT: Duration = Duration::from_secs(5);
/// How often what was given back is looked at again, how far apart, and how often in a row
/// it must have stayed.
const RESEED_ROUNDS: u32 = 60;
const RESEED_PAUSE: Duration = Duration::from_millis(100);
const RESEED_STAYED: u32 = 3;
/// How long the frames of one page may take to tell what they store.
const OPEN_LIMIT: Duration = Duration::from_secs(1);
/// How long giving a browser its storage back may take.
const RESEED_LIMIT: Duration = Duration::from_secs(20);

impl Session {
    pub(super) fn on_news(&mut self, FromLink { link, news }: FromLink) {
        if !self.is_current(link) {
            return;
        }
        match news {
            News::Attached => self.settle_targets(),
            News::Detached { session } => {
                if let Some(tab) = self.tabs.by_session(&session) {
                    self.tab_gone(tab);
                }
            }
            News::Ended(end) => self.on_link_end(link, &end),
            News::Stray { session } => self.detach_stray(session),
            News::Late { id, ok } => self.on_late(id, ok),
            News::Lagged => {
                tracing::warn!("announcements of pages were lost");
                self.relist();
            }
            News::ServiceFound => {
                if let Some(live) = &self.live {
                    live.note(&self.tabs);
                }
            }
            News::ServiceLost(service) => self.on_service_lost(service),
        }
    }

    /// Announcements of pages may have been lost: asks which there are.
    pub(super) fn relist(&mut self) {
        let Some(live) = self.live.clone() else {
            return;
        };
        let tabs = self.tabs.clone();
        self.spawn_work(TaskKind::PageWork, async move {
            let ctx = own(ATTACH_LIMIT);
            let gone = relist(&ctx, &live, &tabs).await;
            Done::Relisted(live.link, gone)
        });
    }

    pub(super) fn on_relisted(&mut self, link: LinkId, gone: Result<Vec<TabId>, Error>) {
        if !self.is_current(link) {
            return;
        }
        match gone {
            Ok(gone) => {
                for tab in gone {
                    self.tab_gone(tab);
                }
                self.settle_targets();
            }
            Err(err) if err.is_loss() => {}
            // Which pages there are isn't known: take the browser over anew.
            Err(err) => {
                tracing::error!(%err, "the browser's pages could not be listed");
                self.facts.push_back(Fact::LinkLost(link));
            }
        }
    }

    fn on_link_end(&mut self, link: LinkId, end: &LinkEnd) {
        let fact = match end {
            LinkEnd::Exited { record, .. } => Fact::BrowserGone(link, cause_of(record)),
            LinkEnd::KeeperGone => Fact::BrowserGone(link, Cause::KeeperGone),
            LinkEnd::Displaced | LinkEnd::Closed(_) => Fact::LinkLost(link),
        };
        tracing::warn!(?end, "the link to the browser ended");
        let delivered = match end {
            LinkEnd::Exited { delivered, .. } => *delivered,
            LinkEnd::KeeperGone | LinkEnd::Displaced | LinkEnd::Closed(_) => None,
        };
        self.delivered = Some(delivered);
        self.judge_cut_off();
        self.lost_at.get_or_insert_with(|| self.deps.clock.wall());
        self.facts.push_back(fact);
    }

    /// Gives the pages whose meaning is known their tabs, and attaches them.
    pub(super) fn settle_targets(&mut self) {
        let Some(live) = self.live.clone() else {
            return;
        };
        for (page, meaning) in live.targets.settle() {
            let own = page.url.starts_with("chrome://") || page.url.starts_with("devtools://");
            if own || live.is_aside(&page.target) {
                // The browser's own pages and ours are nobody's tabs.
                self.let_go(&page);
                continue;
            }
            if self.tabs.by_session(&page.session).is_some() {
                // The keeper told again what the last daemon had not acknowledged.
                continue;
            }
            if self.tabs.has_target(&page.target) {
                // Attached twice: once by a kept announcement, once by the adoption.
                self.let_go(&page);
                continue;
            }
            let full = live.is_attached() && MOST_TABS <= self.tabs.ids().len();
            let id = match meaning {
                Meaning::Tab(id) => id,
                Meaning::New if full => {
                    tracing::warn!("the browser has more pages than the session takes");
                    self.let_go(&page);
                    continue;
                }
                Meaning::New => self.tabs.take_number(),
            };
            let before = self.tabs.get(id).unwrap_or_default();
            let tab = Tab {
                target: page.target.clone(),
                cdp_session: page.session.clone(),
                next_ref: before.next_ref.max(1),
                known: before.known,
                filling: before.filling,
                ..Tab::default()
            };
            self.tabs.put(id, tab);
            self.save_tabs = true;
            self.save_row = true;
            // The keeper has the notes before it has a byte of the attaching.
            live.note(&self.tabs);
            self.attach(id, page);
        }
    }

    fn attach(&mut self, id: TabId, page: Attached) {
        let Some(live) = self.live.clone() else {
            return;
        };
        let session = live.connection.attach(&page.session);
        let options = self.page_options()(id);
        let first_ref = self.tabs.get(id).map_or(1, |tab| tab.next_ref.max(1));
        let (deps, tabs) = (Arc::clone(&self.deps), self.tabs.clone());
        let row = self.row.id;
        self.spawn_work(TaskKind::PageWork, async move {
            let ctx = own(ATTACH_LIMIT);
            // Refs are reserved in the tab's row, so it must be there before the first is.
            let rows = tabs.rows(row);
            if let Err(err) = deps.store.tabs().put_all(row, &rows).await {
                tracing::error!(%err, "tabs could not be stored");
            }
            let attached = Page::attach(
                &ctx,
                session,
                &page.target,
                options,
                first_ref,
                false,
                &deps.tasks,
            );
            let result = attached.await.map_err(Error::from);
            Done::Attached {
                link: live.link,
                tab: id,
                session: page.session,
                result,
            }
        });
    }

    pub(super) fn on_attached(
        &mut self,
        link: LinkId,
        tab: TabId,
        session: &str,
        result: Result<Page, Error>,
    ) {
        // The tab may have got another target meanwhile.
        let is_its = self
            .tabs
            .get(tab)
            .is_some_and(|tab| tab.cdp_session == session);
        if !self.is_current(link) || !is_its {
            return;
        }
        match result {
            Ok(page) => {
                self.tabs.update(tab, |tab| tab.page = Some(page));
                self.save_tabs = true;
                self.capturing.dirt().raise(self.deps.clock.instant());
                self.read_areas(tab);
                self.tell_page(tab);
            }
            Err(err) => self.on_not_attached(link, tab, &err),
        }
    }

    /// That a page can't be attached is no reason to lose its tab: what is known of it is
    /// brought back in another page.
    fn on_not_attached(&mut self, link: LinkId, tab: TabId, err: &Error) {
        tracing::warn!(%tab, %err, "a page could not be attached");
        if !self.is_linked() {
            // The link's end says the rest.
            return;
        }
        if self.is_attached() {
            // It stays as it is; it is just no tab of the session's.
            self.tab_gone(tab);
            return;
        }
        let known = self
            .tabs
            .get(tab)
            .is_some_and(|tab| !tab.known.url.is_empty());
        let wanted = known || self.restoring.contains_key(&tab);
        match self.state {
            State::Alive { .. } if wanted => self.restore_tab(tab),
            State::Starting { .. } => self.browser_is_useless(link),
            State::Recovering { .. } if wanted => self.browser_is_useless(link),
            _ => self.tab_gone(tab),
        }
    }

    /// A browser that is being filled and can't show a page of it is as good as gone.
    fn browser_is_useless(&mut self, link: LinkId) {
        self.facts
            .push_back(Fact::BrowserGone(link, Cause::RendererCrashed));
    }

    /// Lets a page that isn't a tab run, and leaves it.
    fn let_go(&mut self, page: &Attached) {
        let Some(live) = &self.live else { return };
        let session = live.connection.attach(&page.session);
        let detach = target::DetachFromTarget {
            session_id: Some(page.session.clone()),
            ..Default::default()
        };
        let gone = session
            .post(&runtime::RunIfWaitingForDebugger {})
            .and_then(|()| live.connection.root().post(&detach));
        if let Err(err) = gone {
            tracing::debug!(%err, "a page of the browser's own could not be let go");
        }
        session.end(Ended::Detached);
    }

    /// An event from a session that nobody here knows: whoever had it is gone, and its
    /// interception would hold the page for ever.
    fn detach_stray(&mut self, session: String) {
        let Some(live) = &self.live else { return };
        if self.tabs.by_session(&session).is_some() {
            return;
        }
        tracing::info!(%session, "detaching a session nobody here knows");
        let detach = target::DetachFromTarget {
            session_id: Some(session),
            ..Default::default()
        };
        if let Err(err) = live.connection.root().post(&detach) {
            tracing::debug!(%err, "it could not be detached");
        }
    }

    pub(super) fn on_page_news(&mut self, news: PageNews) {
        match news {
            PageNews::Dialog(tab) => {
                let dialog = self
                    .tabs
                    .get(tab)
                    .and_then(|tab| tab.page)
                    .and_then(|page| page.state().dialog);
                let closed = dialog.is_none();
                if closed {
                    // What was changed meanwhile waited behind it.
                    self.tell_page(tab);
                }
                self.tabs.update(tab, |tab| tab.dialog = dialog);
                if let Some(live) = &self.live {
                    live.note(&self.tabs);
                }
                if closed && std::mem::take(&mut self.reseed_behind_dialog) {
                    // Now its page learns of the storage service's death.
                    self.on_service_lost(Service::Storage);
                }
            }
            PageNews::Crashed(tab) => {
                let crashed = |page: Page| page.state().crashed;
                let is_so = self
                    .tabs
                    .get(tab)
                    .and_then(|tab| tab.page)
                    .is_some_and(crashed);
                if is_so && self.live.is_some() {
                    tracing::warn!(%tab, "a page crashed");
                    if !self.crashed_again() {
                        self.restore_tab(tab);
                    }
                }
            }
            PageNews::Gone(tab) => {
                let gone = |page: Page| page.state().gone && !page.state().crashed;
                let is_so = self
                    .tabs
                    .get(tab)
                    .and_then(|tab| tab.page)
                    .is_some_and(gone);
                // With its link gone a page seems gone, too; the link's end says the rest.
                if is_so && self.is_linked() {
                    self.tab_gone(tab);
                }
            }
            PageNews::Left(storage_key) if self.is_alive() => self.read_left(storage_key),
            PageNews::Left(_) => {}
        }
    }

    pub(super) fn tab_gone(&mut self, tab: TabId) {
        if self.tabs.remove(tab).is_none() {
            return;
        }
        self.shadow
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .forget_tab(tab);
        if let Some(live) = &self.live {
            live.note(&self.tabs);
        }
        self.save_tabs = true;
        self.save_row = true;
        self.capturing.dirt().raise(self.deps.clock.instant());
    }

    /// Reads the storage a tab shows, beside the session's other work.
    pub(super) fn read_areas(&mut self, tab: TabId) {
        let watch = crate::watch_pages::PageWatch {
            tabs: self.tabs.clone(),
            shadow: Arc::clone(&self.shadow),
            dirt: self.capturing.dirt().clone(),
            clock: self.deps.clock.clone(),
            news: tokio::sync::mpsc::channel(1).0,
            keeps: !self.is_attached(),
        };
        self.spawn_work(TaskKind::PageWork, async move {
            watch.read_open_areas(tab, storage::Which::All).await;
            Done::ReadAside
        });
    }

    /// Reads an origin again that no tab shows any more.
    fn read_left(&mut self, storage_key: String) {
        let shown = self.tabs.all().into_iter().any(|(_, tab)| {
            let url = crate::tabs::known(&tab).url;
            storage::storage_key_of(&url).as_ref() == Some(&storage_key)
        });
        let Some(live) = self.live.clone().filter(|_| !shown) else {
            return;
        };
        let (tabs, shadow) = (self.tabs.clone(), Arc::clone(&self.shadow));
        self.spawn_work(TaskKind::PageWork, async move {
            let area = Area {
                storage_key,
                tab: None,
            };
            let lock = || shadow.lock().unwrap_or_else(PoisonError::into_inner);
            lock().read_begins(&area);
            let ctx = own(ASIDE_LIMIT);
            let items = read_origin(&ctx, &live, &tabs, &area.storage_key).await;
            if let Err(err) = &items {
                tracing::debug!(%err, "an origin that was left could not be read again");
            }
            lock().read_ended(&area, items.ok().flatten());
            Done::ReadAside
        });
    }

    /// Takes the live browser's service processes for good ones: its state was just checked.
    pub(super) fn services_accept(&mut self) {
        let Some(live) = self.live.clone() else {
            return;
        };
        self.spawn_work(TaskKind::PageWork, async move {
            let ctx = own(ASIDE_LIMIT);
            if let Err(err) = live.services.accept(&ctx, &live.connection).await {
                tracing::debug!(%err, "the browser's processes could not be read");
            }
            Done::ReadAside
        });
    }

    /// The browser lives and has lost state. Capture freezes until it has it back.
    pub(super) fn on_service_lost(&mut self, service: Service) {
        let Some(live) = self.live.clone() else {
            return;
        };
        if live.connection.is_lost().is_some() || !self.capturing.freeze() {
            return;
        }
        tracing::warn!(
            ?service,
            "a service of the browser died; giving it back its state"
        );
        // Cookies come from the checkpoint, and so must all that has come after it.
        if service == Service::Network && self.capturing.is_behind() {
            self.state_is_torn(live.link);
            return;
        }
        let now = self.deps.clock.instant();
        let lock = || self.shadow.lock().unwrap_or_else(PoisonError::into_inner);
        if service == Service::Storage {
            lock().service_lost(now);
        }
        let shadow = Arc::clone(&self.shadow);
        let local: Vec<(String, Items)> = lock()
            .areas()
            .filter(|(area, _)| area.tab.is_none())
            .map(|(area, items)| (area.storage_key.clone(), items.clone()))
            .collect();
        let (deps, tabs, newest) = (
            Arc::clone(&self.deps),
            self.tabs.clone(),
            self.capturing.newest_id(),
        );
        let (session, link) = (self.row.id, live.link);
        self.spawn_work(TaskKind::PageWork, async move {
            let ctx = own(RESEED_LIMIT);
            let work = async {
                // A dead process may still stand in the list for a moment.
                live.connection
                    .root()
                    .call(&ctx, &browser_wire::GetVersion {})
                    .await?;
                if service == Service::Network
                    && let Some(newest) = newest
                {
                    let content = crate::checkpoint::restore::read(&deps, session, newest).await?;
                    crate::checkpoint::part::cookies::restore(
                        &ctx,
                        &live.connection,
                        &content.cookies,
                        deps.clock.wall(),
                    )
                    .await?;
                }
                let mut blocked = false;
                if service == Service::Storage {
                    blocked = reseed(&ctx, &live, &tabs, local, &shadow).await?;
                }
                live.services.accept(&ctx, &live.connection).await?;
                Ok(blocked)
            };
            Done::Reseeded(link, work.await)
        });
    }

    pub(super) fn on_reseeded(&mut self, link: LinkId, result: Result<bool, Error>) {
        let torn = {
            let mut shadow = self.shadow.lock().unwrap_or_else(PoisonError::into_inner);
            let torn = shadow.is_torn();
            shadow.service_back();
            torn
        };
        if !self.is_current(link) {
            return;
        }
        match result {
            Ok(_) if torn => self.state_is_torn(link),
            // One page went, or one frame, and not the browser.
            Err(err) if err.is_loss() && self.is_linked() => self.state_is_torn(link),
            Ok(blocked) => {
                self.capturing.thaw();
                self.capturing.dirt().raise(self.deps.clock.instant());
                if blocked && self.open_dialog().is_none() {
                    return self.on_service_lost(Service::Storage);
                }
                self.reseed_behind_dialog |= blocked;
                self.run_queue();
                self.run_held_captures();
            }
            // The service died with its browser; the link's end says the rest.
            Err(err) if err.is_loss() => {}
            Err(Error::StateLost { .. }) => self.state_is_torn(link),
            Err(err) => {
                // A browser without its state is worse than none: replace it.
                tracing::error!(%err, "the browser could not be given its state back");
                self.facts.push_back(Fact::BrowserGone(link, Cause::Killed));
            }
        }
    }

    pub(super) fn is_linked(&self) -> bool {
        let live = self.live.as_ref();
        live.is_some_and(|live| live.connection.is_lost().is_none())
    }

    /// What the browser's service held can't be had as it was when it died: back to the last
    /// moment that all of it is known of.
    fn state_is_torn(&mut self, link: LinkId) {
        tracing::warn!("the state of a page changed about the time a service died");
        self.facts
            .push_back(Fact::BrowserGone(link, Cause::StateLost));
    }

    /// The host has slept: what is known of the browser is from before.
    pub(super) fn on_slept(&mut self) {
        if let Some(link) = self.state.link().filter(|_| self.is_alive()) {
            self.slept = true;
            self.facts.push_back(Fact::LinkLost(link));
        }
    }

    pub(super) fn probe(&mut self) {
        self.last_probe = self.deps.clock.instant();
        let Some(live) = self.live.clone().filter(|_| !self.probing) else {
            return;
        };
        if live.ids_run_out() {
            live.note(&self.tabs);
        }
        self.probing = true;
        let silence = self.deps.config.silence;
        self.spawn_work(TaskKind::PageWork, async move {
            let ctx = own(silence);
            let answer = live
                .connection
                .root()
                .call(&ctx, &browser_wire::GetVersion {})
                .await;
            // A lost link is told by its own end.
            let alive = !matches!(answer, Err(cdp::Error::Stopped(_) | cdp::Error::NotSent(_)));
            Done::Probed(live.link, alive)
        });
    }
}

/// Gives every origin its localStorage back, until it stays.
///
/// A page notices the death of the storage service in its own time, and then has what the
/// service had on disk, also of what was written to it a moment before; it tells of that by
/// events like any others (Chromium 156). So what counts is what was known when the service
/// died, and it is read again until it was there a few times in a row. What a page writes
/// meanwhile can't be told from what it was reset to: that ends it with
/// [`Error::StateLost`].
///
/// Tells whether a page had a dialog open: it has all this before it.
async fn reseed(
    ctx: &base::Ctx,
    live: &crate::live::Live,
    tabs: &crate::tabs::Tabs,
    local: Vec<(String, Items)>,
    shadow: &Mutex<Shadow>,
) -> Result<bool, Error> {
    let (mut stayed, mut blocked) = (0, false);
    for round in 0..RESEED_ROUNDS {
        if shadow
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_torn()
        {
            return Err(Error::StateLost {
                service: Service::Storage,
            });
        }
        let mut whole = true;
        let mut open = vec![];
        for (id, tab) in tabs.all() {
            if let Some(page) = tab.page {
                let step = ctx.at_most(OPEN_LIMIT);
                let areas = storage::open_areas(&step, id, &page, storage::Which::All).await;
                open.extend(areas.into_iter().map(|open| (open, page.clone())));
            }
        }
        for (storage_key, items) in &local {
            let area = Area {
                storage_key: storage_key.clone(),
                tab: None,
            };
            let mut holders = open.iter().filter(|(open, _)| open.area == area);
            // One with a dialog answers nothing, and drops what it has when that is closed.
            blocked |= holders
                .clone()
                .any(|(_, page)| page.state().dialog.is_some());
            match holders.find(|(_, page)| page.state().dialog.is_none()) {
                Some((open, _)) => match reseed_open(ctx, open, items).await {
                    Ok(there) => whole &= there,
                    Err(err)
                        if live.connection.is_lost().is_some() || ctx.remaining().is_zero() =>
                    {
                        return Err(err);
                    }
                    // Its frame went on meanwhile.
                    Err(_) => whole = false,
                },
                // Nobody holds it, so nobody drops it again.
                None if round == 0 => {
                    crate::aside::seed_origin(ctx, live, tabs, storage_key, items).await?;
                }
                None => {}
            }
        }
        stayed = if whole { stayed + 1 } else { 0 };
        if stayed == RESEED_STAYED {
            return Ok(blocked);
        }
        ctx.pause(RESEED_PAUSE).await?;
    }
    let reason = "localStorage does not stay in the browser".to_owned();
    Err(Error::Checkpoint { reason })
}

/// Writes what is missing in an area; tells whether nothing was.
async fn reseed_open(ctx: &base::Ctx, open: &storage::Open, items: &Items) -> Result<bool, Error> {
    let storage::Open { area, session } = open;
    let there = storage::read(ctx, session, area).await?;
    let missing: Items = items
        .iter()
        .filter(|(key, value)| there.get(*key) != Some(value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    storage::write(ctx, session, area, &missing).await?;
    Ok(missing.is_empty())
}
