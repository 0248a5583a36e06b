//! What need not be kept is removed: some time after the start, every six hours, on demand.

use std::sync::Arc;
use std::time::Duration;

use base::{SessionId, TaskKind};
use store::Collected;

use super::Sessions;
use crate::Error;

/// How long after the start the first collection waits: adopting browsers comes first.
const FIRST: Duration = Duration::from_secs(30);
/// How long each further one waits.
const EVERY: Duration = Duration::from_secs(6 * 3600);

impl Sessions {
    /// Removes checkpoints, closed sessions and parts that need not be kept any more.
    ///
    /// # Errors
    /// Those of the store. What one session's trouble keeps is logged and left for the next
    /// time.
    ///
    /// # Cancel safety
    /// What is removed by then is removed whole; the rest stays for the next time.
    pub async fn collect(&self) -> Result<Collected, Error> {
        let in_use: Vec<SessionId> = {
            let handles = self.handles();
            let live = handles.values().filter(|handle| !handle.is_ended());
            live.map(|handle| handle.id).collect()
        };
        let deps = self.deps();
        let (retention, now) = (deps.config.retention, deps.clock.wall());
        let retentions = deps.store.retentions();
        let collected = retentions.collect(retention, now, &in_use).await?;
        self.sweep_downloads().await;
        let keys = deps.store.call_keys().forget_keys(now).await?;
        if 0 < keys {
            tracing::debug!(keys, "idempotency keys of yesterday are free");
        }
        if collected != Collected::default() {
            tracing::info!(?collected, "removed what need not be kept");
        }
        Ok(collected)
    }

    /// Collects as long as somebody else holds the sessions.
    pub(super) fn collect_now_and_then(&self) {
        let inner = Arc::downgrade(&self.inner);
        self.deps().tasks.spawn(TaskKind::Background, async move {
            let mut pause = FIRST;
            loop {
                tokio::time::sleep(pause).await;
                let Some(inner) = inner.upgrade() else { return };
                if let Err(err) = (Self { inner }).collect().await {
                    tracing::warn!(%err, "what need not be kept was not removed");
                }
                pause = EVERY;
            }
        });
    }
}
