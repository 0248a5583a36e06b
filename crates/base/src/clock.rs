//! Time: the one place that reads clocks, and the clock tests move by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

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
    Set(Arc<Hands>),
}

/// What a test has set.
#[derive(Debug)]
struct Hands {
    /// Milliseconds since the epoch.
    wall: AtomicI64,
    /// Milliseconds the host has slept.
    slept: AtomicU64,
}

/// A moment on a clock that stands still while the host sleeps, and that every process of one
/// boot of it shares.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Awake {
    /// The boot.
    pub boot: String,
    /// How long the host has been awake since.
    pub since: Duration,
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
        Self(Wall::Set(Arc::new(Hands {
            wall: AtomicI64::new(start.as_millisecond()),
            slept: AtomicU64::new(0),
        })))
    }

    /// Moves a clock made by [`Clock::set`]; a system clock stays as it is.
    pub fn advance_wall(&self, by: Duration) {
        if let Wall::Set(hands) = &self.0 {
            let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
            hands.wall.fetch_add(millis, Ordering::SeqCst);
        }
    }

    /// Lets the host of a clock made by [`Clock::set`] have slept for a while.
    pub fn fall_asleep(&self, by: Duration) {
        self.advance_wall(by);
        if let Wall::Set(hands) = &self.0 {
            let millis = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
            hands.slept.fetch_add(millis, Ordering::SeqCst);
        }
    }

    /// Returns the wall-clock time, with milliseconds.
    #[must_use]
    pub fn wall(&self) -> Timestamp {
        let now = match &self.0 {
            Wall::System => Timestamp::now().as_millisecond(),
            Wall::Set(hands) => hands.wall.load(Ordering::SeqCst),
        };
        Timestamp::from_millisecond(now).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Returns the monotonic time that deadlines are set in.
    #[must_use]
    pub fn instant(&self) -> Instant {
        Instant::now()
    }

    /// Returns the time that has passed since some moment, the host's sleep with it; `None`
    /// where the host doesn't tell.
    #[must_use]
    pub fn through_sleep(&self) -> Option<Duration> {
        let slept = match &self.0 {
            Wall::System => 0,
            Wall::Set(hands) => hands.slept.load(Ordering::SeqCst),
        };
        Some(through_sleep()? + Duration::from_millis(slept))
    }

    /// Returns how long the host has been awake; `None` where it doesn't tell.
    #[must_use]
    pub fn awake(&self) -> Option<Awake> {
        awake()
    }
}

#[cfg(target_os = "linux")]
fn through_sleep() -> Option<Duration> {
    Some(read(rustix::time::ClockId::Boottime))
}

// There this clock goes on while the host sleeps, and the one behind `Instant` doesn't.
#[cfg(target_vendor = "apple")]
fn through_sleep() -> Option<Duration> {
    Some(read(rustix::time::ClockId::Monotonic))
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn through_sleep() -> Option<Duration> {
    None
}

#[cfg(target_os = "linux")]
fn awake() -> Option<Awake> {
    // The same for as long as this process lives.
    static BOOT: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    let boot = BOOT.get_or_init(|| {
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        Some(boot.trim().to_owned())
    });
    Some(Awake {
        boot: boot.clone()?,
        since: read(rustix::time::ClockId::Monotonic),
    })
}

#[cfg(not(target_os = "linux"))]
fn awake() -> Option<Awake> {
    None
}

#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn read(clock: rustix::time::ClockId) -> Duration {
    let now = rustix::time::clock_gettime(clock);
    let (seconds, nanos) = (u64::try_from(now.tv_sec), u32::try_from(now.tv_nsec));
    Duration::new(seconds.unwrap_or(0), nanos.unwrap_or(0))
}
