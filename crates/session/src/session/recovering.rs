//! Launching, finding again and replacing the browser.

use std::sync::Arc;
use std::time::Duration;

use base::{ByteSize, CheckpointId, Code, Ctx, TaskKind};
use cdp::protocol::runtime::Evaluate;
use chrome::Identity;
use futures_util::FutureExt as _;
use page::Page;
use store::BrowserRow;

use super::done::{Done, Then};
use super::moved::Shown;
use super::restoring::promote;
use super::{Begin, Session, own};
use crate::Error;
use crate::adopt::Adopted;
use crate::aside::read_origin;
use crate::attached;
use crate::cause::Cause;
use crate::checkpoint::manifest::TabPart;
use crate::checkpoint::part::{cookies, storage};
use crate::checkpoint::restore::{self, Content, Report};
use crate::checkpoint::shadow::Area;
use crate::dial::{Dialed, Number, dial};
use crate::launch::{self, launch};
use crate::live::Live;
use crate::report;
use crate::services::Service;
use crate::state::{Effect, Fact, LinkId, MOST_TRIES, State};
use crate::summary::{CheckpointInfo, Recovered};
use crate::tabs::{Tab, Tabs};

/// How long the first launch may take.
const LAUNCH_LIMIT: Duration = Duration::from_secs(30);
/// How long a new page in a living browser may take to be opened and to answer.
const OPEN_LIMIT: Duration = Duration::from_secs(10);
/// How long what a crashed page's origin holds may take to be read.
const LEFT_LIMIT: Duration = Duration::from_secs(3);
/// With less free than this a recovery that failed has failed for want of room.
const LEAST_ROOM: ByteSize = ByteSize::mib(8);

/// A browser that was filled from a checkpoint.
pub(super) struct Filled {
    report: Report,
    content: Content,
    /// The session's newest checkpoint now, if another one was.
    promoted: Option<CheckpointInfo>,
}

impl Session {
    pub(super) async fn begin(&mut self, begin: Begin) {
        self.load_newest().await;
        self.load_settings().await;
        self.load_downloads().await;
        match begin {
            Begin::Launch => {
                let link = LinkId(self.links);
                self.launch_first(link);
            }
            Begin::Attach => match self.row.attached.clone() {
                Some(attached) => self.attach_first(LinkId(self.links), attached),
                None => self.launch_first(LinkId(self.links)),
            },
            Begin::Relink => self.perform(Effect::Dial(LinkId(self.links))),
            Begin::Adopt(browser, known) => {
                self.load_shadow().await;
                self.claimed = Some((browser, known));
                self.perform(Effect::Dial(LinkId(self.links)));
            }
            Begin::Rest => {}
        }
    }

    fn launch_first(&mut self, link: LinkId) {
        let (deps, news) = (Arc::clone(&self.deps), self.news.0.clone());
        let (id, profile) = (self.row.id, self.row.profile.clone());
        let tabs = self.tabs.clone();
        let first = tabs.take_number();
        let lives = self.lives.0.clone();
        let settings = self.settings.clone();
        self.spawn_work(TaskKind::PageWork, async move {
            let ctx = own(LAUNCH_LIMIT);
            let work = async {
                let told = settings.get();
                let live = launch(&ctx, &deps, id, profile.as_deref(), &told, link, &news).await?;
                // The session must know its browser before the browser announces the tab.
                lives
                    .send(Arc::clone(&live))
                    .await
                    .map_err(|_| Error::TaskEnded)?;
                restore::open_tab(&ctx, &live, &tabs, first).await?;
                Ok(())
            };
            Done::Launched(link, work.await)
        });
    }

    pub(super) fn on_launched(&mut self, link: LinkId, result: Result<(), Error>) {
        if !self.is_current(link) {
            return;
        }
        match result {
            // The session is answered for only when it could come back.
            Ok(()) => self.capture_for(Then::Alive),
            Err(err) => self.give_up(&err, Fact::LaunchFailed(link)),
        }
    }

    pub(super) fn give_up(&mut self, err: &Error, fact: Fact) {
        tracing::error!(%err, "no browser came of it");
        let mut detail = err.to_string();
        if let Some(hint) = err.hint() {
            detail = format!("{detail}. {hint}");
        }
        self.row.detail = Some(detail.into());
        self.row.failures += 1;
        self.failure = Some(err.clone());
        self.save_row = true;
        self.facts.push_back(fact);
    }

    /// A browser is connected; the session may have gone on without it meanwhile.
    pub(super) fn on_live(&mut self, live: Arc<Live>) {
        if self.is_current(live.link) {
            self.use_live(live);
            return;
        }
        let deps = Arc::clone(&self.deps);
        self.stops += 1;
        self.spawn_work(TaskKind::Background, async move {
            launch::stop(&deps, &live, launch::GRACE).await;
            Done::Stopped
        });
    }

    /// Takes a connected browser into use.
    pub(super) fn use_live(&mut self, live: Arc<Live>) {
        let pid = live.identity().map(|identity| identity.browser_pid);
        tracing::info!(browser = %live.id, pid, "the session has this browser");
        self.row.browser = pid.map(|_| live.id);
        self.save_row = true;
        self.save_tabs = true;
        self.claimed = None;
        self.delivered = None;
        live.note(&self.tabs);
        self.live = Some(live);
        self.last_probe = self.deps.clock.instant();
        self.settle_targets();
    }

    pub(super) fn dial(&mut self, link: LinkId) {
        if let Some(attached) = self.row.attached.clone() {
            self.dial_attached(link, attached);
            return;
        }
        let held = self.live.as_ref();
        let held = held.and_then(|live| Some((live, live.identity()?)));
        let number = match (held, &self.claimed) {
            (Some((live, identity)), _) => Number {
                browser: live.id,
                identity: identity.clone(),
                live: Some(Arc::clone(live)),
                known: self.tabs.rows(self.row.id),
                link,
            },
            (None, Some((browser, known))) => Number {
                browser: browser.id,
                identity: identity_of(browser),
                live: None,
                known: known.clone(),
                link,
            },
            (None, None) => {
                self.facts.push_back(Fact::NotAdopted);
                return;
            }
        };
        let (deps, news, options) = (
            Arc::clone(&self.deps),
            self.news.0.clone(),
            self.page_options(),
        );
        let window = self.deps.config.reconnect_window;
        self.spawn_work(TaskKind::PageWork, async move {
            let ctx = own(window);
            Done::Dialed(link, dial(&ctx, &deps, number, options, &news).await)
        });
    }

    pub(super) fn on_dialed(&mut self, link: LinkId, dialed: Dialed) {
        if !self.is_current(link) {
            return;
        }
        self.note_not_found(&dialed);
        match dialed {
            Dialed::Answers => self.facts.push_back(Fact::ReAttached(link)),
            Dialed::Again(adopted) => self.on_adopted(link, *adopted),
            Dialed::Gone(cause) if self.live.is_none() && !self.is_attached() => {
                tracing::info!(%cause, "the browser was gone when this daemon came");
                self.facts.push_back(Fact::NotAdopted);
            }
            Dialed::Gone(cause) => self.facts.push_back(Fact::BrowserGone(link, cause)),
            Dialed::Spent => self.facts.push_back(Fact::WindowSpent(link)),
        }
    }

    fn on_adopted(&mut self, link: LinkId, adopted: Adopted) {
        let found: Vec<_> = adopted.tabs.iter().map(|(tab, _)| *tab).collect();
        let anew: Vec<_> = adopted.live.targets.known();
        for id in self.tabs.ids() {
            let target = self.tabs.get(id).map(|tab| tab.target).unwrap_or_default();
            if !found.contains(&id) && !anew.contains(&target) {
                self.tabs.remove(id);
            }
        }
        if adopted.unfinished {
            tracing::warn!("a login was being put in place when the link was lost");
            adopted.live.set_unfinished(true, &self.tabs);
            self.use_live(adopted.live);
            self.facts
                .push_back(Fact::BrowserGone(link, Cause::LoginNotPlaced));
            return;
        }
        if adopted.gap {
            tracing::warn!("the keeper dropped messages while no daemon read");
        }
        self.note_relinked();
        self.take_over(adopted);
        self.tell_pages_again();
        if self.is_attached() {
            // One may have closed between the list and the link.
            self.relist();
        }
        if let Some(service) = self.live.as_ref().and_then(|live| live.services.ended()) {
            // What it held went while nobody watched, and what the pages were told of that can't
            // be told from what they did themselves: the checkpoint is of one moment.
            tracing::warn!(?service, "a service of the browser died meanwhile");
            self.facts
                .push_back(Fact::BrowserGone(link, Cause::StateLost));
            return;
        }
        self.services_accept();
        for tab in found {
            let Some(it) = self.tabs.get(tab) else {
                continue;
            };
            let crashed = it.page.is_some_and(|page| page.state().crashed);
            if it.filling || crashed {
                tracing::warn!(%tab, "a page crashed, or was being brought back");
                // It tells nothing of itself; what the last daemon knew of it is true.
                self.tabs.update(tab, |tab| tab.page = None);
                self.restore_tab_as(tab, true);
            } else {
                self.read_areas(tab);
            }
        }
        self.capturing.dirt().raise(self.deps.clock.instant());
        self.facts.push_back(Fact::ReAttached(link));
    }

    pub(super) fn recover(&mut self, link: LinkId, from: CheckpointId) {
        self.row.detail = None;
        self.failure = None;
        let (deps, news) = (Arc::clone(&self.deps), self.news.0.clone());
        let (id, profile) = (self.row.id, self.row.profile.clone());
        let (tabs, shadow) = (self.tabs.clone(), Arc::clone(&self.shadow));
        let lives = self.lives.0.clone();
        let limit = self.deps.config.recovery_limit;
        let slots = self.slots.clone();
        let settings = self.settings.clone();
        // A named profile's folder can be opened by one browser at a time.
        let after = profile.is_some().then(|| self.stopping.clone()).flatten();
        let turn = Arc::clone(&self.capture_turn);
        let asked = matches!(
            self.state,
            State::Recovering {
                cause: Cause::RestoreAsked,
                ..
            }
        );
        if asked {
            self.moved.forget();
        } else {
            let urls = self.tabs.all().into_iter();
            let shown = Shown {
                urls: urls
                    .map(|(id, tab)| (id, crate::tabs::known(&tab).url))
                    .collect(),
                // Lost by this daemon, and not found at rest.
                active: self.lost_at.and_then(|_| self.tabs.active()),
            };
            self.moved.lost(shown);
        }
        self.spawn_work(TaskKind::PageWork, async move {
            // Its time begins with its turn.
            let _turn = slots.turn().await;
            let ctx = own(limit);
            let work = async {
                if let Some(after) = after {
                    ctx.race(after).await?;
                }
                // A capture that was under way may still publish, and may have been told of.
                let turn = ctx.race(turn.lock()).await?;
                let newest = match deps.store.checkpoints().newest(id).await? {
                    Some(newest) if !asked => newest.id,
                    _ => from,
                };
                let content = restore::read(&deps, id, newest).await?;
                drop(turn);
                if asked {
                    let told = content.settings.clone();
                    settings.restore(&deps, id, told).await?;
                }
                put_tabs(&tabs, &content);
                {
                    let mut shadow = shadow
                        .lock()
                        .unwrap_or_else(std::sync::PoisonError::into_inner);
                    *shadow = shadow_of(&content);
                }
                let told = settings.get();
                let live = launch(&ctx, &deps, id, profile.as_deref(), &told, link, &news).await?;
                lives
                    .send(Arc::clone(&live))
                    .await
                    .map_err(|_| Error::TaskEnded)?;
                let kept = profile.is_some();
                let mut report =
                    restore::restore(&ctx, &deps, &live, &tabs, &content, kept).await?;
                settings.verify(&tabs, &mut report).await;
                live.services.accept(&ctx, &live.connection).await?;
                let promoted = promote(&deps, &content).await?;
                Ok(Box::new(Filled {
                    report,
                    content,
                    promoted,
                }))
            };
            Done::Restored(link, work.await)
        });
    }

    pub(super) fn on_restored(&mut self, link: LinkId, result: Result<Box<Filled>, Error>) {
        if !self.is_current(link) {
            return;
        }
        match result {
            Ok(restored) => {
                let Filled {
                    mut report,
                    content,
                    promoted,
                } = *restored;
                if content.passed_over {
                    report.lost.push(base::Part::NewestCheckpoint);
                }
                let cause = match self.state {
                    crate::state::State::Recovering { cause, .. } => cause,
                    _ => Cause::Restored,
                };
                let age = self.lost_at.unwrap_or_else(|| self.deps.clock.wall());
                let age = Duration::try_from(age.duration_since(content.row.taken_at));
                self.row.failures = 0;
                self.failure = None;
                self.tell_loss(cause, age.unwrap_or_default(), report);
                self.lost_at = None;
                let urls = content.tabs.iter();
                let back = Shown {
                    urls: urls
                        .map(|part| (base::TabId(part.tab), part.url.clone()))
                        .collect(),
                    active: self.tabs.active(),
                };
                self.moved.came_back(&back, self.row.generation);
                self.capturing.restored(&content);
                if let Some(promoted) = promoted {
                    self.capturing.set_newest(promoted);
                }
                self.note_restored(content.row.id);
                self.facts.push_back(Fact::Restored(link));
            }
            // It died while it was filled, which its restore may see before its link does.
            Err(err) if err.is_loss() => self.give_up(&err, Fact::BrowserGone(link, Cause::Killed)),
            // A service of it died while it was filled, and what the browser says of that is
            // anything.
            Err(err) if self.has_lost_service() => {
                self.give_up(&err, Fact::BrowserGone(link, Cause::StateLost));
            }
            Err(err) if err.code() == Code::DiskFull || !has_room(&self.deps.config.home) => {
                let full = store::Error::DiskFull {
                    action: format!("the session could not be brought back ({err})"),
                };
                self.give_up(&full.into(), Fact::NoRoom(link));
            }
            // What the store says of a checkpoint it says again.
            Err(err @ Error::Store(_)) => self.give_up(&err, Fact::RestoreFailed(link)),
            // What this browser would not take, as of a disk that was full just then, another
            // one may.
            Err(err) => self.give_up(&err, Fact::BrowserGone(link, Cause::RestoreFailed)),
        }
    }

    fn has_lost_service(&self) -> bool {
        let live = self.live.as_ref();
        live.is_some_and(|live| live.services.ended().is_some())
    }

    /// Begins a new generation and keeps what is to be told of it.
    fn tell_loss(&mut self, cause: Cause, checkpoint_age: Duration, report: Report) {
        self.row.generation += 1;
        let recovered = Recovered {
            generation: self.row.generation,
            cause,
            checkpoint_age,
            restored: report.restored,
            lost: self.lost_with_downloads(report.lost),
        };
        self.row.recovered = report::encode(&recovered);
        self.row.recovered_told = false;
        self.recovered = Some(recovered);
        self.save_row = true;
        self.save_tabs = true;
    }

    /// Brings one tab back whose renderer crashed, in a new target under the same id.
    pub(super) fn restore_tab(&mut self, tab: base::TabId) {
        self.restore_tab_as(tab, false);
    }

    /// As [`Session::restore_tab`]; a page that crashed `unwatched` comes back alone only if nothing
    /// else has changed since the last checkpoint.
    fn restore_tab_as(&mut self, tab: base::TabId, unwatched: bool) {
        if self.is_attached() {
            self.reload_crashed(tab);
            return;
        }
        let (Some(live), Some(old)) = (self.live.clone(), self.tabs.get(tab)) else {
            return;
        };
        let tries = self.restoring.get(&tab).map_or(1, |tries| tries + 1);
        if MOST_TRIES < tries {
            tracing::error!(%tab, "the page crashes again and again; the session gets a new browser");
            self.facts
                .push_back(Fact::BrowserGone(live.link, Cause::RendererCrashed));
            return;
        }
        // The second time the page is empty, or a stub.
        let part = match old.filling {
            true => old.known.clone(),
            false => TabPart {
                session_storage: self.session_storage_of(tab),
                ..crate::tabs::known(&old)
            },
        };
        self.restoring.insert(tab, tries);
        self.tabs.update(tab, |tab| {
            tab.known = part.clone();
            tab.filling = true;
            tab.page = None;
            tab.dialog = None;
            // Its target stays noted until the new one is, so that whoever comes closes it.
            tab.cdp_session.clear();
        });
        self.capturing.dirt().raise(self.deps.clock.instant());
        // Should this daemon die now, the next one begins again.
        live.note(&self.tabs);
        self.save_tabs = true;
        let (link, tabs) = (live.link, self.tabs.clone());
        let newest = self.capturing.newest_id().filter(|_| unwatched);
        let (deps, session) = (Arc::clone(&self.deps), self.row.id);
        let limit = self.deps.config.recovery_limit;
        self.spawn_work(TaskKind::PageWork, async move {
            let ctx = own(limit);
            let work = async {
                if let Some(newest) = newest {
                    let kept = restore::read(&deps, session, newest).await?;
                    if !is_as_kept(&ctx, &live, &tabs, &kept, &part.url).await? {
                        let service = Service::Storage;
                        return Err(Error::StateLost { service });
                    }
                }
                // The new one first: a browser whose last window closes may give up state.
                let page = open_answering(&ctx, &live, &tabs, tab).await?;
                let close = cdp::protocol::target::CloseTarget {
                    target_id: old.target.clone(),
                };
                live.connection.root().post(&close)?;
                restore::restore_tab(&ctx, &live, &tabs, &page, &part).await
            };
            Done::TabRestored {
                link,
                tab,
                tries,
                result: work.await,
            }
        });
    }

    pub(super) fn on_tab_restored(
        &mut self,
        link: LinkId,
        tab: base::TabId,
        tries: u32,
        result: Result<Report, Error>,
    ) {
        // One that was begun anew has its end still to come.
        if !self.is_current(link) || self.restoring.get(&tab) != Some(&tries) {
            return;
        }
        let page = self.tabs.get(tab).map(|tab| tab.page);
        let is_there = page.is_some();
        let crashed = page.flatten().is_some_and(|page| page.state().crashed);
        // Of a link that is lost its end says the rest.
        let lost = |err: &Error| err.is_loss() && is_there && self.is_linked();
        if result.as_ref().is_err_and(|err| crashed || lost(err)) && !self.is_attached() {
            // No call may come in between.
            tracing::warn!(%tab, "a page crashed while it was brought back");
            self.restore_tab(tab);
            return;
        }
        self.restoring.remove(&tab);
        match result {
            Ok(report) => {
                let age = self.capturing.newest().map(|newest| {
                    let age = self.deps.clock.wall().duration_since(newest.taken_at);
                    Duration::try_from(age).unwrap_or_default()
                });
                self.tabs.update(tab, |tab| tab.filling = false);
                if let Some(live) = &self.live {
                    live.note(&self.tabs);
                }
                self.read_areas(tab);
                self.capturing.dirt().raise(self.deps.clock.instant());
                self.tell_loss(Cause::RendererCrashed, age.unwrap_or_default(), report);
                self.run_queue();
            }
            // The tab or its link went meanwhile.
            Err(err) if err.is_loss() => self.run_queue(),
            Err(err) if self.is_attached() => {
                tracing::warn!(%tab, %err, "a crashed tab does not come back");
                self.tab_gone(tab);
                self.run_queue();
            }
            Err(err) => {
                tracing::error!(%tab, %err, "a crashed tab could not be brought back");
                // What the tab shows now is not what anybody asked for; a new browser is filled.
                self.facts
                    .push_back(Fact::BrowserGone(link, Cause::RendererCrashed));
            }
        }
    }

    pub(super) fn stop_browser(&mut self) {
        self.lost_at.get_or_insert_with(|| self.deps.clock.wall());
        let dialogs = self.held_by_dialogs();
        self.tabs.forget_pages();
        self.restoring.clear();
        // A link that ended without a word says nothing of what was read.
        self.delivered.get_or_insert(None);
        self.judge_cut_off();
        self.capturing.forget_live();
        self.save_tabs = true;
        let deps = Arc::clone(&self.deps);
        let live = self.live.take();
        let claimed = self.claimed.take();
        self.row.browser = None;
        self.save_row = true;
        if !self.state.name().holds_browser() {
            self.slot = None;
        }
        self.stops += 1;
        // One that doesn't answer can't be asked. What a parked one did while it ended would
        // be lost; only a profile's own folder needs an orderly end.
        let grace = match self.cause {
            Cause::Unresponsive => Duration::ZERO,
            Cause::Parked if self.row.profile.is_none() => Duration::ZERO,
            _ => launch::GRACE,
        };
        let over = matches!(self.state, State::Closed { .. });
        let (tell, told) = tokio::sync::oneshot::channel::<()>();
        self.stopping = Some(told.map(drop).boxed().shared());
        self.spawn_work(TaskKind::Background, async move {
            if let Some(live) = live.as_ref().filter(|live| live.is_attached()) {
                attached::leave(live, dialogs, over).await;
            } else if let Some(live) = live {
                launch::stop(&deps, &live, grace).await;
            } else if let Some((browser, _)) = claimed {
                launch::end_unadopted(&deps, &browser).await;
            }
            drop(tell);
            Done::Stopped
        });
    }
}

/// Opens a page for a tab, and another one if it doesn't answer.
///
/// A renderer that is killed while its page comes to be may leave a page that answers nothing
/// and of whose crash nothing is told (Chromium 156).
async fn open_answering(
    ctx: &Ctx,
    live: &Live,
    tabs: &crate::tabs::Tabs,
    tab: base::TabId,
) -> Result<Page, Error> {
    let mut tries = 1;
    loop {
        let step = ctx.at_most(OPEN_LIMIT);
        let page = restore::open_tab(&step, live, tabs, tab).await?;
        let look = Evaluate {
            expression: "0".to_owned(),
            ..Default::default()
        };
        let Err(err) = page.session().call(&step, &look).await else {
            return Ok(page);
        };
        let err = Error::from(err);
        if err.is_loss() || MOST_TRIES <= tries || ctx.remaining().is_zero() {
            return Err(err);
        }
        tracing::warn!(%tab, %err, "a new page doesn't answer; opening another one");
        tries += 1;
        // The tab doesn't go with a page that isn't its own any more.
        tabs.update(tab, |tab| {
            tab.page = None;
            tab.target.clear();
            tab.cdp_session.clear();
        });
        live.connection
            .root()
            .post(&cdp::protocol::target::CloseTarget {
                target_id: page.target_id().to_owned(),
            })?;
    }
}

/// Tells whether the browser holds what a checkpoint does. What a page did to its sessionStorage
/// unwatched went with it; with what it did to the rest, it would come back torn.
async fn is_as_kept(
    ctx: &Ctx,
    live: &Live,
    tabs: &Tabs,
    kept: &Content,
    url: &str,
) -> Result<bool, Error> {
    let jar = cookies::capture(ctx, &live.connection).await?;
    if jar != kept.cookies {
        return Ok(false);
    }
    let Some(key) = storage::storage_key_of(url) else {
        return Ok(true);
    };
    let local = read_origin(&ctx.at_most(LEFT_LIMIT), live, tabs, &key).await?;
    let origin = kept.origins.iter().find(|part| part.storage_key == key);
    let had = origin.map(|part| part.local.clone()).unwrap_or_default();
    Ok(local.unwrap_or_default() == had)
}

/// Tells whether a browser has room for what it is given; without, it fails in many words.
fn has_room(home: &std::path::Path) -> bool {
    base::free_space(home).is_none_or(|free| LEAST_ROOM <= free)
}

/// Puts a checkpoint's tabs in place of those there are; ref numbers go on where they were.
fn put_tabs(tabs: &crate::tabs::Tabs, content: &Content) {
    for id in tabs.ids() {
        if !content.tabs.iter().any(|part| part.tab == id.0) {
            tabs.remove(id);
        }
    }
    for part in &content.tabs {
        let id = base::TabId(part.tab);
        let next_ref = tabs.get(id).map_or(1, |tab| tab.next_ref);
        tabs.put(
            id,
            Tab {
                known: part.clone(),
                next_ref,
                ..Tab::default()
            },
        );
    }
    if let Some(active) = content.manifest.active {
        tabs.activate(base::TabId(active));
    }
}

pub(super) fn shadow_of(content: &Content) -> crate::checkpoint::shadow::Shadow {
    let mut shadow = crate::checkpoint::shadow::Shadow::default();
    for part in &content.origins {
        let area = Area {
            storage_key: part.storage_key.clone(),
            tab: None,
        };
        shadow.load(area, part.local.clone());
    }
    let manifest = &content.manifest;
    shadow
        .indexed_db
        .load(&manifest.indexed_db, manifest.indexed_db_over);
    for tab in &content.tabs {
        for (storage_key, items) in &tab.session_storage {
            let area = Area {
                storage_key: storage_key.clone(),
                tab: Some(base::TabId(tab.tab)),
            };
            shadow.load(area, items.clone());
        }
    }
    shadow
}

fn identity_of(row: &BrowserRow) -> Identity {
    Identity {
        browser_pid: row.browser_pid,
        browser_start: row.browser_start,
        keeper_pid: row.keeper_pid,
        keeper_start: row.keeper_start,
        nonce: row.nonce.clone(),
    }
}
