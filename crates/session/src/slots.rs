//! Places: how many sessions may hold a browser, and who holds a named profile.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base::SessionId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Error;

#[derive(Default)]
struct Taken {
    sessions: usize,
    profiles: HashMap<String, SessionId>,
}

/// The places there are.
#[derive(Clone)]
pub(crate) struct Slots {
    taken: Arc<Mutex<Taken>>,
    limit: usize,
    /// Those who may fill a browser at this moment; the others come in the order they asked.
    turns: Arc<Semaphore>,
}

/// A place taken. Dropping it gives the place back.
pub(crate) struct Slot {
    slots: Slots,
    profile: Option<String>,
}

impl Slots {
    pub(crate) fn new(limit: usize, at_once: usize) -> Self {
        Self {
            taken: Arc::default(),
            limit,
            turns: Arc::new(Semaphore::new(at_once)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place for a session that wants a browser.
    ///
    /// # Errors
    /// [`Error::ProfileBusy`], [`Error::LimitReached`].
    pub(crate) fn take(&self, session: SessionId, profile: Option<&str>) -> Result<Slot, Error> {
        let mut taken = self.lock();
        if let Some(profile) = profile
            && let Some(holder) = taken.profiles.get(profile)
        {
            return Err(Error::ProfileBusy {
                profile: profile.to_owned(),
                holder: *holder,
            });
        }
        if self.limit <= taken.sessions {
            return Err(Error::LimitReached {
                what: "sessions holding a browser",
                limit: self.limit,
            });
        }
        Ok(self.put(&mut taken, session, profile))
    }

    /// Takes a place for a session whose browser runs already, whatever the limit says now.
    pub(crate) fn take_anyway(&self, session: SessionId, profile: Option<&str>) -> Slot {
        self.put(&mut self.lock(), session, profile)
    }

    fn put(&self, taken: &mut Taken, session: SessionId, profile: Option<&str>) -> Slot {
        taken.sessions += 1;
        let profile = profile.map(str::to_owned);
        if let Some(profile) = &profile {
            taken.profiles.insert(profile.clone(), session);
        }
        Slot {
            slots: self.clone(),
            profile,
        }
    }

    /// Waits for the turn to fill a browser. Many at once would all be slow, and keep the
    /// processor from those that live.
    ///
    /// # Cancel safety
    /// Yes: the place in the queue is lost.
    pub(crate) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        // It is never closed.
        Arc::clone(&self.turns).acquire_owned().await.ok()
    }

    pub(crate) fn taken(&self) -> usize {
        self.lock().sessions
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.lock();
        taken.sessions -= 1;
        if let Some(profile) = &self.profile {
            taken.profiles.remove(profile);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_comes_back_when_it_is_dropped() {
        let slots = Slots::new(1, 1);
        let held = slots.take(SessionId::new(), None).unwrap();
        assert!(matches!(
            slots.take(SessionId::new(), None),
            Err(Error::LimitReached { .. })
        ));
        drop(held);
        assert!(slots.take(SessionId::new(), None).is_ok());
    }

    #[test]
    fn a_profile_has_one_holder() {
        let slots = Slots::new(9, 1);
        let holder = SessionId::new();
        let held = slots.take(holder, Some("work")).unwrap();
        let refused = slots.take(SessionId::new(), Some("work"));
        assert!(matches!(refused, Err(Error::ProfileBusy { holder: by, .. }) if by == holder));
        drop(held);
        assert!(slots.take(SessionId::new(), Some("work")).is_ok());
    }

    #[tokio::test]
    async fn browsers_are_filled_in_the_order_they_were_asked_for() {
        use futures_util::FutureExt as _;
        let slots = Slots::new(9, 2);
        let (first, _second) = (slots.turn().await, slots.turn().await);
        let (mut third, mut fourth) = (Box::pin(slots.turn()), Box::pin(slots.turn()));
        assert!((&mut third).now_or_never().is_none());
        assert!((&mut fourth).now_or_never().is_none());
        drop(first);
        assert!((&mut fourth).now_or_never().is_none(), "it came later");
        assert!((&mut third).now_or_never().is_some());
    }
}
