//! The circuit breaker: a session whose browser dies again and again by itself is not brought
//! back once more, or it would go on for ever and cost the others their share.
//!
//! A browser that somebody else kills counts for nothing: that is no fault of the session's. Who
//! ended a service of it can't be told, so that counts as the crash of a page does. The
//! checkpoint stays, and whoever resumes it gives it another chance.

use std::collections::VecDeque;
use std::time::Duration;

use base::Instant;

use super::Session;
use crate::cause::Cause;
use crate::state::Fact;

/// So many deaths of a browser within [`WITHIN`] are too many.
const MOST_DEATHS: usize = 5;
/// So many crashes of its pages are.
const MOST_CRASHES: usize = 10;
const WITHIN: Duration = Duration::from_secs(300);

/// When browsers and pages of a session died, as far as it counts.
#[derive(Default)]
pub(super) struct Breaker {
    deaths: VecDeque<Instant>,
    crashes: VecDeque<Instant>,
}

impl Breaker {
    /// Counts a death; tells whether it was one too many.
    fn dies(&mut self, cause: Cause, now: Instant) -> bool {
        match cause {
            Cause::Exited | Cause::Crashed | Cause::OutOfMemory => {
                one_more(&mut self.deaths, MOST_DEATHS, now)
            }
            Cause::RendererCrashed | Cause::StateLost => {
                one_more(&mut self.crashes, MOST_CRASHES, now)
            }
            _ => false,
        }
    }

    /// Forgets all deaths: somebody wants the session back.
    pub(super) fn reset(&mut self) {
        self.deaths.clear();
        self.crashes.clear();
    }
}

fn one_more(deaths: &mut VecDeque<Instant>, most: usize, now: Instant) -> bool {
    deaths.push_back(now);
    while deaths
        .front()
        .is_some_and(|first| WITHIN < now.saturating_duration_since(*first))
    {
        deaths.pop_front();
    }
    most <= deaths.len()
}

impl Session {
    /// Looks at a fact before it is acted on: a death too many is the end of trying.
    pub(super) fn break_circuit(&mut self, fact: Fact) -> Fact {
        let Fact::BrowserGone(link, cause) = fact else {
            return fact;
        };
        if !self.is_current(link) || cause == Cause::RendererCrashed {
            return fact;
        }
        if !self.breaker.dies(cause, self.deps.clock.instant()) {
            return fact;
        }
        self.trip(cause);
        Fact::DiesAgain(link)
    }

    /// Counts the crash of a page; `true` if the session is given up for it.
    pub(super) fn crashed_again(&mut self) -> bool {
        let now = self.deps.clock.instant();
        let Some(link) = self.state.link() else {
            return false;
        };
        if !self.breaker.dies(Cause::RendererCrashed, now) {
            return false;
        }
        self.trip(Cause::RendererCrashed);
        self.facts.push_back(Fact::DiesAgain(link));
        true
    }

    fn trip(&mut self, cause: Cause) {
        let (what, most) = match cause {
            Cause::RendererCrashed => ("pages have", MOST_CRASHES),
            _ => ("browser has", MOST_DEATHS),
        };
        let detail = format!(
            "its {what} died {most} times in {} minutes, the last time: {cause}. What it comes \
             back to may be what kills it; restore an older checkpoint, or resume it to try again",
            WITHIN.as_secs() / 60
        );
        tracing::error!(%detail, "the session is given up");
        self.row.detail = Some(detail.into());
        self.row.failures += 1;
        self.failure = None;
        self.save_row = true;
        self.breaker.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_death_too_many_within_the_time_is_told_and_others_kills_count_for_nothing() {
        let clock = base::Clock::system();
        let mut breaker = Breaker::default();
        for _ in 0..100 {
            assert!(!breaker.dies(Cause::Killed, clock.instant()));
            assert!(!breaker.dies(Cause::Unresponsive, clock.instant()));
        }
        for _ in 1..MOST_DEATHS {
            assert!(!breaker.dies(Cause::Crashed, clock.instant()));
            assert!(!breaker.dies(Cause::RendererCrashed, clock.instant()));
        }
        tokio::time::advance(WITHIN + Duration::from_secs(1)).await;
        for _ in 1..MOST_DEATHS {
            assert!(
                !breaker.dies(Cause::OutOfMemory, clock.instant()),
                "the rest is long ago"
            );
        }
        assert!(breaker.dies(Cause::Exited, clock.instant()));
        breaker.reset();
        assert!(!breaker.dies(Cause::Exited, clock.instant()));
    }
}
