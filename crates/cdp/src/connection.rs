//! One connection to one browser: its sessions, its tasks, and the one cause of its end.

mod inner;

use std::sync::Arc;

use base::{TaskKind, Tasks};
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{LinkLost, ProtocolError, Session, Stats, Transport, reader};

pub(crate) use inner::Inner;

/// What a connection is made with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The first id given to a command; an adopted browser's continue from its last.
    pub first_id: u32,
    /// How many events a subscriber may be behind.
    pub event_capacity: usize,
    /// How many replies to an earlier daemon's commands may wait in [`Connection::late`].
    pub late_capacity: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            first_id: 1,
            event_capacity: 4096,
            late_capacity: 1024,
        }
    }
}

/// A connection that reads nothing yet: sessions can be attached before the first message.
pub struct Prepared {
    connection: Connection,
}

/// A connection to a browser. Cheap to clone; when the last clone and the last session of it are
/// dropped, the link is closed.
#[derive(Clone)]
pub struct Connection {
    inner: Arc<Inner>,
    _open: Arc<DropGuard>,
}

/// A reply to a command that was sent before this connection was made.
#[derive(Debug)]
pub struct Late {
    /// The command's id.
    pub id: u32,
    /// The session it was sent on.
    pub session_id: Option<String>,
    /// The browser's answer.
    pub result: Result<Box<RawValue>, ProtocolError>,
}

/// A session that was never attached here and sends events. Told once a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray {
    /// The session.
    pub session_id: String,
    /// The first event that came of it.
    pub method: String,
}

impl Prepared {
    /// Returns the session `session_id`; its events are kept from the first message on.
    #[must_use]
    pub fn attach(&self, session_id: &str) -> Session {
        self.connection.attach(session_id)
    }

    /// Returns the browser's own session.
    #[must_use]
    pub fn root(&self) -> Session {
        self.connection.root()
    }

    /// Starts to read and write.
    #[must_use]
    pub fn start(self, transport: Transport, tasks: &Tasks) -> Connection {
        let Transport { incoming, outgoing } = transport;
        let inner = &self.connection.inner;
        inner.outbox.open(outgoing);
        // The guards are made here: a task that is aborted before its first poll must still
        // fail who waits.
        let (failed, failure) = oneshot::channel();
        let reading = reader::run(reader::Guard::of(inner), incoming, failure);
        let writing = reader::write(reader::Guard::of(inner), failed);
        tasks.spawn(TaskKind::CdpConnection, reading);
        tasks.spawn(TaskKind::CdpConnection, writing);
        self.connection
    }
}

impl Connection {
    /// Makes a connection that does not read yet.
    #[must_use]
    pub fn prepare(options: Options) -> Prepared {
        let close = CancellationToken::new();
        let guard = Arc::new(close.clone().drop_guard());
        let inner = Arc::new(Inner::new(&options, close));
        Prepared {
            connection: Self {
                inner,
                _open: guard,
            },
        }
    }

    /// Makes a connection and starts it.
    #[must_use]
    pub fn open(transport: Transport, options: Options, tasks: &Tasks) -> Self {
        Self::prepare(options).start(transport, tasks)
    }

    /// Returns the browser's own session.
    #[must_use]
    pub fn root(&self) -> Session {
        Session::of(self.clone(), Arc::clone(&self.inner.root))
    }

    /// Returns the session `session_id` and keeps its events from now on. Sends nothing.
    ///
    /// The same id gives the same session. One that the browser has detached is returned ended.
    #[must_use]
    pub fn attach(&self, session_id: &str) -> Session {
        Session::of(self.clone(), self.inner.attach(session_id))
    }

    /// Returns an id for [`Session::call_as`].
    #[must_use]
    pub fn reserve_id(&self) -> u32 {
        self.inner.in_flight.reserve()
    }

    /// Returns the id the next command will have: where the next daemon continues.
    #[must_use]
    pub fn next_id(&self) -> u32 {
        self.inner.in_flight.next()
    }

    /// Returns how many messages the transport has taken so far.
    ///
    /// Whatever is sent from now on is counted from this number on: told by the other side how
    /// many were read, one knows which were not.
    #[must_use]
    pub fn n_sent(&self) -> u64 {
        self.inner.outbox.n_sent()
    }

    /// Returns the replies to commands of an earlier daemon; `None` if they were taken before.
    /// They end with the link.
    #[must_use]
    pub fn late(&self) -> Option<mpsc::Receiver<Late>> {
        self.inner.sessions().late.take()
    }

    /// Returns the sessions that send events and were never attached; `None` if taken before.
    /// They end with the link.
    #[must_use]
    pub fn strays(&self) -> Option<mpsc::Receiver<Stray>> {
        self.inner.sessions().strays.take()
    }

    /// Waits until the link is gone.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn lost(&self) -> Arc<LinkLost> {
        self.inner.until_lost().await;
        self.inner.loss()
    }

    /// Returns why the link is gone, or `None` while it is there.
    #[must_use]
    pub fn is_lost(&self) -> Option<Arc<LinkLost>> {
        self.inner.lost.borrow().clone()
    }

    /// Closes the link: every waiter fails and every session ends.
    pub fn close(&self) {
        self.inner.lose(LinkLost::ClosedHere);
    }

    /// Returns what was counted so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.inner.counters.read()
    }

    /// Returns how many commands have no reply yet.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.inner.in_flight.len()
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.inner
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("lost", &self.is_lost())
            .finish_non_exhaustive()
    }
}
