//! All sessions: finding them, opening them, and what happens to them at start and shutdown.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base::{CallId, Ctx, SessionId, SessionKey, SessionName, StateName, TabId};
use store::{CallRow, CallState, SessionRow};
use tokio::sync::{Mutex as AsyncMutex, oneshot};

use crate::Error;
use crate::act::{Act, Acted, Outcome};
use crate::call::Pending;
use crate::cause::Cause;
use crate::checkpoint::capture;
use crate::command::{Browsers, Command, Resume};
use crate::deps::Deps;
use crate::handle::Handle;
use crate::launch;
use crate::session::{Begin, Session, summary_at_rest};
use crate::slots::{Slot, Slots};
use crate::summary::{CheckpointInfo, Recovered, Summary};

/// How long a call's own end may come after its deadline: it knows better what it sent.
const AFTER_DEADLINE: Duration = Duration::from_secs(2);

/// What a caller wants to open.
#[derive(Clone, Debug, Default)]
pub struct Open {
    /// The key to join, resume or create by.
    pub key: Option<SessionKey>,
    /// Where the active tab goes.
    pub url: Option<String>,
    /// The named profile to run on.
    pub profile: Option<String>,
    /// Labels for a new session.
    pub labels: Vec<(String, String)>,
    /// Whether a resumed session goes to `url`, too.
    pub navigate: bool,
}

/// How a session was opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How {
    /// It is new.
    Created,
    /// It was there.
    Joined,
    /// It was brought back from its checkpoint.
    Resumed,
}

/// A session that was opened.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The session.
    pub session: Summary,
    /// How.
    pub how: How,
    /// The last recovery, if no answer has told it yet.
    pub recovered: Option<Recovered>,
    /// The HTTP status of the page it went to.
    pub http_status: Option<u16>,
}

/// Which sessions a list shows.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Filter {
    /// All that aren't closed.
    #[default]
    Open,
    /// Those that hold a browser, or are about to.
    Active,
    /// All of them.
    All,
    /// Those in one state.
    State(StateName),
}

/// Sessions that were listed, and those that could not be.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// The sessions, oldest first.
    pub sessions: Vec<Summary>,
    /// Rows that don't read back as they were written: what is told of each.
    pub damaged: Vec<store::Damaged>,
}

/// What the journal knows of a call.
#[derive(Clone, Debug)]
pub struct CallRecord {
    /// How far it came.
    pub state: CallState,
    /// Its operation.
    pub operation: Option<String>,
    /// What [`Sessions::finish_call`] was given.
    pub outcome: Option<Vec<u8>>,
}

/// Every session of a home. Cheap to clone.
#[derive(Clone)]
pub struct Sessions {
    inner: Arc<Inner>,
}

struct Inner {
    deps: Arc<Deps>,
    slots: Slots,
    handles: Mutex<HashMap<SessionId, Handle>>,
    in_flight: Mutex<HashSet<CallId>>,
    /// Opening, resuming and closing take turns, so that a key or a profile has one taker.
    turn: AsyncMutex<()>,
    stopping: AtomicBool,
}

/// A call under way; until it is dropped the journal says so.
pub struct InFlight {
    sessions: Sessions,
    call: CallId,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.sessions.in_flight().remove(&self.call);
    }
}

impl Sessions {
    /// Takes over what the store holds: claimed browsers are adopted, orphaned ones ended.
    ///
    /// It returns when every session has its task; adopting goes on in them, and calls wait
    /// for it.
    ///
    /// # Errors
    /// Those of the store. A damaged row is reported in the log and left as it is.
    ///
    /// # Cancel safety
    /// No: start the daemon again.
    pub async fn start(deps: Deps) -> Result<Self, Error> {
        let slots = Slots::new(deps.config.max_sessions);
        let inner = Inner {
            slots,
            handles: Mutex::default(),
            in_flight: Mutex::default(),
            turn: AsyncMutex::default(),
            stopping: AtomicBool::new(false),
            deps: Arc::new(deps),
        };
        let sessions = Self {
            inner: Arc::new(inner),
        };
        sessions.reconcile().await?;
        Ok(sessions)
    }

    fn deps(&self) -> &Arc<Deps> {
        &self.inner.deps
    }

    fn handles(&self) -> MutexGuard<'_, HashMap<SessionId, Handle>> {
        self.inner
            .handles
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn in_flight(&self) -> MutexGuard<'_, HashSet<CallId>> {
        self.inner
            .in_flight
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    async fn reconcile(&self) -> Result<(), Error> {
        let store = &self.deps().store;
        let listed = store.sessions().list().await?;
        for damaged in listed.damaged {
            tracing::error!(id = %damaged.id, reason = %damaged.reason, "a session's row is damaged");
        }
        let browsers = store.browsers().list_live().await?;
        for damaged in browsers.damaged {
            tracing::error!(id = %damaged.id, reason = %damaged.reason, "a browser's row is damaged");
        }
        let mut browsers = browsers.rows;
        for row in listed.rows {
            if row.is_closed() {
                continue;
            }
            let browser = row.browser.and_then(|id| {
                let at = browsers.iter().position(|browser| browser.id == id)?;
                Some(browsers.swap_remove(at))
            });
            let adopts = matches!(row.state, StateName::Alive | StateName::Reconnecting);
            let known = store.tabs().list(row.id).await?.rows;
            let id = row.id;
            let begin = match browser {
                Some(browser) if adopts => Begin::Adopt(browser, known.clone()),
                // Half launched or half restored: not a browser to go on with.
                Some(browser) => {
                    browsers.push(browser);
                    Begin::Rest
                }
                None => Begin::Rest,
            };
            let slot = matches!(begin, Begin::Adopt(..))
                .then(|| self.inner.slots.take_anyway(id, row.profile.as_deref()));
            self.spawn(row, known, slot, begin);
        }
        let ends = browsers
            .iter()
            .map(|browser| launch::end_unadopted(self.deps(), browser));
        futures_util::future::join_all(ends).await;
        self.sweep().await;
        if self.deps().config.auto_resume {
            self.resume_all();
        }
        Ok(())
    }

    /// Removes run folders of browsers that no row tells of: launched by a daemon that died
    /// before it could say so.
    async fn sweep(&self) {
        let run = self.deps().config.home.join("run");
        let Ok(folders) = std::fs::read_dir(&run) else {
            return;
        };
        let known: HashSet<String> = self
            .deps()
            .store
            .browsers()
            .list_live()
            .await
            .map(|live| live.rows.iter().map(|row| row.id.to_string()).collect())
            .unwrap_or_default();
        for folder in folders.flatten() {
            if known.contains(&*folder.file_name().to_string_lossy()) {
                continue;
            }
            let path = folder.path();
            let swept = self
                .deps()
                .tasks
                .blocking(move || chrome::sweep(&path))
                .await;
            if let Ok(Err(err)) = swept {
                tracing::warn!(folder = %folder.path().display(), %err, "a run folder could not be swept");
            }
        }
    }

    fn resume_all(&self) {
        for handle in self.handles().values().cloned() {
            if handle.summary().state != StateName::Recoverable {
                continue;
            }
            let sessions = self.clone();
            self.deps().tasks.spawn(base::TaskKind::Background, async move {
                let ctx = Ctx::within(sessions.deps().config.recovery_limit);
                let name = SessionName::Id(handle.id);
                if let Err(err) = sessions.resume(&ctx, &name).await {
                    tracing::warn!(session = %handle.id, %err, "a session could not be resumed");
                }
            });
        }
    }

    fn spawn(
        &self,
        row: SessionRow,
        known: Vec<store::TabRow>,
        slot: Option<Slot>,
        begin: Begin,
    ) -> Handle {
        let slots = self.inner.slots.clone();
        let handle = Session::spawn(Arc::clone(self.deps()), row, known, slots, slot, begin);
        let mut handles = self.handles();
        handles.retain(|_, handle| !handle.is_ended());
        handles.insert(handle.id, handle.clone());
        handle
    }

    /// Returns the task of a session, starting one for a session at rest.
    async fn find(&self, name: &SessionName) -> Result<Handle, Error> {
        let row = match name {
            SessionName::Id(id) => {
                if let Some(handle) = self.live_handle(*id) {
                    return Ok(handle);
                }
                self.deps().store.sessions().get(*id).await?
            }
            SessionName::Key(key) => {
                let open = self.by_key(key);
                if let Some(handle) = open {
                    return Ok(handle);
                }
                self.deps().store.sessions().by_key(key).await?
            }
        };
        let row = row.ok_or_else(|| Error::NotFound { name: name.clone() })?;
        self.handle_of(row).await
    }

    async fn handle_of(&self, row: SessionRow) -> Result<Handle, Error> {
        if let Some(handle) = self.live_handle(row.id) {
            return Ok(handle);
        }
        let known = self.deps().store.tabs().list(row.id).await?.rows;
        // Another caller may have started it meanwhile.
        if let Some(handle) = self.live_handle(row.id) {
            return Ok(handle);
        }
        Ok(self.spawn(row, known, None, Begin::Rest))
    }

    fn live_handle(&self, id: SessionId) -> Option<Handle> {
        self.handles()
            .get(&id)
            .filter(|handle| !handle.is_ended())
            .cloned()
    }

    fn by_key(&self, key: &SessionKey) -> Option<Handle> {
        let handles = self.handles();
        let of_key = handles.values().filter(|handle| !handle.is_ended());
        let mut of_key = of_key.filter(|handle| {
            let published = handle.published.borrow();
            published.key.as_ref() == Some(key) && published.state != StateName::Closed
        });
        of_key.next().cloned()
    }

    fn refuse_if_stopping(&self) -> Result<(), Error> {
        if self.inner.stopping.load(Ordering::SeqCst) {
            Err(Error::ShuttingDown)
        } else {
            Ok(())
        }
    }

    /// Opens a session: joins the one of the key, resumes it, or creates one.
    ///
    /// # Errors
    /// [`Error::Denied`] if the key's session can't come back, [`Error::LimitReached`],
    /// [`Error::ProfileBusy`], and those of launching, recovering and navigating. A session
    /// whose first navigation fails is open all the same.
    ///
    /// # Cancel safety
    /// The session may have been opened.
    pub async fn open(&self, ctx: &Ctx, open: Open) -> Result<Opened, Error> {
        self.refuse_if_stopping()?;
        if let Some(url) = &open.url {
            page::Navigate { url: url.clone() }.check()?;
        }
        let (handle, how) = {
            let _turn = ctx
                .race(self.inner.turn.lock())
                .await
                .map_err(Error::not_sent)?;
            self.find_or_create(ctx, &open).await?
        };
        let resume = if how == How::Resumed {
            Resume::Asked
        } else {
            Resume::No
        };
        let mut recovered = handle
            .ask(ctx, |reply| Command::Wake { resume, reply })
            .await??;
        let mut http_status = None;
        let goes = how != How::Resumed || open.navigate;
        if let Some(url) = open.url.filter(|_| goes) {
            let navigate = Act::Navigate(page::Navigate { url });
            // A call of its own in the journal: opening has its row already.
            let step = Ctx {
                call: CallId::new(),
                ..ctx.clone()
            };
            let acted = self.act_on(&step, &handle, None, navigate).await?;
            recovered = acted.recovered.or(recovered);
            if let Outcome::Navigated(navigated) = acted.outcome {
                http_status = navigated.http_status;
            }
        }
        Ok(Opened {
            session: handle.summary(),
            how,
            recovered,
            http_status,
        })
    }

    async fn find_or_create(&self, ctx: &Ctx, open: &Open) -> Result<(Handle, How), Error> {
        if let Some(key) = &open.key
            && let Some(row) = self.deps().store.sessions().by_key(key).await?
        {
            let handle = self.handle_of(row).await?;
            let state = handle.published.borrow().state;
            if state.holds_browser() {
                return Ok((handle, How::Joined));
            }
            if state != StateName::Closed {
                return Ok((handle, How::Resumed));
            }
        }
        let handle = self.create(ctx, open).await?;
        Ok((handle, How::Created))
    }

    async fn create(&self, ctx: &Ctx, open: &Open) -> Result<Handle, Error> {
        let id = SessionId::new();
        let slot = self.inner.slots.take(id, open.profile.as_deref())?;
        let now = self.deps().clock.wall();
        let row = SessionRow {
            id,
            key: open.key.clone(),
            profile: open.profile.clone(),
            labels: open.labels.clone(),
            state: StateName::Starting,
            cause: Cause::Opened.to_string(),
            detail: None,
            generation: 1,
            created_at: now,
            last_activity: now,
            closed_at: None,
            call_count: 0,
            url: "about:blank".to_owned().into(),
            title: String::new().into(),
            browser: None,
            active_tab: None,
            next_tab: 1,
            latest_checkpoint: None,
            recovered: None,
            recovered_told: true,
            failures: 0,
        };
        // The journal first: a repeated open of this call must find that it made a session.
        self.record(ctx.call, Some(id), "open_session").await?;
        self.deps().store.sessions().insert(&row).await?;
        Ok(self.spawn(row, vec![], Some(slot), Begin::Launch))
    }

    async fn record(
        &self,
        call: CallId,
        session: Option<SessionId>,
        operation: &str,
    ) -> Result<(), Error> {
        let row = CallRow {
            id: call,
            session,
            operation: operation.to_owned(),
            state: CallState::Sent,
            epoch: self.deps().config.epoch,
            cdp_id: None,
            cdp_session: None,
            at: self.deps().clock.wall(),
            outcome: None,
        };
        Ok(self.deps().store.calls().record(&row).await?)
    }

    /// Returns the sessions a filter lets through, oldest first.
    ///
    /// # Errors
    /// Those of the store.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn list(&self, filter: &Filter) -> Result<Listing, Error> {
        let shown = |state: StateName| match filter {
            Filter::Open => state != StateName::Closed,
            Filter::Active => state.holds_browser(),
            Filter::All => true,
            Filter::State(wanted) => state == *wanted,
        };
        let mut all: Vec<Summary> = self
            .handles()
            .values()
            .filter(|handle| !handle.is_ended())
            .map(Handle::summary)
            .collect();
        // Those that aren't closed have their tasks; the damaged ones come with any question.
        let asked: &[StateName] = if shown(StateName::Closed) {
            &[StateName::Closed]
        } else {
            &[]
        };
        let stored = self.deps().store.sessions().list_states(asked).await?;
        for row in stored.rows {
            if !all.iter().any(|summary| summary.id == row.id) {
                all.push(self.at_rest(&row).await?);
            }
        }
        all.retain(|summary| shown(summary.state));
        all.sort_by_key(|summary| summary.id);
        Ok(Listing {
            sessions: all,
            damaged: stored.damaged,
        })
    }

    async fn at_rest(&self, row: &SessionRow) -> Result<Summary, Error> {
        let mut summary = summary_at_rest(row);
        let newest = self.deps().store.checkpoints().newest(row.id).await?;
        summary.checkpoint = newest.as_ref().map(capture::info);
        Ok(summary)
    }

    /// Returns one session.
    ///
    /// # Errors
    /// [`Error::NotFound`], and those of the store.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn get(&self, who: &SessionName) -> Result<Summary, Error> {
        let row = match who {
            SessionName::Id(id) => match self.live_handle(*id) {
                Some(handle) => return Ok(handle.summary()),
                None => self.deps().store.sessions().get(*id).await?,
            },
            SessionName::Key(key) => match self.by_key(key) {
                Some(handle) => return Ok(handle.summary()),
                None => self.deps().store.sessions().by_key(key).await?,
            },
        };
        let row = row.ok_or_else(|| Error::NotFound { name: who.clone() })?;
        match self.live_handle(row.id) {
            Some(handle) => Ok(handle.summary()),
            None => self.at_rest(&row).await,
        }
    }

    /// Brings a session back from its newest checkpoint.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::KeyTaken`], [`Error::LimitReached`], [`Error::ProfileBusy`].
    ///
    /// # Cancel safety
    /// The session may come back all the same.
    pub async fn resume(
        &self,
        ctx: &Ctx,
        who: &SessionName,
    ) -> Result<(Summary, Option<Recovered>), Error> {
        self.refuse_if_stopping()?;
        let handle = {
            let _turn = ctx
                .race(self.inner.turn.lock())
                .await
                .map_err(Error::not_sent)?;
            let handle = self.find(who).await?;
            let (state, key) = {
                let published = handle.published.borrow();
                (published.state, published.key.clone())
            };
            if state == StateName::Closed
                && let Some(key) = key
                && let Some(holder) = self.by_key(&key)
            {
                return Err(Error::KeyTaken {
                    key,
                    holder: holder.id,
                });
            }
            handle
        };
        let recovered = handle
            .ask(ctx, |reply| Command::Wake {
                resume: Resume::Asked,
                reply,
            })
            .await??;
        Ok((handle.summary(), recovered))
    }

    /// Ends a session; its checkpoint is kept.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    ///
    /// # Cancel safety
    /// The session closes all the same.
    pub async fn close(&self, ctx: &Ctx, who: &SessionName) -> Result<Summary, Error> {
        let handle = self.find(who).await?;
        match handle.ask(ctx, |reply| Command::Close { reply }).await {
            Ok(closed) => closed?,
            // It ended by itself while it was asked to: what it stored is the answer.
            Err(Error::TaskEnded) => {}
            Err(err) => return Err(err),
        }
        self.handles().retain(|_, handle| !handle.is_ended());
        self.get(&SessionName::Id(handle.id)).await
    }

    /// Does something on a session's pages.
    ///
    /// # Errors
    /// Those of the page, and [`Error::Denied`] if the session's state lets nothing in.
    ///
    /// # Cancel safety
    /// A mutating act may be carried out all the same; the journal knows by `ctx.call`.
    pub async fn act(
        &self,
        ctx: &Ctx,
        who: &SessionName,
        tab: Option<TabId>,
        act: Act,
    ) -> Result<Acted, Error> {
        self.refuse_if_stopping()?;
        let handle = self.find(who).await?;
        self.act_on(ctx, &handle, tab, act).await
    }

    async fn act_on(
        &self,
        ctx: &Ctx,
        handle: &Handle,
        tab: Option<TabId>,
        act: Act,
    ) -> Result<Acted, Error> {
        let sent = Arc::new(AtomicBool::new(false));
        let (reply, answer) = oneshot::channel();
        let pending = Pending {
            ctx: ctx.clone(),
            tab,
            act,
            sent: Arc::clone(&sent),
            sent_after: Arc::default(),
            checked: false,
            reply,
        };
        let told = ctx.race(handle.commands.send(Command::Act(pending))).await;
        told.map_err(Error::not_sent)?
            .map_err(|_| Error::TaskEnded)?;
        // The call ends by itself at its deadline and then says what it knows.
        let late = ctx.deadline + AFTER_DEADLINE;
        match tokio::time::timeout_at(late, answer).await {
            Ok(Ok(acted)) => acted,
            Ok(Err(_)) if sent.load(Ordering::SeqCst) => Err(Error::OutcomeUnknown {
                reason: "the session ended meanwhile".to_owned(),
            }),
            Ok(Err(_)) => Err(Error::TaskEnded),
            Err(_) if sent.load(Ordering::SeqCst) => Err(Error::OutcomeUnknown {
                reason: "the deadline passed".to_owned(),
            }),
            Err(_) => Err(Error::NotSent(base::Stopped::Deadline)),
        }
    }

    /// Takes a checkpoint that is kept until it is deleted or outnumbered.
    ///
    /// # Errors
    /// Those of the capture; the last good checkpoint stays.
    ///
    /// # Cancel safety
    /// It may be taken all the same.
    pub async fn checkpoint(
        &self,
        ctx: &Ctx,
        who: &SessionName,
        name: Option<String>,
    ) -> Result<CheckpointInfo, Error> {
        self.refuse_if_stopping()?;
        let handle = self.find(who).await?;
        let wake = |reply| Command::Wake {
            resume: Resume::No,
            reply,
        };
        handle.ask(ctx, wake).await??;
        handle
            .ask(ctx, |reply| Command::Checkpoint { name, reply })
            .await?
    }

    /// Returns a session's checkpoints, newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`], and those of the store.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn checkpoints(&self, who: &SessionName) -> Result<Vec<CheckpointInfo>, Error> {
        let session = self.get(who).await?.id;
        let listed = self.deps().store.checkpoints().list(session).await?;
        for damaged in listed.damaged {
            tracing::error!(%session, id = %damaged.id, reason = %damaged.reason, "a checkpoint is damaged");
        }
        Ok(listed.rows.iter().map(capture::info).collect())
    }

    /// Says that a call is under way, so that nobody takes it for lost.
    ///
    /// Returns `None` if a call of that id is under way already.
    #[must_use]
    pub fn enter_call(&self, call: CallId) -> Option<InFlight> {
        let new = self.in_flight().insert(call);
        new.then(|| InFlight {
            sessions: self.clone(),
            call,
        })
    }

    /// Returns what the journal knows of a call.
    ///
    /// # Errors
    /// Those of the store.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn call(&self, call: CallId) -> Result<CallRecord, Error> {
        let under_way = self.in_flight().contains(&call);
        let row = self.deps().store.calls().get(call).await?;
        let mut record = match row {
            Some(row) => CallRecord {
                state: row.state,
                operation: Some(row.operation),
                outcome: row.outcome,
            },
            None if under_way => CallRecord {
                state: CallState::Accepted,
                operation: None,
                outcome: None,
            },
            // Never recorded, and nobody has it: not a byte of it was sent.
            None => CallRecord {
                state: CallState::NotStarted,
                operation: None,
                outcome: None,
            },
        };
        // Whoever had it is gone, and no reply to it was kept.
        if record.state.is_open() && !under_way {
            record.state = match record.state {
                CallState::Accepted => CallState::NotStarted,
                _ => CallState::Unknown,
            };
        }
        Ok(record)
    }

    /// Stores what came of a call, if it was recorded at all.
    ///
    /// # Errors
    /// Those of the store.
    ///
    /// # Cancel safety
    /// It may be stored all the same.
    pub async fn finish_call(
        &self,
        call: CallId,
        state: CallState,
        outcome: Option<&[u8]>,
    ) -> Result<(), Error> {
        match self.deps().store.calls().finish(call, state, outcome).await {
            Ok(_) | Err(store::Error::NotFound { .. }) => Ok(()),
            Err(err) => Err(err.into()),
        }
    }

    /// Returns how many sessions hold a browser, and how many may.
    #[must_use]
    pub fn places(&self) -> (usize, usize) {
        (self.inner.slots.taken(), self.deps().config.max_sessions)
    }

    /// Ends every session's task: takes a last checkpoint of those that are alive, and leaves
    /// or stops their browsers.
    ///
    /// The caller bounds the wait.
    ///
    /// # Cancel safety
    /// Call it again to go on waiting; what is not ended is adopted by the next daemon.
    pub async fn shut_down(&self, browsers: Browsers) {
        self.inner.stopping.store(true, Ordering::SeqCst);
        let handles: Vec<Handle> = self.handles().values().cloned().collect();
        let ends = handles.into_iter().map(|handle| async move {
            let (reply, told) = oneshot::channel();
            let sent = handle
                .commands
                .send(Command::ShutDown { browsers, reply })
                .await;
            if sent.is_ok() && told.await.is_err() {
                tracing::warn!(session = %handle.id, "a session ended without a last word");
            }
        });
        futures_util::future::join_all(ends).await;
    }
}
