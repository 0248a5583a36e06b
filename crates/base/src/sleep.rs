//! Whether the host has slept.
//!
//! One clock stands still while the host sleeps, another goes on: what the second has gained on
//! the first is sleep. The wall clock is neither, so to set it is no sleep.

use std::time::Duration;

use crate::{Clock, Instant};

/// Less than this is the time it takes to read two clocks one after the other.
const SHORTEST: Duration = Duration::from_secs(1);

/// Tells of sleep from one question to the next.
#[derive(Debug)]
pub struct SleepWatch {
    clock: Clock,
    awake: Instant,
    through: Option<Duration>,
}

impl SleepWatch {
    /// Watches from now on.
    #[must_use]
    pub fn new(clock: &Clock) -> Self {
        Self {
            clock: clock.clone(),
            awake: clock.instant(),
            through: clock.through_sleep(),
        }
    }

    /// Returns how long the host has slept since the last question, if it has.
    pub fn slept(&mut self) -> Option<Duration> {
        let (awake, through) = (self.clock.instant(), self.clock.through_sleep());
        let was_awake = awake.saturating_duration_since(self.awake);
        let passed = through
            .zip(self.through)
            .map(|(now, before)| now.saturating_sub(before));
        (self.awake, self.through) = (awake, through);
        let slept = passed?.saturating_sub(was_awake);
        (SHORTEST <= slept).then_some(slept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    #[test]
    fn sleep_is_told_once_and_a_clock_that_is_set_is_no_sleep() {
        let clock = Clock::set(Timestamp::UNIX_EPOCH);
        let mut watch = SleepWatch::new(&clock);
        assert_eq!(watch.slept(), None);
        clock.advance_wall(Duration::from_secs(3600));
        assert_eq!(watch.slept(), None, "the clock was set");
        clock.fall_asleep(Duration::from_secs(3600));
        let slept = watch.slept().unwrap();
        assert!(Duration::from_secs(3599) < slept && slept < Duration::from_secs(3700));
        assert_eq!(watch.slept(), None, "it was told");
    }

    #[tokio::test(start_paused = true)]
    async fn time_awake_is_no_sleep() {
        let clock = Clock::system();
        let mut watch = SleepWatch::new(&clock);
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!(watch.slept(), None);
    }
}
