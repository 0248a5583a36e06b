//! What is to be sent: a queue bounded in bytes, and the sink it empties into.
//!
//! The one who queues a message also writes it, if the sink is free and takes it at once: that
//! saves a task switch on every call. Where the sink is not ready the writer task goes on.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::task::{Context, Poll, Waker};

use base::{Ctx, Stopped};
use bytes::Bytes;
use futures_util::Sink;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, TryAcquireError};

/// How much may wait to be sent, in units of [`UNIT`]; a message costs one unit at least.
const ROOM: u32 = 65_536;
const UNIT: usize = 1024;

type Outgoing = Pin<Box<dyn Sink<Bytes, Error = io::Error> + Send>>;

/// What is to be sent.
pub(crate) struct Outbox {
    waiting: Mutex<VecDeque<Parcel>>,
    room: Arc<Semaphore>,
    sink: Mutex<Slot>,
    /// Told when the writer task must poll the sink itself.
    wake: Notify,
    /// How many messages the sink has taken.
    n_sent: AtomicU64,
}

struct Parcel {
    id: u32,
    message: Bytes,
    /// Given back when the sink has taken the message.
    _room: OwnedSemaphorePermit,
}

#[derive(Default)]
struct Slot {
    outgoing: Option<Outgoing>,
    /// What went wrong while another than the writer task wrote.
    failure: Option<io::Error>,
}

/// Room for one message.
pub(crate) struct Room(OwnedSemaphorePermit);

/// Why there is no room.
pub(crate) enum NoRoom {
    Full,
    Closed,
    Stopped(Stopped),
}

impl Outbox {
    pub(crate) fn new() -> Self {
        Self {
            waiting: Mutex::default(),
            room: Arc::new(Semaphore::new(ROOM as usize)),
            sink: Mutex::default(),
            wake: Notify::new(),
            n_sent: AtomicU64::new(0),
        }
    }

    /// Gives the outbox its sink. What was queued before is sent by the writer task.
    pub(crate) fn open(&self, outgoing: Outgoing) {
        self.slot().outgoing = Some(outgoing);
    }

    /// Drops the sink and refuses what is still to come.
    pub(crate) fn close(&self) {
        self.room.close();
        self.waiting().clear();
        self.slot().outgoing = None;
        self.wake.notify_one();
    }

    /// Takes room for a message of `size`, if there is any now.
    pub(crate) fn try_room(&self, size: usize) -> Result<Room, NoRoom> {
        match Arc::clone(&self.room).try_acquire_many_owned(units(size)) {
            Ok(permit) => Ok(Room(permit)),
            Err(TryAcquireError::NoPermits) => Err(NoRoom::Full),
            Err(TryAcquireError::Closed) => Err(NoRoom::Closed),
        }
    }

    /// Waits for room for a message of `size`, in the order of asking.
    pub(crate) async fn room(&self, ctx: &Ctx, size: usize) -> Result<Room, NoRoom> {
        match self.try_room(size) {
            Err(NoRoom::Full) => {}
            decided => return decided,
        }
        let wait = Arc::clone(&self.room).acquire_many_owned(units(size));
        match ctx.race(wait).await {
            Ok(Ok(permit)) => Ok(Room(permit)),
            Ok(Err(_)) => Err(NoRoom::Closed),
            Err(stopped) => Err(NoRoom::Stopped(stopped)),
        }
    }

    /// Queues a message, and sends it if that needs no waiting.
    pub(crate) fn send(&self, id: u32, message: Bytes, room: Room) {
        self.waiting().push_back(Parcel {
            id,
            message,
            _room: room.0,
        });
        let mut slot = match self.sink.try_lock() {
            Ok(slot) => slot,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                // Who holds the sink may have looked at the queue before the push.
                self.wake.notify_one();
                return;
            }
        };
        let sent = self.fill(&mut slot, &mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(Err(failure)) = sent {
            slot.outgoing = None;
            slot.failure = Some(failure);
            self.wake.notify_one();
        } else if sent.is_pending() {
            // The sink now knows a waker that wakes nobody: the writer task must poll again.
            self.wake.notify_one();
        }
    }

    /// Returns how many messages the sink has taken.
    pub(crate) fn n_sent(&self) -> u64 {
        self.n_sent.load(Ordering::Relaxed)
    }

    /// Takes back a message that has not been given to the sink.
    pub(crate) fn withdraw(&self, id: u32) -> bool {
        let mut waiting = self.waiting();
        let at = waiting.iter().position(|parcel| parcel.id == id);
        at.and_then(|at| waiting.remove(at)).is_some()
    }

    /// Sends what others couldn't, until the sink fails. The writer task runs this.
    pub(crate) async fn run(&self) -> io::Error {
        loop {
            let pumped = std::future::poll_fn(|cx| {
                let mut slot = self.slot();
                if let Some(failure) = slot.failure.take() {
                    return Poll::Ready(Err(failure));
                }
                self.fill(&mut slot, cx)
            });
            tokio::select! {
                biased;
                () = self.wake.notified() => continue,
                pumped = pumped => if let Err(failure) = pumped { return failure },
            }
            self.wake.notified().await;
        }
    }

    /// Moves what waits into the sink, and flushes it.
    fn fill(&self, slot: &mut Slot, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(outgoing) = &mut slot.outgoing else {
            return Poll::Ready(Ok(()));
        };
        loop {
            if self.waiting().is_empty() {
                return outgoing.as_mut().poll_flush(cx);
            }
            std::task::ready!(outgoing.as_mut().poll_ready(cx))?;
            // It may have been withdrawn in between.
            let Some(parcel) = self.waiting().pop_front() else {
                continue;
            };
            outgoing.as_mut().start_send(parcel.message)?;
            self.n_sent.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Parcel>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.sink.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A message larger than all the room waits until it has it to itself.
fn units(size: usize) -> u32 {
    u32::try_from(size.div_ceil(UNIT))
        .unwrap_or(ROOM)
        .clamp(1, ROOM)
}
