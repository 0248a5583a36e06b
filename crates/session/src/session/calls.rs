//! Commands, and the calls on pages: one after another, but for those that must not wait.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use base::{Code, TabId, TaskKind};
use store::CallState;
use tokio::sync::oneshot;

use super::done::Done;
use super::{MOST_CALLS, Running, Session};
use crate::Error;
use crate::act::{Act, Acted, Lane, Outcome};
use crate::call::{Bench, Pending, perform};
use crate::cause::Cause;
use crate::command::{Command, Resume};
use crate::services::Service;
use crate::state::{Admission, Fact, Kind, LinkId};
use crate::summary::Recovered;
use crate::watch_pages::PageNews;

/// How long the browser's processes are asked for.
const SERVICES_LIMIT: Duration = Duration::from_secs(2);

impl Session {
    pub(super) fn on_command(&mut self, command: Command) {
        if Self::wakes(&command) {
            self.asked_at = self.deps.clock.instant();
        }
        match command {
            Command::Act(pending) => self.act(pending),
            Command::Wake { resume, reply } => self.wake(resume, reply),
            Command::Checkpoint { wanted, reply } => {
                if self.is_alive() && !self.closing.has_begun() {
                    self.capture_asked(wanted, reply);
                } else {
                    let refused = self.refusal();
                    self.reply(reply, Err(refused));
                }
            }
            Command::Restore { from, reply } => self.restore(from, reply),
            Command::Delete {
                checkpoint,
                force,
                reply,
            } => self.delete_checkpoint(checkpoint, force, reply),
            Command::Park { reply } => self.ask_park(reply),
            Command::Keep { limits, reply } => self.keep(limits, reply),
            Command::Set { change, reply } => self.set(change, reply),
            Command::Download { ask, reply } => self.ask_download(ask, reply),
            Command::Slept => self.on_slept(),
            Command::Close { reply } => self.close(reply),
            Command::ShutDown { browsers, reply } => self.shut_down(browsers, reply),
        }
    }

    /// Answers somebody, once what was decided is stored.
    pub(super) fn reply<T: Send + 'static>(&mut self, to: oneshot::Sender<T>, answer: T) {
        self.replies.push(Box::new(move || {
            if to.send(answer).is_err() {
                tracing::debug!("a caller left before its answer came");
            }
        }));
    }

    fn act(&mut self, mut pending: Pending) {
        self.note_use();
        pending.generation = self.row.generation;
        if self.closing.has_begun() {
            let refused = self.refusal();
            self.reply(pending.reply, Err(refused));
            return;
        }
        let lane = pending.act.lane();
        let kind = match lane {
            Lane::Ordered => Kind::Act,
            Lane::Express => Kind::Look,
        };
        match self.state.admit(kind) {
            Ok(Admission::Run | Admission::AlreadyDone) if lane == Lane::Express => {
                self.run_express(pending);
            }
            Ok(Admission::Run | Admission::AlreadyDone | Admission::Hold) => self.queue(pending),
            Ok(Admission::ResumeFirst) => match self.ask_resume() {
                Ok(()) => self.queue(pending),
                Err(err) => self.reply(pending.reply, Err(err)),
            },
            Err(denied) => {
                let err = self.denied(denied);
                self.reply(pending.reply, Err(err));
            }
        }
    }

    fn queue(&mut self, pending: Pending) {
        if MOST_CALLS <= self.queue.len() {
            let full = Error::LimitReached {
                what: "calls waiting in one session",
                limit: MOST_CALLS,
            };
            self.reply(pending.reply, Err(full));
            return;
        }
        self.queue.push_back(pending);
        self.run_queue();
    }

    fn ask_back(&mut self) -> Result<(), Error> {
        if self.is_attached() {
            self.ask_relink()
        } else {
            self.ask_resume()
        }
    }

    /// Takes a place for a browser and has the session brought back.
    pub(super) fn ask_resume(&mut self) -> Result<(), Error> {
        if self.slot.is_none() {
            self.slot = Some(self.slots.take(self.row.id, self.row.profile.as_deref())?);
        }
        self.links += 1;
        self.facts.push_back(Fact::ResumeAsked(LinkId(self.links)));
        Ok(())
    }

    fn wake(&mut self, resume: Resume, reply: oneshot::Sender<Result<Option<Recovered>, Error>>) {
        self.note_use();
        if self.closing.has_begun() {
            let refused = self.refusal();
            self.reply(reply, Err(refused));
            return;
        }
        let kind = match resume {
            Resume::Asked if self.is_attached() => Kind::Relink,
            Resume::Asked => Kind::Resume,
            Resume::No => Kind::Act,
        };
        match self.state.admit(kind) {
            Ok(Admission::AlreadyDone) => {
                let untold = self.untold();
                self.reply(reply, Ok(untold));
            }
            Ok(Admission::Run) if self.is_alive() => {
                let untold = self.untold();
                self.reply(reply, Ok(untold));
            }
            Ok(Admission::Hold) => self.waiting.push(reply),
            Ok(Admission::Run | Admission::ResumeFirst) => match self.ask_back() {
                Ok(()) => self.waiting.push(reply),
                Err(err) => self.reply(reply, Err(err)),
            },
            // Whoever opened it asks a moment after the launch has failed: for the reason.
            Err(_) if resume == Resume::No && self.failure.is_some() => {
                let refused = self.failure.clone().unwrap_or_else(|| self.refusal());
                self.reply(reply, Err(refused));
            }
            Err(denied) => {
                let err = self.denied(denied);
                self.reply(reply, Err(err));
            }
        }
    }

    /// The session is alive: whoever waited may go on.
    pub(super) fn run_held(&mut self) {
        self.answer_restore();
        self.slept = false;
        self.note_back();
        for waiting in std::mem::take(&mut self.waiting) {
            let untold = self.untold();
            self.reply(waiting, Ok(untold));
        }
        self.run_queue();
        self.run_held_captures();
    }

    /// The browser that was waited for is gone: whoever waits has the session brought back,
    /// if it is one that comes back unasked.
    pub(super) fn wake_or_refuse_held(&mut self) {
        let waits = !self.queue.is_empty() || !self.waiting.is_empty();
        let comes_back = self.state.admit(Kind::Act) == Ok(Admission::ResumeFirst);
        // Where it just failed it is not tried again by itself.
        if !(waits && comes_back) || self.closing.has_begun() || self.failure.is_some() {
            self.refuse_held();
        } else if let Err(err) = self.ask_resume() {
            self.failure = Some(err);
            self.refuse_held();
        }
    }

    /// No browser will come: whoever waited is told why.
    pub(super) fn refuse_held(&mut self) {
        let refused = self.failure.clone().unwrap_or_else(|| self.refusal());
        self.refuse_restore(&refused);
        self.answer_park(&Err(refused.clone()));
        for waiting in std::mem::take(&mut self.waiting) {
            self.reply(waiting, Err(refused.clone()));
        }
        for pending in std::mem::take(&mut self.queue) {
            self.reply(pending.reply, Err(refused.clone()));
        }
        for (_, reply) in std::mem::take(&mut self.held_captures) {
            self.reply(reply, Err(refused.clone()));
        }
    }

    pub(super) fn refuse_all(&mut self) {
        self.refuse_held();
        for reply in self.replies.drain(..) {
            reply();
        }
    }

    /// Starts the next call, if none runs and the session is alive.
    pub(super) fn run_queue(&mut self) {
        // A tab that is being brought back shows stubs, and a browser whose storage is being
        // given back shows none: not the pages anybody asked for.
        let busy = self.checking || !self.restoring.is_empty() || self.capturing.is_frozen();
        if !self.is_alive() || self.running.is_some() || busy {
            return;
        }
        // Calls that wait run on what was restored.
        if self.begin_restore() {
            return;
        }
        // They come after a parking that was asked for before them.
        if self.parking.holds_calls() {
            return;
        }
        // Those before and after an express call that was held may run beside it.
        while let Some(pending) = self.queue.pop_front() {
            if !pending.is_wanted() {
                continue;
            }
            if pending.act.lane() == Lane::Express {
                self.run_express(pending);
                continue;
            }
            if let Some(service) = self.live.as_ref().and_then(|live| live.services.ended()) {
                self.queue.push_front(pending);
                self.on_service_lost(service);
                return;
            }
            if let Some(tab) = self.moved_under(&pending) {
                self.answer(pending, Some(tab), Err(Error::PageMoved { tab }));
                continue;
            }
            let since = self.deps.clock.instant();
            if let Some(abort) = self.spawn_call(pending, true) {
                self.running = Some(Running { abort, since });
            }
            return;
        }
    }

    /// Returns the tab of a call that goes by what its page shows, if the page is not the one it
    /// was sent for.
    fn moved_under(&mut self, pending: &Pending) -> Option<TabId> {
        if !matches!(pending.act, Act::Interact(_) | Act::Evaluate(_)) {
            return None;
        }
        let tab = self.tabs.meant(pending.tab).ok()?;
        self.moved.refuses(tab, pending.generation).then_some(tab)
    }

    fn run_express(&mut self, pending: Pending) {
        match &pending.act {
            Act::ListTabs => {
                let tabs = Outcome::Tabs(self.tabs.infos());
                self.answer(pending, None, Ok(tabs));
            }
            Act::ActivateTab => match self.tabs.meant(pending.tab) {
                Ok(tab) => {
                    self.tabs.activate(tab);
                    self.save_row = true;
                    self.capturing.dirt().raise(self.deps.clock.instant());
                    let info = self.tabs.info(tab).map(Outcome::Tab);
                    let gone = Error::TabNotFound {
                        tab: Some(tab),
                        open: self.tabs.ids(),
                    };
                    self.answer(pending, Some(tab), info.ok_or(gone));
                }
                Err(err) => self.answer(pending, None, Err(err)),
            },
            _ => {
                self.spawn_call(pending, false);
            }
        }
    }

    fn spawn_call(&mut self, pending: Pending, ordered: bool) -> Option<tokio::task::AbortHandle> {
        let Some(live) = self.live.clone() else {
            self.queue.push_front(pending);
            return None;
        };
        if pending.act.mutates() {
            self.note_act();
        }
        let bench = Bench {
            downloads: self.downloads.clone(),
            deps: Arc::clone(&self.deps),
            session: self.row.id,
            live: Arc::clone(&live),
            tabs: self.tabs.clone(),
            shadow: Arc::clone(&self.shadow),
            capture_turn: Arc::clone(&self.capture_turn),
        };
        Some(self.spawn_work(TaskKind::PageWork, async move {
            let (tab, result) = perform(&bench, &pending).await;
            Done::Call {
                link: live.link,
                ordered,
                pending,
                tab,
                result,
            }
        }))
    }

    pub(super) fn on_call_done(
        &mut self,
        link: LinkId,
        ordered: bool,
        pending: Pending,
        tab: Option<TabId>,
        result: Result<Outcome, Error>,
    ) {
        if ordered {
            self.running = None;
        }
        if pending.act.mutates() {
            self.capturing.dirt().raise(self.deps.clock.instant());
        }
        if matches!(pending.act, Act::NewTab { .. } | Act::CloseTab) {
            (self.save_row, self.save_tabs) = (true, true);
        }
        if let (Act::Navigate(_), Some(tab), Ok(_)) = (&pending.act, tab, &result) {
            self.moved.sent(tab);
        }
        match &result {
            Ok(Outcome::Downloaded(download)) => self.note_awaited(download.number),
            Err(Error::DownloadIncomplete { number, .. }) => self.note_awaited(*number),
            _ => {}
        }
        match result {
            // Nothing of it may be believed; it is done again when the browser has its state.
            Err(Error::StateLost { service }) if self.is_current(link) => {
                self.on_service_lost(service);
                self.queue.push_front(pending);
            }
            Err(err) if self.is_left_unfinished(link) => {
                tracing::error!(%err, "a login could not be put in place");
                self.facts
                    .push_back(Fact::BrowserGone(link, Cause::LoginNotPlaced));
                self.answer(pending, tab, Err(Error::LoginNotPlaced));
            }
            // Its requests may have died with the network service, which its navigation can
            // tell before the service's end is heard of.
            Err(err) if err.code() == Code::NavigationFailed && !pending.checked => {
                self.check_services(link, pending, tab, err);
            }
            Err(err) if err.is_loss() => self.on_cut_off(link, pending, tab, &err),
            Ok(_) if self.has_lost_state_under(link, &pending) => {
                tracing::warn!("a page was loaded while its cookies were lost; loading it again");
                let checked = Pending {
                    checked: true,
                    ..pending
                };
                self.queue.push_front(checked);
            }
            result => self.answer(pending, tab, result),
        }
        self.run_queue();
    }

    /// Tells whether the browser lives and holds half of two states.
    fn is_left_unfinished(&self, link: LinkId) -> bool {
        let live = self.live.as_ref().filter(|live| live.link == link);
        live.is_some_and(|live| live.is_unfinished()) && !self.is_link_lost(link)
    }

    /// Tells whether a service died while a page was being loaded: what came was asked for
    /// without its cookies, and is asked for once more when the browser has them again.
    fn has_lost_state_under(&mut self, link: LinkId, pending: &Pending) -> bool {
        let loads = matches!(pending.act, Act::Navigate(_));
        if !loads || pending.checked || !self.is_current(link) {
            return false;
        }
        if let Some(service) = self.live.as_ref().and_then(|live| live.services.ended()) {
            self.on_service_lost(service);
        }
        self.capturing.is_frozen()
    }

    fn check_services(&mut self, link: LinkId, pending: Pending, tab: Option<TabId>, err: Error) {
        let Some(live) = self.live.clone() else {
            self.answer(pending, tab, Err(err));
            return;
        };
        // The next call waits: this one may have to run again before it.
        self.checking = true;
        self.spawn_work(TaskKind::PageWork, async move {
            let ctx = pending.ctx.at_most(SERVICES_LIMIT);
            let lost = live
                .services
                .check(&ctx, &live.connection)
                .await
                .ok()
                .flatten();
            let pending = Pending {
                checked: true,
                ..pending
            };
            Done::Checked {
                link,
                lost,
                pending,
                tab,
                err,
            }
        });
    }

    pub(super) fn on_checked(
        &mut self,
        link: LinkId,
        lost: Option<Service>,
        pending: Pending,
        tab: Option<TabId>,
        err: Error,
    ) {
        self.checking = false;
        if let Some(service) = lost
            && self.is_current(link)
        {
            self.on_service_lost(service);
        }
        if lost.is_some() || self.capturing.is_frozen() {
            self.queue.push_front(pending);
        } else {
            self.answer(pending, tab, Err(err));
        }
        self.run_queue();
    }

    /// The browser or the page went while a call ran.
    fn on_cut_off(&mut self, link: LinkId, pending: Pending, tab: Option<TabId>, err: &Error) {
        if pending.sent.load(Ordering::SeqCst) && self.is_link_lost(link) {
            // How much of it the browser has read is told by the link's end.
            self.cut_off.push((pending, tab, err.clone()));
            self.judge_cut_off();
        } else if pending.sent.load(Ordering::SeqCst) {
            let unknown = Error::OutcomeUnknown {
                reason: err.to_string(),
            };
            self.answer(pending, tab, Err(unknown));
        } else {
            // Nothing of it was sent, so it may run on whatever comes back.
            self.queue.push_front(pending);
        }
        // The page's own news may still be on its way; without it the call would try again.
        if let Some(tab) = tab {
            self.on_page_news(PageNews::Crashed(tab));
            self.on_page_news(PageNews::Gone(tab));
        }
    }

    fn is_link_lost(&self, link: LinkId) -> bool {
        let live = self.live.as_ref().filter(|live| live.link == link);
        live.is_none_or(|live| live.connection.is_lost().is_some())
    }

    /// Decides about the calls that a lost link cut off, as far as its end is known.
    ///
    /// A browser that was killed before it read a call's first message did nothing of it: the
    /// call runs again on whatever comes back. Otherwise nobody knows what it did.
    pub(super) fn judge_cut_off(&mut self) {
        let Some(delivered) = self.delivered else {
            return;
        };
        for (pending, tab, err) in std::mem::take(&mut self.cut_off) {
            let unread =
                delivered.is_some_and(|read| read <= pending.sent_after.load(Ordering::SeqCst));
            if unread {
                pending.sent.store(false, Ordering::SeqCst);
                self.queue.push_front(pending);
            } else {
                let unknown = Error::OutcomeUnknown {
                    reason: err.to_string(),
                };
                self.answer(pending, tab, Err(unknown));
            }
        }
        self.run_queue();
    }

    fn answer(&mut self, pending: Pending, tab: Option<TabId>, result: Result<Outcome, Error>) {
        self.row.call_count += 1;
        self.row.last_activity = self.deps.clock.wall();
        self.note_use();
        let downloads = if result.is_ok() {
            self.news_of_downloads()
        } else {
            vec![]
        };
        let acted = result.map(|outcome| Acted {
            downloads,
            session: self.row.id,
            tab: tab.or_else(|| self.tabs.active()),
            generation: self.row.generation,
            recovered: self.untold(),
            outcome,
        });
        self.reply(pending.reply, acted);
    }

    /// Ends the call that runs: the session closes under it.
    pub(super) fn cut_off_running(&mut self) {
        if let Some(running) = self.running.take() {
            tracing::debug!(since = ?running.since, "a call is cut off by the close");
            running.abort.abort();
        }
    }

    /// A reply came to a command of an earlier daemon: the call it ended is done.
    pub(super) fn on_late(&mut self, id: u32, ok: bool) {
        let (deps, session) = (Arc::clone(&self.deps), self.row.id);
        self.spawn_work(TaskKind::Background, async move {
            let calls = deps.store.calls();
            let state = if ok {
                CallState::Done
            } else {
                CallState::Failed
            };
            match calls.by_cdp_id(session, id).await {
                Ok(Some(row)) => {
                    if let Err(err) = calls.finish(row.id, state, None).await {
                        tracing::warn!(%err, "the outcome of a call could not be stored");
                    }
                }
                Ok(None) => {}
                Err(err) => tracing::warn!(%err, "the journal can't be read"),
            }
            Done::ReadAside
        });
    }
}
