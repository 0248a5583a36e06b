//! Events: a bounded queue per subscriber that loses its oldest and says how many.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::value::RawValue;
use tokio::sync::Notify;

use crate::stats::Counters;
use crate::{Ended, Error, Event, well_formed};

/// How many bytes of parameters a queue holds: 4,096 events of 5 MB would be 20 GB.
const LARGEST_QUEUE: usize = 32 * 1024 * 1024;

/// A subscriber's events, in the order they came.
#[derive(Debug)]
pub struct Events {
    queue: Arc<Queue>,
}

/// What came next.
#[derive(Debug)]
pub enum Next {
    /// An event.
    Event(RawEvent),
    /// So many events were lost here, because the subscriber was too slow.
    Lagged(u64),
    /// The session ended; nothing comes any more.
    Ended(Ended),
}

/// An event whose parameters are not read yet. Cheap to clone.
#[derive(Debug, Clone)]
pub struct RawEvent {
    /// The event's name.
    pub method: Arc<str>,
    /// Its parameters.
    pub params: Arc<RawValue>,
    counters: Arc<Counters>,
}

impl Events {
    pub(crate) const fn of(queue: Arc<Queue>) -> Self {
        Self { queue }
    }

    /// Waits for what comes next. After [`Next::Ended`] it returns the same again.
    ///
    /// # Cancel safety
    /// Yes: an event is taken only when it is returned.
    pub async fn next(&mut self) -> Next {
        loop {
            if let Some(next) = self.queue.take() {
                return next;
            }
            // There is one reader, so a notification between the two lines is kept for it.
            self.queue.filled.notified().await;
        }
    }

    /// Returns what came next if it is already there.
    pub fn try_next(&mut self) -> Option<Next> {
        self.queue.take()
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.queue.abandon();
    }
}

impl RawEvent {
    pub(crate) fn new(method: &str, params: Option<&RawValue>, counters: &Arc<Counters>) -> Self {
        let params = match params {
            // A copy, so that a small event doesn't keep a large read buffer alive in a queue.
            Some(params) => Arc::from(params.to_owned()),
            None => Arc::from(RawValue::NULL.to_owned()),
        };
        Self {
            method: Arc::from(method),
            params,
            counters: Arc::clone(counters),
        }
    }

    /// Tells whether this is an `E`.
    #[must_use]
    pub fn is<E: Event>(&self) -> bool {
        &*self.method == E::METHOD
    }

    /// Returns the event's parameters, or `None` if this is not an `E`.
    ///
    /// Parameters that can't be read are an error of this event alone; it is counted.
    #[must_use]
    pub fn decode<E: Event>(&self) -> Option<Result<E, Error>> {
        if !self.is::<E>() {
            return None;
        }
        let params = match self.params.get() {
            "null" => "{}",
            params => params,
        };
        let read = serde_json::from_str(params);
        let read = read.or_else(|_| serde_json::from_str(&well_formed(params)));
        Some(read.map_err(|source| {
            self.counters.undecodable.add(1);
            Error::Decode {
                method: E::METHOD.to_owned(),
                source,
            }
        }))
    }
}

/// One subscriber's queue.
#[derive(Debug)]
pub(crate) struct Queue {
    held: Mutex<Held>,
    filled: Notify,
    capacity: usize,
}

#[derive(Debug, Default)]
struct Held {
    events: VecDeque<RawEvent>,
    bytes: usize,
    /// How many were lost in front of `events`.
    lagged: u64,
    ended: Option<Ended>,
    abandoned: bool,
}

impl Queue {
    pub(crate) fn new(capacity: usize) -> Arc<Self> {
        let capacity = capacity.max(1);
        Arc::new(Self {
            held: Mutex::default(),
            filled: Notify::new(),
            capacity,
        })
    }

    /// Adds an event, at the cost of the oldest; returns whether anybody still wants events.
    pub(crate) fn push(&self, event: &RawEvent) -> bool {
        let mut held = self.lock();
        if held.abandoned {
            return false;
        }
        let size = event.params.get().len();
        let mut lost = 0;
        // A single event larger than the bound is taken: its reader would miss it for good.
        while held.events.len() >= self.capacity || held.bytes + size > LARGEST_QUEUE {
            let Some(oldest) = held.events.pop_front() else {
                break;
            };
            held.bytes -= oldest.params.get().len();
            lost += 1;
        }
        held.lagged += lost;
        held.bytes += size;
        held.events.push_back(event.clone());
        drop(held);
        event.counters.lagged.add(lost);
        self.filled.notify_one();
        true
    }

    /// Ends the queue; what it holds is still given out.
    pub(crate) fn end(&self, cause: &Ended) {
        self.lock().ended.get_or_insert_with(|| cause.clone());
        self.filled.notify_one();
    }

    fn take(&self) -> Option<Next> {
        let mut held = self.lock();
        if held.lagged > 0 {
            return Some(Next::Lagged(std::mem::take(&mut held.lagged)));
        }
        if let Some(event) = held.events.pop_front() {
            held.bytes -= event.params.get().len();
            return Some(Next::Event(event));
        }
        // A burst's room is not kept for ever.
        if held.events.capacity() > 64 {
            held.events = VecDeque::new();
        }
        held.ended.clone().map(Next::Ended)
    }

    fn abandon(&self) {
        let mut held = self.lock();
        held.abandoned = true;
        held.events = VecDeque::new();
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
