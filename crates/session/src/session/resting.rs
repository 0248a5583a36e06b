//! The end of the task of a closed session that nobody asks for any more: what need not be
//! kept of a session is removed only when it has none.

use std::time::Duration;

use base::Instant;

use super::Session;
use crate::state::State;

/// How long a closed session's task stays for the next question.
const LINGER: Duration = Duration::from_secs(30);

impl Session {
    /// Returns when the task of a closed session ends if nobody asks for it until then.
    pub(super) fn rests_at(&self) -> Option<Instant> {
        let rests = matches!(self.state, State::Closed { .. })
            && self.live.is_none()
            && self.stops == 0
            && !self.closing.has_begun()
            && self.restore.is_none()
            && self.queue.is_empty()
            && self.waiting.is_empty()
            && self.work.is_empty();
        rests.then(|| self.asked_at + LINGER)
    }

    /// Ends the task. Who asks from now on starts another one.
    pub(super) fn rest(&mut self) {
        if self.commands.is_empty() {
            self.commands.close();
            // Whoever asked at this very moment is heard before the end.
            self.ended = self.commands.is_empty();
        }
    }
}
