//! What is being made for a session and will be published later than a capture would: a fork,
//! an import. Until then nothing of it counts as left behind.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use base::SessionId;

use super::{Pins, lock};

/// The sessions something is being made for, and how many things.
#[derive(Clone, Debug, Default)]
pub(super) struct UnderWay(Arc<Mutex<HashMap<SessionId, usize>>>);

/// As long as it lives, what was put for its session stays.
///
/// Dropped before [`Making::done`], what was put and not published is left behind, and the
/// next collection removes it.
#[must_use = "what was put is left behind when this is dropped"]
pub struct Making {
    session: SessionId,
    under_way: UnderWay,
    pins: Arc<Mutex<Pins>>,
    whose: Whose,
    done: bool,
}

/// Whom something is made for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Whose {
    /// A session that isn't stored yet: without what is made for it there is none.
    New,
    /// A session that is there, and may be captured meanwhile.
    Known,
}

impl UnderWay {
    pub(super) fn begin(
        &self,
        session: SessionId,
        whose: Whose,
        pins: &Arc<Mutex<Pins>>,
    ) -> Making {
        *lock(&self.0).entry(session).or_default() += 1;
        Making {
            session,
            under_way: self.clone(),
            pins: Arc::clone(pins),
            whose,
            done: false,
        }
    }

    pub(super) fn has(&self, session: SessionId) -> bool {
        lock(&self.0).contains_key(&session)
    }

    fn end(&self, session: SessionId) -> bool {
        let mut making = lock(&self.0);
        let left = making.get_mut(&session).map(|count| {
            *count -= 1;
            *count
        });
        if left == Some(0) {
            making.remove(&session);
        }
        left.unwrap_or(0) == 0
    }
}

impl Making {
    /// Says that what was made is published.
    pub fn done(mut self) {
        self.done = true;
    }
}

impl fmt::Debug for Making {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Making({})", self.session)
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        // The pins first: whoever finds the session no longer being made finds none of them.
        let mut pins = lock(&self.pins);
        let last = self.under_way.end(self.session);
        // Those of a known session may be a capture's, and lose their patience by and by.
        if last && !self.done && self.whose == Whose::New {
            pins.retain(|(of, _), _| *of != self.session);
        }
    }
}
