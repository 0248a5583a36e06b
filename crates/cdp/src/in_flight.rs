//! The commands in flight: ids, and who waits for which.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::session::State;
use crate::{Ended, Error, LinkLost, ProtocolError};

/// Chromium reads an id as a signed 32-bit number.
const LARGEST_ID: u32 = i32::MAX as u32;
/// How many posted commands are remembered; one that is forgotten counts as late.
const MOST_POSTED: usize = 1024;

/// What a waiter is told.
pub(crate) type Answer = Result<Bytes, Failure>;

/// Why a waiter gets no body.
#[derive(Debug)]
pub(crate) enum Failure {
    Refused(ProtocolError),
    Ended(Ended),
}

/// Who waits for a reply.
pub(crate) enum Waiter {
    Call {
        session: u64,
        reply: oneshot::Sender<Answer>,
    },
    /// Nobody, and that is known.
    Posted { session: u64 },
}

/// The ids given out and the commands that have no reply yet.
pub(crate) struct InFlight {
    first: u32,
    next: AtomicU32,
    /// Set once the ids have begun again at 1: from then on every id may be ours.
    wrapped: AtomicBool,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    waiters: HashMap<u32, Waiter>,
    posted: VecDeque<u32>,
    lost: Option<Arc<LinkLost>>,
}

impl InFlight {
    pub(crate) fn new(first: u32) -> Self {
        let first = first.clamp(1, LARGEST_ID);
        Self {
            first,
            next: AtomicU32::new(first),
            wrapped: AtomicBool::new(false),
            table: Mutex::default(),
        }
    }

    /// Returns an id that no command in flight has.
    pub(crate) fn reserve(&self) -> u32 {
        loop {
            let id = self.step();
            // After 2^31 commands an old one may still be in flight.
            if !self.wrapped.load(Ordering::Relaxed) || !self.lock().waiters.contains_key(&id) {
                return id;
            }
        }
    }

    pub(crate) fn next(&self) -> u32 {
        self.next.load(Ordering::Relaxed)
    }

    /// Tells whether `id` was given out here and not by an earlier daemon.
    pub(crate) fn is_ours(&self, id: u32) -> bool {
        self.wrapped.load(Ordering::Relaxed) || (self.first..self.next()).contains(&id)
    }

    /// Notes a call; its answer comes by the receiver.
    pub(crate) fn wait(
        &self,
        id: u32,
        session: &State,
    ) -> Result<oneshot::Receiver<Answer>, Error> {
        let (reply, answer) = oneshot::channel();
        self.note(
            id,
            session,
            Waiter::Call {
                session: session.serial,
                reply,
            },
        )?;
        Ok(answer)
    }

    /// Notes a command whose reply nobody wants.
    pub(crate) fn post(&self, id: u32, session: &State) -> Result<(), Error> {
        self.note(
            id,
            session,
            Waiter::Posted {
                session: session.serial,
            },
        )
    }

    fn note(&self, id: u32, session: &State, waiter: Waiter) -> Result<(), Error> {
        let mut table = self.lock();
        if let Some(lost) = &table.lost {
            return Err(Error::Lost(Arc::clone(lost)));
        }
        // Asked for under the table's lock: whoever ends the session sets this first and then
        // takes the lock to fail its waiters, so that this one is refused or failed.
        if let Some(ended) = session.ended() {
            return Err(ended.into());
        }
        if table.waiters.contains_key(&id) {
            return Err(Error::IdInUse { id });
        }
        if matches!(waiter, Waiter::Posted { .. }) {
            table.remember_posted(id);
        }
        table.waiters.insert(id, waiter);
        Ok(())
    }

    /// Takes out who waits for `id`.
    pub(crate) fn take(&self, id: u32) -> Option<Waiter> {
        self.lock().waiters.remove(&id)
    }

    /// Fails every waiter of a session.
    pub(crate) fn end(&self, session: u64, cause: &Ended) {
        let mut failed = Vec::new();
        self.lock().waiters.retain(|_, waiter| match waiter {
            Waiter::Posted { session: of } => *of != session,
            Waiter::Call { session: of, reply } => {
                if *of == session {
                    // `retain` lends the waiter; a closed channel takes its place.
                    failed.push(std::mem::replace(reply, oneshot::channel().0));
                }
                *of != session
            }
        });
        for reply in failed {
            // A waiter that has gone needs no answer.
            reply.send(Err(Failure::Ended(cause.clone()))).ok();
        }
    }

    /// Fails every waiter, and refuses those to come.
    pub(crate) fn lose(&self, cause: &Arc<LinkLost>) {
        let waiters = {
            let mut table = self.lock();
            table.lost.get_or_insert_with(|| Arc::clone(cause));
            table.posted = VecDeque::new();
            std::mem::take(&mut table.waiters)
        };
        for waiter in waiters.into_values() {
            if let Waiter::Call { reply, .. } = waiter {
                reply
                    .send(Err(Failure::Ended(Ended::Lost(Arc::clone(cause)))))
                    .ok();
            }
        }
    }

    /// Returns how many commands have no reply yet.
    pub(crate) fn len(&self) -> usize {
        self.lock().waiters.len()
    }

    fn step(&self) -> u32 {
        let after = |id: u32| if id >= LARGEST_ID { 1 } else { id + 1 };
        let id = self
            .next
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |id| Some(after(id)))
            .unwrap_or(1);
        if id == LARGEST_ID {
            self.wrapped.store(true, Ordering::Relaxed);
        }
        id
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// A posted command to a hung page is never answered; it must not stay for ever.
    fn remember_posted(&mut self, id: u32) {
        if self.posted.len() >= MOST_POSTED
            && let Some(oldest) = self.posted.pop_front()
            && matches!(self.waiters.get(&oldest), Some(Waiter::Posted { .. }))
        {
            self.waiters.remove(&oldest);
        }
        self.posted.push_back(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_begin_again_at_one_and_skip_those_in_flight() {
        let in_flight = InFlight::new(LARGEST_ID);
        let root = State::root(8);
        assert_eq!(in_flight.reserve(), LARGEST_ID);
        let _answer = in_flight.wait(1, &root).unwrap();
        assert_eq!(in_flight.reserve(), 2);
        assert!(in_flight.is_ours(LARGEST_ID - 1));
    }

    #[test]
    fn an_id_below_the_first_is_another_daemons() {
        let in_flight = InFlight::new(100);
        assert!(!in_flight.is_ours(99));
        assert!(!in_flight.is_ours(100));
        in_flight.reserve();
        assert!(in_flight.is_ours(100));
    }

    #[test]
    fn posted_commands_are_forgotten_before_they_pile_up() {
        let in_flight = InFlight::new(1);
        let root = State::root(8);
        for _ in 0..MOST_POSTED * 3 {
            in_flight.post(in_flight.reserve(), &root).unwrap();
        }
        assert_eq!(in_flight.len(), MOST_POSTED);
    }
}
