//! One connection to one browser: its sessions, its tasks, and the one cause of its end.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base::{TaskKind, Tasks};
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::in_flight::InFlight;
use crate::outbox::{NoRoom, Outbox};
use crate::session::State;
use crate::stats::Counters;
use crate::{Ended, Error, LinkLost, ProtocolError, Session, Stats, Transport, reader};

/// How many ended sessions are remembered, so that what is still in flight of them is no stray.
const MOST_GONE: usize = 1024;
/// How many stray sessions are told, and how many of them may wait to be heard.
const MOST_STRAYS: usize = 1024;
const STRAYS_WAITING: usize = 256;

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

    /// Returns the replies to commands of an earlier daemon; `None` if they were taken before.
    #[must_use]
    pub fn late(&self) -> Option<mpsc::Receiver<Late>> {
        self.inner.sessions().late.take()
    }

    /// Returns the sessions that send events and were never attached; `None` if taken before.
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

/// What handles and tasks share.
pub(crate) struct Inner {
    pub(crate) in_flight: InFlight,
    pub(crate) outbox: Outbox,
    pub(crate) counters: Arc<Counters>,
    pub(crate) late: mpsc::Sender<Late>,
    pub(crate) root: Arc<State>,
    /// Cancelled when nobody holds the connection any more, or it is closed.
    pub(crate) close: CancellationToken,
    lost: watch::Sender<Option<Arc<LinkLost>>>,
    stray: mpsc::Sender<Stray>,
    event_capacity: usize,
    sessions: Mutex<Sessions>,
}

struct Sessions {
    open: HashMap<Arc<str>, Arc<State>>,
    gone: HashMap<Arc<str>, Ended>,
    gone_order: VecDeque<Arc<str>>,
    strays_told: HashSet<Box<str>>,
    lost: Option<Arc<LinkLost>>,
    late: Option<mpsc::Receiver<Late>>,
    strays: Option<mpsc::Receiver<Stray>>,
}

impl Inner {
    fn new(options: &Options, close: CancellationToken) -> Self {
        let (late, late_out) = mpsc::channel(options.late_capacity.max(1));
        let (stray, strays) = mpsc::channel(STRAYS_WAITING);
        let sessions = Sessions {
            open: HashMap::new(),
            gone: HashMap::new(),
            gone_order: VecDeque::new(),
            strays_told: HashSet::new(),
            lost: None,
            late: Some(late_out),
            strays: Some(strays),
        };
        Self {
            in_flight: InFlight::new(options.first_id),
            outbox: Outbox::new(),
            counters: Arc::default(),
            late,
            root: State::root(options.event_capacity),
            close,
            lost: watch::Sender::new(None),
            stray,
            event_capacity: options.event_capacity,
            sessions: Mutex::new(sessions),
        }
    }

    /// Returns the session an event belongs to, or `None` if it is no open one.
    pub(crate) fn find(&self, session_id: &str) -> Option<Arc<State>> {
        self.sessions().open.get(session_id).cloned()
    }

    fn attach(&self, session_id: &str) -> Arc<State> {
        let mut sessions = self.sessions();
        if let Some(state) = sessions.open.get(session_id) {
            return Arc::clone(state);
        }
        let state = State::flat(Arc::from(session_id), self.event_capacity);
        let gone = match sessions.gone.get(session_id) {
            // A crashed page's session goes on once the page is loaded again.
            None | Some(Ended::Crashed) => sessions.lost.clone().map(Ended::Lost),
            Some(ended) => Some(ended.clone()),
        };
        if let Some(cause) = gone {
            state.end(&cause);
            return state;
        }
        sessions.forget_gone(session_id);
        sessions.strays_told.remove(session_id);
        sessions
            .open
            .insert(Arc::from(session_id), Arc::clone(&state));
        state
    }

    /// Ends a session and the sessions announced on it.
    pub(crate) fn end(&self, state: &State, cause: Ended) {
        let Some(children) = state.end(&cause) else {
            return;
        };
        if let Some(id) = &state.id {
            let mut sessions = self.sessions();
            // A newer session may have the id by now.
            if sessions
                .open
                .get(id)
                .is_some_and(|open| open.serial == state.serial)
            {
                sessions.open.remove(id);
                sessions.remember_gone(Arc::clone(id), cause.clone());
            }
        }
        self.in_flight.end(state.serial, &cause);
        for child in children {
            self.end_id(&child, cause.clone());
        }
    }

    /// Ends the session `session_id`, also if nobody has attached it yet.
    pub(crate) fn end_id(&self, session_id: &str, cause: Ended) {
        match self.find(session_id) {
            Some(state) => self.end(&state, cause),
            None => self.sessions().remember_gone(Arc::from(session_id), cause),
        }
    }

    /// Counts an event of a session that isn't attached, and tells it once.
    pub(crate) fn stray(&self, session_id: &str, method: &str) {
        self.counters.strays.add(1);
        let mut sessions = self.sessions();
        let known = sessions.gone.contains_key(session_id);
        let told = sessions.strays_told.contains(session_id);
        if known || told || sessions.strays_told.len() >= MOST_STRAYS {
            return;
        }
        let stray = Stray {
            session_id: session_id.to_owned(),
            method: method.to_owned(),
        };
        // One that found no room is told at its next event.
        if self.stray.try_send(stray).is_ok() {
            sessions.strays_told.insert(session_id.into());
        }
    }

    /// Fails every waiter and ends every session, all with the first cause there was.
    pub(crate) fn lose(&self, cause: LinkLost) {
        let cause = Arc::new(cause);
        let first = self.lost.send_if_modified(|lost| {
            let first = lost.is_none();
            lost.get_or_insert_with(|| Arc::clone(&cause));
            first
        });
        if !first {
            return;
        }
        tracing::debug!(%cause, "link lost");
        self.in_flight.lose(&cause);
        self.outbox.close();
        self.close.cancel();
        let open = {
            let mut sessions = self.sessions();
            sessions.lost = Some(Arc::clone(&cause));
            std::mem::take(&mut sessions.open)
        };
        for state in open.values().chain([&self.root]) {
            state.end(&Ended::Lost(Arc::clone(&cause)));
        }
    }

    pub(crate) async fn until_lost(&self) {
        // The sender lives in `self`, so that the wait can't fail.
        self.lost.subscribe().wait_for(Option::is_some).await.ok();
    }

    pub(crate) fn loss(&self) -> Arc<LinkLost> {
        self.lost
            .borrow()
            .clone()
            .unwrap_or_else(|| Arc::new(LinkLost::Unread))
    }

    pub(crate) fn no_room(&self, refused: NoRoom, method: &str) -> Error {
        match refused {
            NoRoom::Full => Error::Busy {
                method: method.to_owned(),
            },
            NoRoom::Closed => Error::Lost(self.loss()),
            NoRoom::Stopped(stopped) => Error::NotSent(stopped),
        }
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sessions {
    fn remember_gone(&mut self, id: Arc<str>, cause: Ended) {
        if self.gone.insert(Arc::clone(&id), cause).is_none() {
            self.gone_order.push_back(id);
        }
        while self.gone_order.len() > MOST_GONE {
            if let Some(oldest) = self.gone_order.pop_front() {
                self.gone.remove(&oldest);
            }
        }
    }

    fn forget_gone(&mut self, id: &str) {
        if self.gone.remove(id).is_some() {
            self.gone_order.retain(|held| &**held != id);
        }
    }
}
