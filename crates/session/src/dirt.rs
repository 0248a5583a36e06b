//! Whether something may have changed since the last capture.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base::Instant;
use tokio::sync::Notify;

/// The moment of the first change that no capture has seen yet.
#[derive(Clone, Default)]
pub(crate) struct Dirt(Arc<Inner>);

#[derive(Default)]
struct Inner {
    since: Mutex<Option<Instant>>,
    raised: Notify,
}

impl Dirt {
    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a change; the first one since a capture wakes whoever waits.
    pub(crate) fn raise(&self, now: Instant) {
        let mut since = self.lock();
        if since.is_none() {
            *since = Some(now);
            self.0.raised.notify_one();
        }
    }

    /// Returns when the first change came, if there is one.
    pub(crate) fn since(&self) -> Option<Instant> {
        *self.lock()
    }

    /// Notes that a capture begins: what changes from here on is the next one's.
    pub(crate) fn taken(&self) {
        *self.lock() = None;
    }

    /// Waits for the first change.
    ///
    /// # Cancel safety
    /// Yes.
    pub(crate) async fn raised(&self) {
        self.0.raised.notified().await;
    }
}
