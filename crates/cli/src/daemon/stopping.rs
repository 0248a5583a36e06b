//! How the daemon stops: a list in order, inside one limit.

use std::time::Duration;

use base::{Ctx, Tasks};
use store::HomeLock;

use super::parts::Parts;
use super::performer;
use super::signals::Signals;
use crate::config::Config;
use crate::failure::Failure;
use crate::home::Home;

/// What is kept of the limit for checkpoints and the store, when calls won't end.
const KEPT: f64 = 0.5;

/// Stops everything in order. A second signal goes straight to the end.
///
/// # Errors
/// [`Failure::Told`] when the order could not be kept to.
pub async fn stop(
    home: &Home,
    config: &Config,
    mut lock: HomeLock,
    parts: Parts,
    tasks: &Tasks,
    browsers: bool,
    signals: &mut Signals,
) -> Result<(), Failure> {
    if let Err(err) = lock.mark_stopping() {
        tracing::warn!(%err, "those who wait for the home can't be told that it gets free");
    }
    let ctx = Ctx::within(config.shutdown_limit);
    let orderly = tokio::select! {
        biased;
        () = signals.next() => {
            tracing::warn!("told twice: stops now");
            false
        }
        stopped = ctx.race(in_order(&ctx, config, &parts, tasks, browsers)) => stopped.is_ok(),
    };
    // Nobody may connect to a daemon that has gone; and the lock goes last, since the next
    // daemon binds the same name.
    drop(std::fs::remove_file(home.socket()));
    tracing::info!(orderly, "stopped");
    drop(lock);
    if orderly { Ok(()) } else { Err(Failure::Told) }
}

/// Order matters here. New calls are refused before the running ones are waited for, or they
/// would never end. A checkpoint is of a page at rest, so it comes after the calls. The
/// sessions' last writes need the store, which closes last.
async fn in_order(ctx: &Ctx, config: &Config, parts: &Parts, tasks: &Tasks, browsers: bool) {
    parts.dispatch.close();
    parts.sessions.kv().close();
    let grace = config
        .shutdown_limit
        .mul_f64(KEPT)
        .max(Duration::from_millis(100));
    if ctx
        .at_most(grace)
        .race(parts.dispatch.idle())
        .await
        .is_err()
    {
        tracing::warn!(?grace, "calls did not end in time");
    }
    performer::shut_down(&parts.sessions, ctx, browsers).await;
    tasks.stop().await;
    if let Err(err) = parts.store.close().await {
        tracing::error!(%err, "the store was not closed cleanly");
    }
}
