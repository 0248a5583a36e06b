//! What a connection's handles and tasks share: where messages go, and the one end of it all.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::{Late, Options, Stray};
use crate::in_flight::InFlight;
use crate::outbox::{NoRoom, Outbox};
use crate::session::State;
use crate::stats::Counters;
use crate::{Ended, Error, LinkLost};

/// How many ended sessions are remembered, so that what is still in flight of them is no stray.
const MOST_GONE: usize = 1024;
/// How many stray sessions are told, and how many of them may wait to be heard.
const MOST_STRAYS: usize = 1024;
const STRAYS_WAITING: usize = 256;

/// What handles and tasks share.
pub(crate) struct Inner {
    pub(crate) in_flight: InFlight,
    pub(crate) outbox: Outbox,
    pub(crate) counters: Arc<Counters>,
    pub(crate) root: Arc<State>,
    /// Cancelled when nobody holds the connection any more, or it is closed.
    pub(crate) close: CancellationToken,
    pub(super) lost: watch::Sender<Option<Arc<LinkLost>>>,
    event_capacity: usize,
    sessions: Mutex<Sessions>,
}

pub(super) struct Sessions {
    open: HashMap<Arc<str>, Arc<State>>,
    gone: HashMap<Arc<str>, Ended>,
    gone_order: VecDeque<Arc<str>>,
    strays_told: HashSet<Box<str>>,
    lost: Option<Arc<LinkLost>>,
    /// Both are dropped with the link, so that who listens hears its end.
    tell_late: Option<mpsc::Sender<Late>>,
    tell_stray: Option<mpsc::Sender<Stray>>,
    pub(super) late: Option<mpsc::Receiver<Late>>,
    pub(super) strays: Option<mpsc::Receiver<Stray>>,
}

impl Inner {
    pub(super) fn new(options: &Options, close: CancellationToken) -> Self {
        let (tell_late, late) = mpsc::channel(options.late_capacity.max(1));
        let (tell_stray, strays) = mpsc::channel(STRAYS_WAITING);
        let sessions = Sessions {
            open: HashMap::new(),
            gone: HashMap::new(),
            gone_order: VecDeque::new(),
            strays_told: HashSet::new(),
            lost: None,
            tell_late: Some(tell_late),
            tell_stray: Some(tell_stray),
            late: Some(late),
            strays: Some(strays),
        };
        Self {
            in_flight: InFlight::new(options.first_id),
            outbox: Outbox::new(),
            counters: Arc::default(),
            root: State::root(options.event_capacity),
            close,
            lost: watch::Sender::new(None),
            event_capacity: options.event_capacity,
            sessions: Mutex::new(sessions),
        }
    }

    /// Returns the session an event belongs to, or `None` if it is no open one.
    pub(crate) fn find(&self, session_id: &str) -> Option<Arc<State>> {
        self.sessions().open.get(session_id).cloned()
    }

    pub(super) fn attach(&self, session_id: &str) -> Arc<State> {
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
        let told = sessions
            .tell_stray
            .as_ref()
            .is_some_and(|tell| tell.try_send(stray).is_ok());
        if told {
            sessions.strays_told.insert(session_id.into());
        }
    }

    /// Hands on a reply to a command of an earlier daemon.
    pub(crate) fn late(&self, late: Late) {
        let sessions = self.sessions();
        let told = sessions
            .tell_late
            .as_ref()
            .is_some_and(|tell| tell.try_send(late).is_ok());
        if !told {
            self.counters.late_overflow.add(1);
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
            sessions.tell_late = None;
            sessions.tell_stray = None;
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

    pub(super) fn sessions(&self) -> MutexGuard<'_, Sessions> {
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
