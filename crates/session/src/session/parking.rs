//! Parking: a session gives its browser back and keeps its state, idle or because it is asked.
//!
//! Nothing is released before its last checkpoint is published; where that fails, the session
//! stays as it is and is tried again later. What the pages change while that checkpoint is
//! taken is captured again before the browser goes. The clock is the monotonic one, which
//! stands still while the host sleeps.

use std::time::Duration;

use base::Instant;
use tokio::sync::oneshot;

use super::Session;
use super::done::Then;
use crate::Error;
use crate::command::Command;
use crate::state::{Fact, Kind, LinkId, State};

/// How long a session goes on that could not be parked, before it is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(60);
/// How long one that has just got its browser, or whose daemon has just come, is left alone:
/// whoever started the daemon may be about to use it.
const SETTLES: Duration = Duration::from_secs(60);
/// How often a session is captured again whose pages don't stop to change.
const MOST_ROUNDS: u32 = 5;
/// How often it is looked whether those who asked still wait.
const LOOK: Duration = Duration::from_secs(1);

/// Since when a session is idle, and whether it is being parked.
pub(super) struct Parking {
    /// When it was last used.
    used_at: Instant,
    /// Not before this: the last try failed, or the browser has just come.
    not_before: Option<Instant>,
    /// When it had last been used as its parking began.
    begun: Option<Instant>,
    /// How often it was captured since.
    rounds: u32,
    /// Who asked for it.
    asked: Vec<oneshot::Sender<Result<(), Error>>>,
}

impl Parking {
    pub(super) const fn new(used_at: Instant) -> Self {
        Self {
            used_at,
            not_before: None,
            begun: None,
            rounds: 0,
            asked: Vec::new(),
        }
    }

    pub(super) const fn used_at(&self) -> Instant {
        self.used_at
    }

    /// Tells whether calls wait for the end of a parking that was asked for.
    pub(super) const fn holds_calls(&self) -> bool {
        !self.asked.is_empty()
    }

    /// Notes that somebody uses the session.
    pub(super) const fn used(&mut self, now: Instant) {
        self.used_at = now;
        self.not_before = None;
    }

    /// Notes that the session has a browser again.
    fn back(&mut self, now: Instant, timeout: Option<Duration>) {
        self.begun = None;
        self.not_before = Some(now + SETTLES.min(timeout.unwrap_or(SETTLES)));
    }

    /// Notes that whatever was begun came to nothing.
    pub(super) fn given_up(&mut self, now: Instant) {
        if self.begun.take().is_some() {
            self.not_before = Some(now + TRY_AGAIN);
        }
    }

    fn due(&self, timeout: Duration) -> Option<Instant> {
        if self.begun.is_some() {
            return None;
        }
        let due = self.used_at + timeout;
        Some(
            self.not_before
                .map_or(due, |not_before| due.max(not_before)),
        )
    }
}

impl Session {
    /// Notes that somebody uses the session.
    pub(super) fn note_use(&mut self) {
        self.parking.used(self.deps.clock.instant());
        self.save_use();
    }

    /// Notes that the session has a browser again.
    pub(super) fn note_back(&mut self) {
        let timeout = self.idle_timeout();
        self.parking.back(self.deps.clock.instant(), timeout);
    }

    /// Returns when the session is parked if nothing happens until then.
    pub(super) fn parks_at(&self) -> Option<Instant> {
        let timeout = self.idle_timeout()?;
        self.is_idle().then(|| self.parking.due(timeout)).flatten()
    }

    /// Returns when those who asked for a parking are to be looked after.
    pub(super) fn looks_at(&self) -> Option<Instant> {
        let asked = self.parking.holds_calls();
        asked.then(|| self.deps.clock.instant() + LOOK)
    }

    /// Tells whether nobody works with the session or waits for it.
    fn is_idle(&self) -> bool {
        self.is_free() && self.queue.is_empty() && self.waiting.is_empty()
    }

    /// Tells whether nothing is under way in the session.
    ///
    /// An open dialog would be lost with the browser, so a page that has one isn't free.
    fn is_free(&self) -> bool {
        self.is_alive()
            && !self.closing.has_begun()
            && self.running.is_none()
            && self.cut_off.is_empty()
            && self.held_captures.is_empty()
            && self.restoring.is_empty()
            && self.restore.is_none()
            && !self.checking
            && !self.capturing.is_frozen()
            && self.open_dialog().is_none()
    }

    /// Returns a dialog that is open on a page. The page knows of it before its news is here.
    pub(super) fn open_dialog(&self) -> Option<page::Dialog> {
        let mut tabs = self.tabs.all().into_iter();
        tabs.find_map(|(_, tab)| {
            let shown = tab.page.and_then(|page| page.state().dialog);
            shown.or(tab.dialog)
        })
    }

    /// Somebody wants the browser given back. What runs comes to its end first; what comes
    /// later brings the session back.
    pub(super) fn ask_park(&mut self, reply: oneshot::Sender<Result<(), Error>>) {
        if self.closing.has_begun() {
            let refused = self.refusal();
            self.reply(reply, Err(refused));
            return;
        }
        if self.is_attached() {
            let refused = Error::NotOfAttached { what: "parking" };
            self.reply(reply, Err(refused));
            return;
        }
        match (&self.state, self.state.admit(Kind::Act)) {
            (State::Recoverable { .. } | State::Stale { .. }, _) => self.reply(reply, Ok(())),
            (_, Ok(_)) => self.parking.asked.push(reply),
            (_, Err(denied)) => {
                let err = self.denied(denied);
                self.reply(reply, Err(err));
            }
        }
    }

    /// Begins a parking that was asked for, once it can be done.
    pub(super) fn park_if_asked(&mut self) {
        if self.parking.asked.is_empty() {
            return;
        }
        self.parking.asked.retain(|reply| !reply.is_closed());
        if self.parking.asked.is_empty() {
            self.run_queue();
            return;
        }
        if self.parking.begun.is_some() || !self.is_alive() {
            return;
        }
        if let Some(dialog) = self.open_dialog() {
            self.answer_park(&Err(page::Error::DialogOpen(dialog).into()));
        } else if self.is_free() {
            self.park();
        }
    }

    /// Takes the last checkpoint before the browser is given back.
    pub(super) fn park(&mut self) {
        self.parking.begun = Some(self.parking.used_at);
        self.parking.rounds = 0;
        self.capture_for(Then::Park);
    }

    /// The last checkpoint was taken, or could not be.
    pub(super) fn on_park_captured(&mut self, link: LinkId, failure: Option<Error>) {
        let now = self.deps.clock.instant();
        if let Some(err) = failure {
            tracing::warn!(%err, "a session is not parked: its last checkpoint failed");
            self.parking.given_up(now);
            self.answer_park(&Err(err));
            return;
        }
        let unused = self.parking.begun == Some(self.parking.used_at) && self.is_idle();
        let asked = self.parking.holds_calls() && self.is_free();
        if !self.is_current(link) || !(unused || asked) {
            // Whoever came meanwhile finds the session as it was.
            self.parking.begun = None;
            return;
        }
        let changed = self.capturing.dirt().since().is_some();
        if changed && self.parking.rounds < MOST_ROUNDS {
            self.parking.rounds += 1;
            self.capture_again();
            return;
        }
        if changed {
            tracing::debug!("a page changes on while its session is parked");
        }
        // It counts as begun until the session is alive again: the time is still up.
        self.facts.push_back(Fact::Parked);
    }

    /// The session was parked, or had nothing to come back from.
    pub(super) fn after_parked(&mut self) {
        if !matches!(self.state, State::Recoverable { .. }) {
            let refused = self.refusal();
            self.answer_park(&Err(refused));
            return;
        }
        self.answer_park(&Ok(()));
        if self.queue.is_empty() {
            return;
        }
        if let Err(err) = self.ask_resume() {
            for pending in std::mem::take(&mut self.queue) {
                self.reply(pending.reply, Err(err.clone()));
            }
        }
    }

    /// Answers those who asked for a parking; calls that waited for it may run.
    pub(super) fn answer_park(&mut self, answer: &Result<(), Error>) {
        for reply in std::mem::take(&mut self.parking.asked) {
            self.reply(reply, answer.clone());
        }
        self.run_queue();
    }

    /// Gives the session limits of its own, and counts as its use.
    pub(super) fn keep(
        &mut self,
        limits: super::lifetime::Limits,
        reply: oneshot::Sender<Result<(), Error>>,
    ) {
        let refused = match self.state.admit(Kind::Act) {
            _ if self.closing.has_begun() => Some(self.refusal()),
            _ if self.is_attached() && limits.idle_timeout.is_some() => {
                Some(Error::NotOfAttached {
                    what: "an idle timeout",
                })
            }
            Ok(_) => None,
            Err(denied) => Some(self.denied(denied)),
        };
        if let Some(refused) = refused {
            self.reply(reply, Err(refused));
            return;
        }
        limits.note(&mut self.row.lifetime);
        self.note_use();
        self.row.last_activity = self.deps.clock.wall();
        self.save_row = true;
        self.reply(reply, Ok(()));
    }

    /// Tells whether a command is a use of the session that may rest.
    pub(super) const fn wakes(command: &Command) -> bool {
        !matches!(command, Command::Slept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(1800);

    #[tokio::test(start_paused = true)]
    async fn a_session_that_is_used_is_parked_later_and_never_twice_at_once() {
        let start = base::Clock::system().instant();
        let mut parking = Parking::new(start);
        assert_eq!(parking.due(TIMEOUT), Some(start + TIMEOUT));
        let later = start + Duration::from_secs(100);
        parking.used(later);
        assert_eq!(parking.due(TIMEOUT), Some(later + TIMEOUT));
        parking.begun = Some(later);
        assert_eq!(parking.due(TIMEOUT), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_that_could_not_be_parked_is_tried_again_later() {
        let start = base::Clock::system().instant();
        let mut parking = Parking::new(start);
        let at = start + TIMEOUT;
        parking.given_up(at);
        assert_eq!(parking.due(TIMEOUT), Some(at), "nothing was begun");
        parking.begun = Some(start);
        parking.given_up(at);
        assert_eq!(parking.due(TIMEOUT), Some(at + TRY_AGAIN));
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_whose_daemon_has_just_come_is_left_alone_for_a_while() {
        let start = base::Clock::system().instant();
        let now = start + 2 * TIMEOUT;
        let mut parking = Parking::new(start);
        parking.back(now, Some(TIMEOUT));
        assert_eq!(parking.due(TIMEOUT), Some(now + SETTLES));
        parking.used(now);
        assert_eq!(
            parking.due(TIMEOUT),
            Some(now + TIMEOUT),
            "somebody has come"
        );
        parking.back(now, Some(Duration::from_secs(2)));
        assert_eq!(
            parking.due(Duration::from_secs(2)),
            Some(now + Duration::from_secs(2))
        );
    }
}
