//! One session's task: the only place that changes it.
//!
//! ```text
//!   commands ─┐                       ┌─▶ store ─▶ publish ─▶ effects
//!   link news ┼─▶ handlers ─▶ facts ─▶│ step
//!   page news ┤      │                └─▶ replies
//!   work done ┘      └─▶ work (launch, dial, restore, calls, captures)
//! ```
//!
//! The handlers don't wait: whatever takes time is spawned into `work` and comes back as a
//! [`Done`]. So a click that takes ten seconds can't hide the news that the browser died. The
//! one await beside the inputs is [`Session::settle`]: what the handlers decided is stored,
//! then published, then acted on, then answered.

mod attaching;
mod breaker;
mod calls;
mod capturing;
mod closing;
mod deleting;
mod done;
mod downloading;
mod lifetime;
mod moved;
mod news;
mod parking;
mod recovering;
mod resting;
mod restoring;
mod setting;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base::{Ctx, Instant, SessionId, StateName, TabId, TaskKind, TaskSet, Timestamp};
use futures_util::future::{BoxFuture, Shared};
use page::{Fact as PageFact, PageOptions, Records, RefBlocks};
use store::{BrowserRow, SessionRow, TabRow};
use tokio::sync::{mpsc, oneshot, watch};

use crate::Error;
use crate::call::Pending;
use crate::cause::Cause;
use crate::checkpoint::shadow::Shadow;
use crate::command::{Command, Wanted};
use crate::deps::Deps;
use crate::dirt::Dirt;
use crate::downloads::Downloads;
use crate::handle::Handle;
use crate::live::{FromLink, Live, MOST_NEWS};
use crate::report;
use crate::settings::Held;
use crate::slots::{Slot, Slots};
use crate::state::{Denied, Effect, Fact, Kind, LinkId, State};
use crate::summary::{CheckpointInfo, Recovered, Summary};
use crate::tabs::Tabs;
use crate::watch_pages::{MOST_FACTS, PageNews, PageWatch};
use breaker::Breaker;
use capturing::Capturing;
use done::Done;
use lifetime::Life;
pub use lifetime::Limits;
use parking::Parking;
use setting::Setting;

/// How many commands may wait for a session's task.
const MOST_COMMANDS: usize = 256;
/// How many browsers may be connected at once: the new one, and one it replaces.
const MOST_LIVES: usize = 2;
/// How many calls may wait for their turn.
const MOST_CALLS: usize = 256;
/// How often a browser that isn't busy is asked for a sign of life.
const PROBE_IDLE: Duration = Duration::from_secs(30);
/// How often one that works on a call is.
const PROBE_BUSY: Duration = Duration::from_secs(2);
/// How often hidden pages are looked at: one that was not used since is closed.
const READERS_REST: Duration = Duration::from_secs(10);
/// When nothing is due.
const NOTHING_DUE: Duration = Duration::from_secs(3600);

/// How a session's task begins.
pub(crate) enum Begin {
    /// A new session: launch its browser.
    Launch,
    /// A new session: attach it to the browser its row names.
    Attach,
    /// It was attached to a browser: link to it again.
    Relink,
    /// Its row claims a browser: adopt it.
    Adopt(BrowserRow, Vec<TabRow>),
    /// It has no browser; something may ask for it.
    Rest,
}

pub(crate) struct Session {
    deps: Arc<Deps>,
    row: SessionRow,
    state: State,
    cause: Cause,
    live: Option<Arc<Live>>,
    /// The browser that the row claims and that has not been reached yet.
    claimed: Option<(BrowserRow, Vec<TabRow>)>,
    links: u64,
    tabs: Tabs,
    shadow: Arc<Mutex<Shadow>>,
    capturing: Capturing,
    capture_turn: Arc<tokio::sync::Mutex<()>>,
    recovered: Option<Recovered>,
    moved: moved::Moved,
    slots: Slots,
    slot: Option<Slot>,

    commands: mpsc::Receiver<Command>,
    news: (mpsc::Sender<FromLink>, mpsc::Receiver<FromLink>),
    page_news: mpsc::Receiver<PageNews>,
    page_facts: mpsc::Sender<(TabId, PageFact)>,
    /// Browsers that were launched for this session, as soon as they are connected.
    lives: (mpsc::Sender<Arc<Live>>, mpsc::Receiver<Arc<Live>>),
    work: TaskSet<Done>,
    publish: watch::Sender<Summary>,

    /// Calls in order; the first of them runs while `running` is set.
    queue: VecDeque<Pending>,
    running: Option<Running>,
    /// Calls that a lost link cut off, until it is known what the browser has read of them.
    cut_off: Vec<(Pending, Option<TabId>, Error)>,
    /// How many messages of the last link its browser read, once the link has ended.
    delivered: Option<Option<u64>>,
    /// Tabs that are being brought back.
    /// The tabs that are being brought back, each with how often that was begun.
    restoring: BTreeMap<TabId, u32>,
    /// A failed navigation is being looked into.
    checking: bool,
    waiting: Vec<oneshot::Sender<Result<Option<Recovered>, Error>>>,
    closing: closing::Closing,
    parking: Parking,
    /// What it is told to be.
    settings: Held,
    records: Arc<Records>,
    setting: Setting,
    /// What its pages have downloaded, as it is told.
    downloads: Downloads,
    downloading: downloading::Downloading,
    life: Life,
    breaker: Breaker,
    /// When somebody last asked for something.
    asked_at: Instant,
    /// The host has slept, and its browser has not answered since.
    slept: bool,
    /// The storage service died while a page had a dialog open.
    reseed_behind_dialog: bool,

    facts: VecDeque<Fact>,
    replies: Vec<Box<dyn FnOnce() + Send>>,
    save_row: bool,
    save_tabs: bool,
    last_probe: Instant,
    /// When hidden pages that nobody used were last closed.
    swept_at: Instant,
    probing: bool,
    /// Why the last launch or recovery failed.
    failure: Option<Error>,
    /// Ends when the last browser to be stopped is gone.
    stopping: Option<Shared<BoxFuture<'static, ()>>>,
    /// Browsers that are being stopped.
    stops: usize,
    /// Checkpoints that were asked for while the browser is without its state.
    held_captures: Vec<HeldCapture>,
    /// A restore that was asked for.
    restore: Option<restoring::Asked>,
    /// When the browser was lost that is being replaced.
    lost_at: Option<Timestamp>,
    ended: bool,
}

/// A checkpoint somebody waits for, and who.
type HeldCapture = (Wanted, oneshot::Sender<Result<CheckpointInfo, Error>>);

/// The ordered call that runs.
struct Running {
    abort: tokio::task::AbortHandle,
    since: Instant,
}

impl Session {
    /// Starts a session's task.
    pub(crate) fn spawn(
        deps: Arc<Deps>,
        row: SessionRow,
        known: Vec<TabRow>,
        slots: Slots,
        slot: Option<Slot>,
        begin: Begin,
    ) -> Handle {
        let (commands_in, commands) = mpsc::channel(MOST_COMMANDS);
        let (page_facts, facts) = mpsc::channel(MOST_FACTS);
        let (page_news_in, page_news) = mpsc::channel(MOST_NEWS);
        let tabs = Tabs::new(row.next_tab);
        let shadow = Arc::<Mutex<Shadow>>::default();
        let dirt = Dirt::default();
        let records = Arc::new(Records::new(deps.clock.clone()));
        let watch_pages = PageWatch {
            tabs: tabs.clone(),
            shadow: Arc::clone(&shadow),
            dirt: dirt.clone(),
            clock: deps.clock.clone(),
            news: page_news_in,
            keeps: row.attached.is_none(),
        };
        let span = tracing::info_span!("session", session = %row.id);
        let watching = watch_pages.run(facts);
        let state = state_of(&row, &begin);
        let now = deps.clock.instant();
        let (used_at, life) = lifetime::read(&row.lifetime, &deps.clock);
        let session = Self {
            cause: row.cause.parse().unwrap_or(Cause::Opened),
            recovered: row.recovered.as_deref().and_then(report::decode),
            moved: moved::Moved::default(),
            capturing: Capturing::new(dirt, now),
            capture_turn: Arc::default(),
            publish: watch::Sender::new(summary_of(&row, &state, &tabs)),
            claimed: None,
            live: None,
            links: 1,
            news: mpsc::channel(MOST_NEWS),
            lives: mpsc::channel(MOST_LIVES),
            work: TaskSet::new(),
            queue: VecDeque::new(),
            running: None,
            cut_off: vec![],
            delivered: None,
            restoring: BTreeMap::new(),
            checking: false,
            waiting: vec![],
            closing: closing::Closing::default(),
            parking: Parking::new(used_at),
            settings: Held::new(),
            records: Arc::clone(&records),
            setting: Setting::default(),
            downloads: Downloads::default(),
            downloading: downloading::Downloading::default(),
            life,
            breaker: Breaker::default(),
            asked_at: now,
            slept: false,
            reseed_behind_dialog: false,
            facts: VecDeque::new(),
            replies: vec![],
            save_row: false,
            save_tabs: false,
            last_probe: now,
            swept_at: now,
            probing: false,
            failure: None,
            stopping: None,
            stops: 0,
            held_captures: vec![],
            restore: None,
            lost_at: None,
            ended: false,
            deps: Arc::clone(&deps),
            row,
            state,
            tabs: tabs.clone(),
            shadow,
            slots,
            slot,
            commands,
            page_news,
            page_facts,
        };
        for tab in &known {
            session.tabs.put(tab.tab, tab_of(tab));
        }
        if let Some(active) = session.row.active_tab {
            session.tabs.activate(active);
        }
        let handle = Handle {
            id: session.row.id,
            commands: commands_in,
            published: session.publish.subscribe(),
            tabs,
            records,
            shutting_down: session.closing.told(),
        };
        let tasks = deps.tasks.clone();
        let enter = span.enter();
        tasks.spawn(TaskKind::PageEvents, watching);
        tasks.spawn(TaskKind::Session, session.run(begin));
        drop(enter);
        handle
    }

    async fn run(mut self, begin: Begin) {
        self.begin(begin).await;
        self.settle().await;
        while !self.ended {
            let wake = self.next_wake();
            let dirt = self.capturing.dirt().clone();
            let inbox = self.inbox();
            tokio::select! {
                // Learn that the browser died before acting on it.
                biased;
                Some(live) = self.lives.1.recv() => self.on_live(live),
                Some(news) = self.news.1.recv() => self.on_news(news),
                Some(news) = self.page_news.recv() => self.on_page_news(news),
                Some(done) = self.work.join_next(), if !self.work.is_empty() => {
                    match done {
                        Ok(done) => self.on_done(done),
                        Err(fate) => self.on_broken_work(fate),
                    }
                }
                command = self.commands.recv() => match command {
                    Some(command) => self.on_command(command),
                    // Nobody can reach this session any more: the daemon is gone.
                    None => self.ended = true,
                },
                () = downloading::said(inbox.as_ref()) => self.on_downloads(),
                () = dirt.raised() => {}
                () = tokio::time::sleep_until(wake) => {}
            }
            self.on_time();
            self.settle().await;
        }
        self.work.abort_all();
        self.refuse_all();
    }

    /// Stores, publishes, acts and answers: whatever the handlers decided, in this order.
    async fn settle(&mut self) {
        while let Some(fact) = self.facts.pop_front() {
            let fact = self.break_circuit(fact);
            let before = self.state.name();
            let newest = self.capturing.newest_id();
            self.links += 1;
            let link = LinkId(self.links);
            self.note_cause(&fact);
            let (next, effects) = self.state.clone().step(fact.clone(), newest, link);
            if next != self.state {
                tracing::info!(from = %before, to = %next.name(), ?fact, "session changes");
                self.state = next;
                self.save_row = true;
                if !before.holds_browser() && self.state.name().holds_browser() {
                    self.be_born();
                    self.breaker.reset();
                }
            }
            self.store_row().await;
            self.publish();
            for effect in effects {
                self.perform(effect);
            }
            if fact == Fact::Parked {
                self.after_parked();
            }
        }
        if self.save_tabs {
            self.save_tabs = false;
            let rows = self.tabs.rows(self.row.id);
            if let Err(err) = self.deps.store.tabs().put_all(self.row.id, &rows).await {
                tracing::error!(%err, "tabs could not be stored");
                self.save_tabs = matches!(err, store::Error::DiskFull { .. });
            }
        }
        if self.save_row {
            self.store_row().await;
        }
        self.settle_settings().await;
        self.settle_downloads().await;
        self.publish();
        for reply in self.replies.drain(..) {
            reply();
        }
    }

    /// Stores the row. What can't be stored is logged and kept in memory: a start finds an
    /// older row, which claims a browser that it then adopts or doesn't find.
    async fn store_row(&mut self) {
        if !self.save_row {
            return;
        }
        self.save_row = false;
        self.row.state = self.state.name();
        self.row.cause = self.cause.as_str().to_owned();
        self.row.active_tab = self.tabs.active();
        self.row.next_tab = self.tabs.next_number();
        self.row.latest_checkpoint = self.capturing.newest_id();
        if let Some(info) = self.row.active_tab.and_then(|tab| self.tabs.info(tab)) {
            (self.row.url, self.row.title) = (info.url, info.title);
        }
        if self.state.name() == StateName::Closed && self.row.closed_at.is_none() {
            self.row.closed_at = Some(self.deps.clock.wall());
        }
        if self.state.name() != StateName::Closed {
            self.row.closed_at = None;
        }
        self.write_clocks();
        self.write_opened();
        if let Err(err) = self.deps.store.sessions().put(&self.row).await {
            tracing::error!(%err, "the session's row could not be stored");
        }
    }

    fn publish(&self) {
        let mut summary = summary_of(&self.row, &self.state, &self.tabs);
        summary.cause = self.cause;
        summary.checkpoint = self.capturing.newest();
        summary.recovered = self.recovered.clone();
        summary.expires_at = self.expires_at();
        summary.capture_failing = self.capturing.failing();
        let identity = self.live.as_ref().and_then(|live| live.identity());
        summary.browser_pid = identity.map(|identity| identity.browser_pid);
        self.publish.send_replace(summary);
    }

    /// Returns when the session is parked or closed, if nothing happens until then.
    fn expires_at(&self) -> Option<Timestamp> {
        let due = [self.parks_at(), self.ends_at()]
            .into_iter()
            .flatten()
            .min()?;
        let left = due.saturating_duration_since(self.deps.clock.instant());
        let left = i64::try_from(left.as_millis()).ok()?;
        let at = self.deps.clock.wall().as_millisecond().checked_add(left)?;
        Timestamp::from_millisecond(at).ok()
    }

    fn note_cause(&mut self, fact: &Fact) {
        let cause = match fact {
            Fact::Launched(..) => Cause::Opened,
            Fact::LaunchFailed(_) => Cause::LaunchFailed,
            Fact::LinkLost(_) | Fact::ReAttached(_) if self.slept => Cause::HostSlept,
            Fact::LinkLost(_) => Cause::LinkLost,
            Fact::ReAttached(_) if self.is_attached() => Cause::Relinked,
            Fact::ReAttached(_) => Cause::Adopted,
            Fact::BrowserGone(_, cause) => *cause,
            Fact::DiesAgain(_) => Cause::DiesAgain,
            Fact::WindowSpent(_) => Cause::Unresponsive,
            Fact::Restored(_) => Cause::Restored,
            Fact::RestoreFailed(_) | Fact::NoRoom(_) => Cause::RestoreFailed,
            Fact::NotAdopted => Cause::DaemonRestarted,
            Fact::Released => Cause::ShutDown,
            Fact::Parked => Cause::Parked,
            Fact::ResumeAsked(_) | Fact::RelinkAsked(_) => Cause::Resumed,
            Fact::RestoreAsked(..) => Cause::RestoreAsked,
            Fact::Aged => Cause::TooOld,
            Fact::CloseAsked if self.closing.is_expired() => Cause::LifetimeOver,
            Fact::CloseAsked => Cause::Closed,
        };
        let of_now = fact
            .link()
            .is_none_or(|link| self.state.link() == Some(link));
        if of_now && cause != self.cause {
            self.cause = cause;
            self.save_row = true;
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::RunHeld => self.run_held(),
            Effect::RefuseHeld => self.wake_or_refuse_held(),
            Effect::Dial(link) => self.dial(link),
            Effect::Recover(link, from) => self.recover(link, from),
            Effect::StopBrowser => self.stop_browser(),
        }
    }

    /// Returns why the session's state lets nothing in.
    fn denied(&self, denied: Denied) -> Error {
        if let Some(err) = self.denied_attached(denied) {
            return err;
        }
        let detail = self
            .row
            .detail
            .as_ref()
            .map(|detail| detail.expose().clone());
        Error::Denied {
            id: self.row.id,
            denied,
            detail,
        }
    }

    fn refusal(&self) -> Error {
        if self.closing.is_shutting_down() {
            return Error::ShuttingDown;
        }
        match self.state.admit(Kind::Act) {
            Err(denied) => self.denied(denied),
            // The browser went while the session was being brought back.
            Ok(_) => self.denied(Denied::Failed),
        }
    }

    /// Gives back the recovery report that no answer has told yet.
    fn untold(&mut self) -> Option<Recovered> {
        if self.row.recovered_told {
            return None;
        }
        let recovered = self.recovered.clone()?;
        self.row.recovered_told = true;
        self.moved.tell();
        self.save_row = true;
        Some(recovered)
    }

    fn next_wake(&self) -> Instant {
        let now = self.deps.clock.instant();
        let mut wake = now + NOTHING_DUE;
        if self.is_alive() {
            let pause = if self.running.is_some() {
                PROBE_BUSY
            } else {
                PROBE_IDLE
            };
            wake = wake.min(self.last_probe + pause);
            if let Some(due) = self.capturing.due(self.deps.config.capture_every) {
                wake = wake.min(due);
            }
            let timer = self.deps.config.timer_capture;
            if let Some(due) = timer.and_then(|every| self.timer_due(every)) {
                wake = wake.min(due);
            }
            if self.has_readers() {
                wake = wake.min(self.swept_at + READERS_REST);
            }
            for due in [self.parks_at(), self.ends_at()].into_iter().flatten() {
                wake = wake.min(due);
            }
        }
        for due in [self.rests_at(), self.looks_at()].into_iter().flatten() {
            wake = wake.min(due);
        }
        if let Some(due) = self.ages_at(now) {
            wake = wake.min(due);
        }
        wake
    }

    fn on_time(&mut self) {
        let now = self.deps.clock.instant();
        if self.is_alive() {
            let pause = if self.running.is_some() {
                PROBE_BUSY
            } else {
                PROBE_IDLE
            };
            if self.last_probe + pause <= now {
                self.probe();
            }
            let due = self.capturing.due(self.deps.config.capture_every);
            if due.is_some_and(|due| due <= now) {
                self.capture_latest();
            }
            let timer = self.deps.config.timer_capture;
            let due = timer.and_then(|every| self.timer_due(every));
            if due.is_some_and(|due| due <= now) {
                self.capture_by_timer();
            }
            if self.has_readers() && self.swept_at + READERS_REST <= now {
                self.swept_at = now;
                if let Some(live) = &self.live {
                    live.readers.sweep(live);
                }
            }
            if self.parks_at().is_some_and(|due| due <= now) {
                self.park();
            }
            if self.ends_at().is_some_and(|due| due <= now) {
                self.expire();
            }
        }
        self.park_if_asked();
        if self.rests_at().is_some_and(|due| due <= now) {
            self.rest();
        }
        if self.ages_at(now).is_some_and(|due| due <= now) {
            self.facts.push_back(Fact::Aged);
        }
    }

    /// Returns when a recoverable session's checkpoint becomes too old.
    fn ages_at(&self, now: Instant) -> Option<Instant> {
        if !matches!(self.state, State::Recoverable { .. }) {
            return None;
        }
        let taken_at = self.capturing.newest()?.taken_at;
        let age = self.deps.clock.wall().duration_since(taken_at);
        let age = Duration::try_from(age).unwrap_or_default();
        Some(now + self.deps.config.max_session_age.saturating_sub(age))
    }

    fn has_readers(&self) -> bool {
        self.live.as_ref().is_some_and(|live| live.readers.any())
    }

    const fn is_alive(&self) -> bool {
        matches!(self.state, State::Alive { .. })
    }

    /// Tells whether news of `link` is news of this session's browser.
    fn is_current(&self, link: LinkId) -> bool {
        self.state.link() == Some(link)
    }

    /// Returns how pages of this session are attached.
    fn page_options(&self) -> impl Fn(TabId) -> PageOptions + Send + Sync + use<> {
        let refs: Arc<dyn RefBlocks> = Arc::new(Refs {
            deps: Arc::clone(&self.deps),
            session: self.row.id,
            tabs: self.tabs.clone(),
        });
        let facts = self.page_facts.clone();
        let settings = self.settings.of_pages();
        let records = Arc::clone(&self.records);
        move |tab| PageOptions {
            tab,
            refs: Arc::clone(&refs),
            settings: settings.clone(),
            records: Arc::clone(&records),
            facts: facts.clone(),
            open_dialog: None,
        }
    }

    fn spawn_work(
        &mut self,
        kind: TaskKind,
        work: impl Future<Output = Done> + Send + 'static,
    ) -> tokio::task::AbortHandle {
        self.work.spawn(kind, work)
    }
}

/// Reserves ref numbers in the tab's row.
struct Refs {
    deps: Arc<Deps>,
    session: SessionId,
    tabs: Tabs,
}

impl RefBlocks for Refs {
    fn reserve<'a>(&'a self, tab: TabId, up_to: u64) -> BoxFuture<'a, Result<(), page::Error>> {
        Box::pin(async move {
            let tabs = self.deps.store.tabs();
            tabs.reserve_refs(self.session, tab, up_to)
                .await
                .map_err(|err| page::Error::Refused {
                    code: err.code(),
                    message: err.to_string(),
                })?;
            self.tabs.update(tab, |tab| tab.next_ref = up_to);
            Ok(())
        })
    }
}

fn tab_of(row: &TabRow) -> crate::tabs::Tab {
    crate::tabs::Tab {
        target: row.target.clone(),
        next_ref: row.next_ref,
        known: crate::checkpoint::manifest::TabPart {
            tab: row.tab.0,
            url: row.url.expose().clone(),
            title: row.title.expose().clone(),
            ..Default::default()
        },
        ..Default::default()
    }
}

/// Returns the state a session's task begins in, from its row.
fn state_of(row: &SessionRow, begin: &Begin) -> State {
    let first = LinkId(1);
    let newest = row.latest_checkpoint;
    match begin {
        Begin::Launch | Begin::Attach => State::Starting { link: first },
        Begin::Adopt(..) | Begin::Relink => State::Reconnecting { link: first },
        Begin::Rest => match (row.state, newest) {
            (StateName::Closed, kept) => State::Closed { kept },
            (StateName::Failed, from) => State::Failed { from },
            (StateName::Stale, Some(from)) => State::Stale { from },
            (_, Some(from)) => State::Recoverable { from },
            (_, None) => State::Failed { from: None },
        },
    }
}

fn summary_of(row: &SessionRow, state: &State, tabs: &Tabs) -> Summary {
    let active = tabs.active();
    Summary {
        id: row.id,
        key: row.key.clone(),
        state: state.name(),
        cause: row.cause.parse().unwrap_or(Cause::Opened),
        detail: row.detail.clone(),
        generation: row.generation,
        profile: row.profile.clone(),
        labels: row.labels.clone(),
        created_at: row.created_at,
        last_activity: row.last_activity,
        call_count: row.call_count,
        url: row.url.clone(),
        title: row.title.clone(),
        active_tab: active,
        checkpoint: None,
        recovered: row.recovered.as_deref().and_then(report::decode),
        browser_pid: None,
        attached: row.attached.is_some(),
        expires_at: None,
        capture_failing: None,
    }
}

/// Returns the summary of a session that has no task.
pub(crate) fn summary_at_rest(row: &SessionRow) -> Summary {
    let begin = Begin::Rest;
    let mut summary = summary_of(row, &state_of(row, &begin), &Tabs::new(row.next_tab));
    summary.active_tab = row.active_tab;
    summary
}

/// Returns the context of work that the session does for itself.
fn own(limit: Duration) -> Ctx {
    Ctx::within(limit)
}
