//! All sessions: finding them, and what happens to them at start and shutdown.
//!
//! ```text
//!   reconcile  what a start finds
//!   open       joined, resumed or made
//!   acting     calls on pages, checkpoints that are asked for
//!   show       lists
//!   ending     resumed, closed
//!   restoring  back to a chosen checkpoint
//!   deleting   a checkpoint goes
//!   forking    a new session from a checkpoint
//!   exporting  a checkpoint as a file, and back
//!   collecting what need not be kept is removed
//!   journal    calls under way, and what became of calls
//!   keyed      calls that are done once
//!   logins     of one origin, kept and put in place
//!   downloads  what pages have downloaded
//!   keeping    parked on request, kept alive, woken with the host
//! ```

mod acting;
mod collecting;
mod deleting;
mod downloads;
mod ending;
mod exporting;
mod forking;
mod journal;
mod keeping;
mod keyed;
mod logins;
mod open;
mod reconcile;
mod restoring;
mod settings;
mod show;
mod storage_state;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base::{CallId, SessionId, SessionKey, SessionName, StateName};
use store::SessionRow;
use tokio::sync::{Mutex as AsyncMutex, oneshot};

use crate::Error;
use crate::command::{Browsers, Command};
use crate::deps::Deps;
use crate::handle::Handle;
use crate::kv::Kv;
use crate::results::Results;
use crate::session::{Begin, Session};
use crate::slots::{Slot, Slots};

pub use downloads::{DownloadRead, MOST_READ};
pub use exporting::{Import, Keep};
pub use forking::Fork;
pub use journal::{CallRecord, InFlight};
pub use logins::{RestoredLogin, WhichLogin};
pub use open::{How, Open, Opened};
pub use show::{Filter, Listing};

/// Every session of a home. Cheap to clone.
#[derive(Clone)]
pub struct Sessions {
    inner: Arc<Inner>,
}

struct Inner {
    deps: Arc<Deps>,
    slots: Slots,
    handles: Mutex<HashMap<SessionId, Handle>>,
    in_flight: Mutex<HashSet<CallId>>,
    /// Opening, resuming and closing take turns, so that a key or a profile has one taker.
    turn: AsyncMutex<()>,
    stopping: AtomicBool,
    kv: Kv,
    results: Results,
}

impl Sessions {
    /// Takes over what the store holds: claimed browsers are adopted, orphaned ones ended.
    ///
    /// It returns when every session has its task; adopting goes on in them, and calls wait
    /// for it.
    ///
    /// # Errors
    /// Those of the store. A damaged row is reported in the log and left as it is.
    ///
    /// # Cancel safety
    /// No: start the daemon again.
    pub async fn start(deps: Deps) -> Result<Self, Error> {
        let slots = Slots::new(
            deps.config.max_sessions,
            deps.config.recoveries_at_once.max(1),
        );
        let deps = Arc::new(deps);
        let inner = Inner {
            kv: Kv::start(&deps),
            results: Results::start(&deps),
            slots,
            handles: Mutex::default(),
            in_flight: Mutex::default(),
            turn: AsyncMutex::default(),
            stopping: AtomicBool::new(false),
            deps,
        };
        let sessions = Self {
            inner: Arc::new(inner),
        };
        sessions.reconcile().await?;
        sessions.collect_now_and_then();
        sessions.watch_sleep();
        Ok(sessions)
    }

    /// Returns the KV store.
    #[must_use]
    pub fn kv(&self) -> &Kv {
        &self.inner.kv
    }

    /// Returns the response store.
    #[must_use]
    pub fn results(&self) -> &Results {
        &self.inner.results
    }

    fn deps(&self) -> &Arc<Deps> {
        &self.inner.deps
    }

    fn handles(&self) -> MutexGuard<'_, HashMap<SessionId, Handle>> {
        self.inner
            .handles
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn in_flight(&self) -> MutexGuard<'_, HashSet<CallId>> {
        self.inner
            .in_flight
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn spawn(
        &self,
        row: SessionRow,
        known: Vec<store::TabRow>,
        slot: Option<Slot>,
        begin: Begin,
    ) -> Handle {
        let slots = self.inner.slots.clone();
        let handle = Session::spawn(Arc::clone(self.deps()), row, known, slots, slot, begin);
        let mut handles = self.handles();
        handles.retain(|_, handle| !handle.is_ended());
        handles.insert(handle.id, handle.clone());
        handle
    }

    /// Returns the task of a session, starting one for a session at rest.
    async fn find(&self, name: &SessionName) -> Result<Handle, Error> {
        let row = match name {
            SessionName::Id(id) => {
                if let Some(handle) = self.live_handle(*id) {
                    return Ok(handle);
                }
                self.deps().store.sessions().get(*id).await?
            }
            SessionName::Key(key) => {
                let open = self.by_key(key);
                if let Some(handle) = open {
                    return Ok(handle);
                }
                self.deps().store.sessions().by_key(key).await?
            }
        };
        let row = row.ok_or_else(|| Error::NotFound { name: name.clone() })?;
        self.handle_of(row).await
    }

    /// Returns a session that is to have a browser again: a closed one only as long as no
    /// other session has its key. To be called with the turn held.
    async fn find_wakeable(&self, name: &SessionName) -> Result<(Handle, StateName), Error> {
        let handle = self.find(name).await?;
        let (state, key) = {
            let published = handle.published.borrow();
            (published.state, published.key.clone())
        };
        if state == StateName::Closed
            && let Some(key) = key
            && let Some(holder) = self.by_key(&key)
        {
            return Err(Error::KeyTaken {
                key,
                holder: holder.id,
            });
        }
        Ok((handle, state))
    }

    async fn handle_of(&self, row: SessionRow) -> Result<Handle, Error> {
        if let Some(handle) = self.live_handle(row.id) {
            return Ok(handle);
        }
        let known = self.deps().store.tabs().list(row.id).await?.rows;
        // Another caller may have started it meanwhile.
        if let Some(handle) = self.live_handle(row.id) {
            return Ok(handle);
        }
        Ok(self.spawn(row, known, None, Begin::Rest))
    }

    fn live_handle(&self, id: SessionId) -> Option<Handle> {
        self.handles()
            .get(&id)
            .filter(|handle| !handle.is_ended())
            .cloned()
    }

    fn by_key(&self, key: &SessionKey) -> Option<Handle> {
        let handles = self.handles();
        let of_key = handles.values().filter(|handle| !handle.is_ended());
        let mut of_key = of_key.filter(|handle| {
            let published = handle.published.borrow();
            published.key.as_ref() == Some(key) && published.state != StateName::Closed
        });
        of_key.next().cloned()
    }

    fn refuse_if_stopping(&self) -> Result<(), Error> {
        if self.inner.stopping.load(Ordering::SeqCst) {
            Err(Error::ShuttingDown)
        } else {
            Ok(())
        }
    }

    /// Returns how many sessions hold a browser, and how many may.
    #[must_use]
    pub fn places(&self) -> (usize, usize) {
        (self.inner.slots.taken(), self.deps().config.max_sessions)
    }

    /// Ends every session's task: takes a last checkpoint of those that are alive, and leaves
    /// or stops their browsers.
    ///
    /// The caller bounds the wait.
    ///
    /// # Cancel safety
    /// Call it again to go on waiting; what is not ended is adopted by the next daemon.
    pub async fn shut_down(&self, browsers: Browsers) {
        self.inner.stopping.store(true, Ordering::SeqCst);
        let handles: Vec<Handle> = self.handles().values().cloned().collect();
        let ends = handles.into_iter().map(|handle| async move {
            let (reply, told) = oneshot::channel();
            let sent = handle
                .commands
                .send(Command::ShutDown { browsers, reply })
                .await;
            if sent.is_ok() && told.await.is_err() {
                tracing::warn!(session = %handle.id, "a session ended without a last word");
            }
        });
        futures_util::future::join_all(ends).await;
    }
}
