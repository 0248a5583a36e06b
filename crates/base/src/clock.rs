//! Time: the one place that reads clocks, and the clock tests move by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

pub use jiff::Timestamp;
pub use tokio::time::Instant;

/// Tells the time. Cloned into whatever needs it, so that a test can move it.
///
/// Deadlines use [`Clock::instant`], which follows tokio's clock and so stands still under
/// `start_paused`; what is stored or shown uses [`Clock::wall`].
#[derive(Clone, Debug)]
pub struct Clock(Wall);

#[derive(Clone, Debug)]
enum Wall {
    System,
    /// Milliseconds since the epoch, set by a test.
    Set(Arc<AtomicI64>),
}

impl Clock {
    /// Returns the machine's clock.
    #[must_use]
    pub const fn system() -> Self {
        Self(Wall::System)
    }

    /// Returns a clock that stands at `start` until [`Clock::advance_wall`] moves it.
    #[must_use]
    pub fn set(start: Timestamp) -> Self {
        Self(Wall::Set(Arc::new(AtomicI64::new(start.as_millisecond()))))
    }

    /// Moves a clock made by [`Clock::set`]; a system clock stays as it is.
    pub fn advance_wall(&self, by: std::time::Duration) {
        if let Wall::Set(now) = &self.0 {
            let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
            now.fetch_add(millis, Ordering::SeqCst);
        }
    }

    /// Returns the wall-clock time, with milliseconds.
    #[must_use]
    pub fn wall(&self) -> Timestamp {
        let now = match &self.0 {
            Wall::System => Timestamp::now().as_millisecond(),
            Wall::Set(now) => now.load(Ordering::SeqCst),
        };
        Timestamp::from_millisecond(now).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Returns the monotonic time that deadlines are set in.
    #[must_use]
    pub fn instant(&self) -> Instant {
        Instant::now()
    }
}
