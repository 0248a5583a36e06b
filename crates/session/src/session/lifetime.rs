//! How long a session may hold its browser, and how its clocks outlive the daemon.
//!
//! Both clocks stand still while the host sleeps. They are stored as how far they had come at
//! a moment of the host's awake time, so the next daemon goes on where they stand by then; of
//! another boot only the stored part counts.

use std::time::Duration;

use base::{Clock, Instant};
use store::Lifetime;

use super::Session;

/// How often the use of a session is stored beside what else is.
const SAVE_EVERY: Duration = Duration::from_secs(10);

/// Since when a session holds a browser, and when its clocks were last stored.
pub(super) struct Life {
    born: Instant,
    saved: Instant,
}

/// Limits that a caller gives a session of its own; 0 is for ever.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Limits {
    /// How long it may be idle before it is parked.
    pub idle_timeout: Option<Duration>,
    /// How long it may hold a browser before it is closed.
    pub max_lifetime: Option<Duration>,
}

impl Limits {
    /// Puts what is said into a session's lifetime.
    pub(crate) fn note(self, lifetime: &mut Lifetime) {
        if let Some(idle) = self.idle_timeout {
            lifetime.idle_timeout_ms = Some(millis(idle));
        }
        if let Some(longest) = self.max_lifetime {
            lifetime.max_lifetime_ms = Some(millis(longest));
        }
    }
}

/// Returns since when a stored session is unused, and since when it lives.
pub(super) fn read(lifetime: &Lifetime, clock: &Clock) -> (Instant, Life) {
    let now = clock.instant();
    let passed = match clock.awake() {
        Some(awake) if awake.boot == lifetime.boot => {
            millis(awake.since).saturating_sub(lifetime.awake_ms)
        }
        _ => 0,
    };
    let before = |ms: u64| {
        let ago = Duration::from_millis(ms.saturating_add(passed));
        now.checked_sub(ago).unwrap_or(now)
    };
    let life = Life {
        born: before(lifetime.lived_ms),
        saved: now,
    };
    (before(lifetime.idle_ms), life)
}

impl Session {
    /// Writes the clocks into the row that is about to be stored.
    pub(super) fn write_clocks(&mut self) {
        let now = self.deps.clock.instant();
        let since = |then: Instant| millis(now.saturating_duration_since(then));
        let (idle, lived) = (since(self.parking.used_at()), since(self.life.born));
        let lifetime = &mut self.row.lifetime;
        (lifetime.idle_ms, lifetime.lived_ms) = (idle, lived);
        match self.deps.clock.awake() {
            Some(awake) => (lifetime.boot, lifetime.awake_ms) = (awake.boot, millis(awake.since)),
            None => lifetime.boot.clear(),
        }
        self.life.saved = now;
    }

    /// Sees to it that a use of the session is stored before long.
    pub(super) fn save_use(&mut self) {
        let often = self
            .idle_timeout()
            .map_or(SAVE_EVERY, |it| SAVE_EVERY.min(it / 4));
        if self.life.saved + often <= self.deps.clock.instant() {
            self.save_row = true;
        }
    }

    /// Begins the session's life anew: it comes back from rest.
    pub(super) fn be_born(&mut self) {
        self.life.born = self.deps.clock.instant();
        self.save_row = true;
    }

    /// Returns how long the session may be idle; one whose browser isn't ours, for ever.
    pub(super) fn idle_timeout(&self) -> Option<Duration> {
        if self.is_attached() {
            return None;
        }
        let own = self.row.lifetime.idle_timeout_ms;
        limit(own, self.deps.config.idle_timeout)
    }

    /// Returns when the session is closed, whatever happens until then.
    pub(super) fn ends_at(&self) -> Option<Instant> {
        let own = self.row.lifetime.max_lifetime_ms;
        let longest = limit(own, self.deps.config.max_lifetime)?;
        let runs = self.is_alive() && !self.closing.has_begun();
        runs.then(|| self.life.born + longest)
    }

    /// Closes the session: its time is over.
    pub(super) fn expire(&mut self) {
        tracing::info!("the session's lifetime is over");
        self.closing.expires();
        // Nobody waits for it.
        self.close(tokio::sync::oneshot::channel().0);
    }
}

fn limit(own_ms: Option<u64>, everyone: Option<Duration>) -> Option<Duration> {
    match own_ms {
        None => everyone,
        Some(0) => None,
        Some(ms) => Some(Duration::from_millis(ms)),
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clocks_go_on_where_the_last_daemon_left_them_and_not_over_another_boot() {
        let clock = Clock::system();
        let Some(awake) = clock.awake() else { return };
        let hour = 3_600_000;
        let gone = millis(awake.since).min(60_000);
        let stored = Lifetime {
            boot: awake.boot,
            awake_ms: millis(awake.since) - gone,
            idle_ms: 5000,
            lived_ms: 9000,
            ..Lifetime::default()
        };
        let age = |then: Instant| millis(clock.instant().saturating_duration_since(then));
        let (used, life) = read(&stored, &clock);
        assert!((5000 + gone..hour).contains(&age(used)), "{}", age(used));
        assert!((9000 + gone..hour).contains(&age(life.born)));
        let rebooted = Lifetime {
            boot: "another".into(),
            awake_ms: 0,
            ..stored
        };
        let (used, _) = read(&rebooted, &clock);
        assert!((5000..5000 + gone).contains(&age(used)), "{}", age(used));
    }

    #[test]
    fn a_limit_of_its_own_counts_and_zero_is_none() {
        let everyone = Some(Duration::from_secs(9));
        assert_eq!(limit(None, everyone), everyone);
        assert_eq!(limit(Some(0), everyone), None);
        assert_eq!(limit(Some(5), None), Some(Duration::from_millis(5)));
    }
}
