//! Parking: an idle session gives its browser back and keeps its state.
//!
//! Nothing is released before its last checkpoint is published; where that fails, the session
//! stays as it is and is tried again later. The clock is the monotonic one, which stands still
//! while the host sleeps.

use std::time::Duration;

use base::Instant;

use super::Session;
use super::done::Then;
use crate::Error;
use crate::state::{Fact, LinkId};

/// How long a session goes on that could not be parked, before it is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(60);

/// Since when a session is idle, and whether it is being parked.
pub(super) struct Parking {
    /// When it was last used.
    used_at: Instant,
    /// Not before this: the last try failed.
    not_before: Option<Instant>,
    /// When it had last been used as its parking began.
    begun: Option<Instant>,
}

impl Parking {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            used_at: now,
            not_before: None,
            begun: None,
        }
    }

    /// Notes that somebody uses the session.
    pub(super) const fn used(&mut self, now: Instant) {
        self.used_at = now;
    }

    /// Notes that the session has a browser again.
    pub(super) const fn back(&mut self, now: Instant) {
        self.begun = None;
        self.used_at = now;
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
    }

    /// Returns when the session is parked if nothing happens until then.
    pub(super) fn parks_at(&self) -> Option<Instant> {
        let timeout = self.deps.config.idle_timeout?;
        self.is_idle().then(|| self.parking.due(timeout)).flatten()
    }

    /// Tells whether nobody works with the session or waits for it.
    ///
    /// An open dialog would be lost with the browser, so a page that has one isn't idle.
    fn is_idle(&self) -> bool {
        self.is_alive()
            && !self.closing.has_begun()
            && self.running.is_none()
            && self.queue.is_empty()
            && self.cut_off.is_empty()
            && self.waiting.is_empty()
            && self.held_captures.is_empty()
            && self.restoring.is_empty()
            && !self.checking
            && !self.capturing.is_frozen()
            && !self.tabs.all().iter().any(|(_, tab)| tab.dialog.is_some())
    }

    /// Takes the last checkpoint before the browser is given back.
    pub(super) fn park(&mut self) {
        self.parking.begun = Some(self.parking.used_at);
        self.capture_for(Then::Park);
    }

    /// The last checkpoint was taken, or could not be.
    pub(super) fn on_park_captured(&mut self, link: LinkId, failure: Option<Error>) {
        let now = self.deps.clock.instant();
        if let Some(err) = failure {
            tracing::warn!(%err, "an idle session is not parked: its last checkpoint failed");
            self.parking.given_up(now);
            return;
        }
        let unused = self.parking.begun == Some(self.parking.used_at);
        if unused && self.is_current(link) && self.is_idle() {
            // It counts as begun until the session is alive again: the time is still up.
            self.facts.push_back(Fact::Parked);
        } else {
            // Whoever came meanwhile finds the session as it was.
            self.parking.begun = None;
        }
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
}
