//! Tasks: every one has a kind, and every kind its two fates.
//!
//! No other module of the product spawns. A task's panic is caught here and treated as its
//! error: it ends what the task stood for, never the daemon (invariant 12).

use std::future::Future;
use std::sync::Arc;

use tokio::task::{AbortHandle, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What a task is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TaskKind {
    /// A session's own task.
    Session,
    /// One call's page work.
    PageWork,
    /// Keeps a page's picture of itself from its events.
    PageEvents,
    /// Reads and writes one CDP connection.
    CdpConnection,
    /// A call that goes on when its caller has left.
    Call,
    /// Captures a checkpoint.
    Checkpoint,
    /// Watches a process.
    ProcessWatch,
    /// Writes to the database.
    StoreWriter,
    /// Serves a listener or one of its connections.
    Server,
    /// Housekeeping that may be missed.
    Background,
}

/// What shutdown does to a task.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnCancel {
    /// Shutdown waits for its end.
    Wait,
    /// Shutdown drops it where it stands.
    Abort,
}

/// What an error or a panic in a task means for the others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnError {
    /// The daemon can't go on without it.
    StopDaemon,
    /// It ends the session it belongs to; its owner sees that by the task's end.
    EndOwner,
    /// It is written to the log.
    Log,
}

/// How a task ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It ran to its end.
    Finished,
    /// It panicked.
    Panicked,
    /// It was dropped by shutdown or by its owner.
    Aborted,
}

impl TaskKind {
    /// Returns what shutdown does to a task of this kind.
    #[must_use]
    pub const fn on_cancel(self) -> OnCancel {
        match self {
            // A half-written checkpoint is worse than a slow shutdown.
            // So is a call of which nobody can tell how far it came.
            Self::Session | Self::Call | Self::Checkpoint | Self::StoreWriter | Self::Server => {
                OnCancel::Wait
            }
            Self::PageWork
            | Self::PageEvents
            | Self::CdpConnection
            | Self::ProcessWatch
            | Self::Background => OnCancel::Abort,
        }
    }

    /// Returns what an error or a panic in a task of this kind means for the others.
    #[must_use]
    pub const fn on_error(self) -> OnError {
        match self {
            Self::StoreWriter => OnError::StopDaemon,
            // One session's bug is that session's end, never the daemon's.
            Self::Session | Self::PageEvents | Self::CdpConnection => OnError::EndOwner,
            Self::PageWork
            | Self::Call
            | Self::Checkpoint
            | Self::ProcessWatch
            | Self::Server
            | Self::Background => OnError::Log,
        }
    }
}

/// Spawns tasks and sees them out at shutdown. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    shutdown: CancellationToken,
    broken: Arc<CancellationToken>,
}

/// A spawned task.
#[derive(Debug)]
pub struct TaskHandle {
    abort: AbortHandle,
    done: tokio::sync::watch::Receiver<Option<Fate>>,
}

impl TaskHandle {
    /// Drops the task where it stands.
    pub fn abort(&self) {
        self.abort.abort();
    }

    /// Waits until the task has ended.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn ended(&mut self) -> Fate {
        match self.done.wait_for(Option::is_some).await {
            Ok(fate) => fate.unwrap_or(Fate::Aborted),
            Err(_) => Fate::Aborted,
        }
    }
}

impl Tasks {
    /// Returns an empty set of tasks.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Spawns a task.
    ///
    /// A task whose kind is aborted at shutdown needs no care of its own; the others watch
    /// [`Tasks::shutdown`].
    pub fn spawn(
        &self,
        kind: TaskKind,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> TaskHandle {
        let (tell, done) = tokio::sync::watch::channel(None);
        let shutdown = self.shutdown.clone();
        let broken = Arc::clone(&self.broken);
        let work = async move {
            match kind.on_cancel() {
                OnCancel::Wait => work.await,
                OnCancel::Abort => tokio::select! {
                    () = shutdown.cancelled() => {}
                    () = work => {}
                },
            }
        };
        // The outer task survives a panic of the inner one and tells its fate.
        let inner = self
            .tracker
            .spawn(tracing::Instrument::in_current_span(work));
        let abort = inner.abort_handle();
        self.tracker
            .spawn(tracing::Instrument::in_current_span(async move {
                let fate = fate_of(inner.await);
                if fate == Fate::Panicked {
                    tracing::error!(?kind, "task panicked");
                    if kind.on_error() == OnError::StopDaemon {
                        broken.cancel();
                    }
                }
                tell.send_replace(Some(fate));
            }));
        TaskHandle { abort, done }
    }

    /// Runs blocking work on a thread for it.
    ///
    /// # Errors
    /// [`Fate::Panicked`] or [`Fate::Aborted`] if it didn't run to its end.
    ///
    /// # Cancel safety
    /// The work runs to its end even if nobody waits for it any more.
    pub async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Fate> {
        self.tracker
            .spawn_blocking(work)
            .await
            .map_err(|err| fate_of(Err(err)))
    }

    /// Returns the token that is cancelled when the tasks should end.
    #[must_use]
    pub fn shutdown(&self) -> &CancellationToken {
        &self.shutdown
    }

    /// Waits until a task that the daemon can't go on without has failed.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn broken(&self) {
        self.broken.cancelled().await;
    }

    /// Tells every task to end and waits until they have.
    ///
    /// The caller bounds the wait: a task that hangs would hold it for ever.
    ///
    /// # Cancel safety
    /// Yes: call it again to go on waiting.
    pub async fn stop(&self) {
        self.shutdown.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

fn fate_of(ended: Result<(), JoinError>) -> Fate {
    match ended {
        Ok(()) => Fate::Finished,
        Err(err) if err.is_panic() => Fate::Panicked,
        Err(_) => Fate::Aborted,
    }
}

/// Tasks that belong to one owner, give it their results and end with it.
#[derive(Debug)]
pub struct TaskSet<T> {
    set: JoinSet<T>,
}

impl<T: Send + 'static> Default for TaskSet<T> {
    fn default() -> Self {
        Self {
            set: JoinSet::new(),
        }
    }
}

impl<T: Send + 'static> TaskSet<T> {
    /// Returns an empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Spawns a task of the owner's.
    pub fn spawn(
        &mut self,
        kind: TaskKind,
        work: impl Future<Output = T> + Send + 'static,
    ) -> AbortHandle {
        tracing::trace!(?kind, "task of an owner starts");
        self.set.spawn(tracing::Instrument::in_current_span(work))
    }

    /// Waits for the next task to end; `None` when none is left.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn join_next(&mut self) -> Option<Result<T, Fate>> {
        let ended = self.set.join_next().await?;
        Some(ended.map_err(|err| fate_of(Err(err))))
    }

    /// Returns how many tasks have not been joined.
    #[must_use]
    pub fn len(&self) -> usize {
        self.set.len()
    }

    /// Tells whether no task is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.set.is_empty()
    }

    /// Drops every task where it stands.
    pub fn abort_all(&mut self) {
        self.set.abort_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_fate_and_nothing_more() {
        let tasks = Tasks::new();
        let mut task = tasks.spawn(TaskKind::Session, async { panic!("on purpose") });
        assert_eq!(task.ended().await, Fate::Panicked);
        tasks.stop().await;
    }

    #[tokio::test]
    async fn a_broken_store_writer_is_told() {
        let tasks = Tasks::new();
        tasks.spawn(TaskKind::StoreWriter, async { panic!("on purpose") });
        tasks.broken().await;
    }

    #[tokio::test]
    async fn stop_aborts_what_may_be_aborted_and_waits_for_the_rest() {
        let tasks = Tasks::new();
        let mut pump = tasks.spawn(TaskKind::PageEvents, std::future::pending());
        let shutdown = tasks.shutdown().clone();
        let mut session = tasks.spawn(TaskKind::Session, async move { shutdown.cancelled().await });
        tasks.stop().await;
        assert_eq!(pump.ended().await, Fate::Finished);
        assert_eq!(session.ended().await, Fate::Finished);
    }
}
