//! What the connection knows of a session: its subscribers, its children, its end.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::events::Queue;
use crate::{Ended, Events, RawEvent};

/// More children than this are not noted: each is a frame or worker of one page.
const MOST_CHILDREN: usize = 4096;

/// What the connection knows of a session.
pub(crate) struct State {
    pub(crate) id: Option<Arc<str>>,
    /// Tells this session's waiters from those of an earlier one with the same id.
    pub(crate) serial: u64,
    capacity: usize,
    held: Mutex<Held>,
}

struct Held {
    subscribers: Vec<Arc<Queue>>,
    /// The queue that waits for the first subscriber.
    unclaimed: Option<Arc<Queue>>,
    /// Sessions that were announced on this one, and end with it.
    children: Vec<Arc<str>>,
    ended: Option<Ended>,
}

impl State {
    pub(crate) fn root(capacity: usize) -> Arc<Self> {
        Self::made(None, capacity)
    }

    pub(crate) fn flat(id: Arc<str>, capacity: usize) -> Arc<Self> {
        Self::made(Some(id), capacity)
    }

    fn made(id: Option<Arc<str>>, capacity: usize) -> Arc<Self> {
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        let unclaimed = Queue::new(capacity);
        let held = Held {
            subscribers: vec![Arc::clone(&unclaimed)],
            unclaimed: Some(unclaimed),
            children: Vec::new(),
            ended: None,
        };
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        Arc::new(Self {
            id,
            serial,
            capacity,
            held: Mutex::new(held),
        })
    }

    pub(crate) fn ended(&self) -> Option<Ended> {
        self.lock().ended.clone()
    }

    /// Gives an event to every subscriber there is.
    pub(crate) fn deliver(&self, event: &RawEvent) {
        self.lock().subscribers.retain(|queue| queue.push(event));
    }

    /// Ends the queues and returns the children to be ended too; `None` if it had ended before.
    pub(crate) fn end(&self, cause: &Ended) -> Option<Vec<Arc<str>>> {
        let mut held = self.lock();
        if held.ended.is_some() {
            return None;
        }
        held.ended = Some(cause.clone());
        for queue in std::mem::take(&mut held.subscribers) {
            queue.end(cause);
        }
        Some(std::mem::take(&mut held.children))
    }

    pub(crate) fn adopt(&self, child: &str) {
        let mut held = self.lock();
        if held.children.len() < MOST_CHILDREN {
            held.children.push(Arc::from(child));
        }
    }

    pub(crate) fn disown(&self, child: &str) {
        self.lock().children.retain(|held| &**held != child);
    }

    pub(crate) fn subscribe(&self) -> Events {
        let mut held = self.lock();
        if let Some(queue) = held.unclaimed.take() {
            return Events::of(queue);
        }
        let queue = Queue::new(self.capacity);
        match &held.ended {
            Some(cause) => queue.end(cause),
            None => held.subscribers.push(Arc::clone(&queue)),
        }
        Events::of(queue)
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
