//! What a call carries down to every step it takes.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{CallId, Instant};

/// How long a call may take, and whether it is still wanted.
///
/// Timeouts are set at the doors. A function below them has none of its own; it spends its
/// caller's by [`Ctx::race`].
#[derive(Clone, Debug)]
pub struct Ctx {
    /// When the call must have an answer.
    pub deadline: Instant,
    /// Cancelled when the caller has gone or has asked for it.
    pub cancel: CancellationToken,
    /// The call this is a step of.
    pub call: CallId,
}

/// Why a call ended without its result.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Stopped {
    /// The deadline passed.
    #[error("the deadline passed")]
    Deadline,
    /// The caller went away or cancelled.
    #[error("the call was cancelled")]
    Cancelled,
}

impl Ctx {
    /// Returns the context of a new call that may take `limit`.
    #[must_use]
    pub fn within(limit: Duration) -> Self {
        Self {
            deadline: Instant::now() + limit,
            cancel: CancellationToken::new(),
            call: CallId::new(),
        }
    }

    /// Returns the context of a step of this call that may take `limit` at the most.
    #[must_use]
    pub fn at_most(&self, limit: Duration) -> Self {
        let deadline = self.deadline.min(Instant::now() + limit);
        Self {
            deadline,
            cancel: self.cancel.clone(),
            call: self.call,
        }
    }

    /// Returns how much of the call's time is left.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Runs `work` until it ends, the deadline passes or the caller goes away.
    ///
    /// # Errors
    /// [`Stopped`] says which of the two came first; `work` is dropped where it stands.
    ///
    /// # Cancel safety
    /// As cancel safe as `work`.
    pub async fn race<T>(&self, work: impl Future<Output = T>) -> Result<T, Stopped> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Stopped::Cancelled),
            out = tokio::time::timeout_at(self.deadline, work) => out.map_err(|_| Stopped::Deadline),
        }
    }

    /// Waits for `pause`, or less if the call ends first.
    ///
    /// # Errors
    /// [`Stopped`] if the call ended during the pause.
    ///
    /// # Cancel safety
    /// Yes: nothing but time is lost.
    pub async fn pause(&self, pause: Duration) -> Result<(), Stopped> {
        self.race(tokio::time::sleep(pause)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_deadline_ends_a_wait() {
        let ctx = Ctx::within(Duration::from_secs(30));
        let out = ctx.race(std::future::pending::<()>()).await;
        assert_eq!(out, Err(Stopped::Deadline));
        assert_eq!(ctx.remaining(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancel_wins_over_work_that_is_ready() {
        let ctx = Ctx::within(Duration::from_secs(30));
        ctx.cancel.cancel();
        assert_eq!(ctx.race(async { 1 }).await, Err(Stopped::Cancelled));
    }

    #[tokio::test(start_paused = true)]
    async fn a_step_gets_no_more_time_than_its_call_has() {
        let ctx = Ctx::within(Duration::from_secs(1));
        assert_eq!(ctx.at_most(Duration::from_secs(9)).deadline, ctx.deadline);
    }
}
