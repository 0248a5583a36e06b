//! `stop`: ends the daemon and waits until it has ended. It never starts one.

use std::time::Duration;

use base::{Code, Ctx};
use client::Client;
use serde_json::json;

use crate::arguments::Common;
use crate::failure::Failure;
use crate::home::Home;
use crate::output;

/// The daemon gives itself 30 s; it is told to end, so it is waited for a little longer.
const LIMIT: Duration = Duration::from_secs(40);

/// Stops the daemon. That none runs is what was wanted, and no failure.
pub fn stop(home: &Home, browsers: bool, common: &Common) -> Result<(), Failure> {
    let ctx = Ctx::within(common.timeout.unwrap_or(LIMIT));
    let pid = super::runtime()?.block_on(stopped(&ctx, home, browsers))?;
    match (common.json, pid) {
        (true, pid) => output::json(&json!({ "stopped": pid.is_some(), "pid": pid })),
        (false, Some(pid)) => {
            output::line(&format!("The daemon has stopped; it was process {pid}."))
        }
        (false, None) => output::line("No daemon is running."),
    }
}

async fn stopped(ctx: &Ctx, home: &Home, browsers: bool) -> Result<Option<u64>, Failure> {
    let client = Client::unix(home.folder());
    let answer = match client
        .send(ctx, "stop_daemon", &json!({ "browsers": browsers }))
        .await
    {
        Ok(answer) => answer,
        Err(client::Error::Unavailable { .. }) => return Ok(None),
        Err(err) => return Err(api::ApiError::from(err).into()),
    };
    let pid = answer["pid"]
        .as_u64()
        .and_then(|pid| i32::try_from(pid).ok());
    // The answer leaves before the daemon does. Its end is told by the kernel.
    if let Some(pid) = pid
        && let Ok(start) = chrome::process::start_time(pid)
        && let Ok(watched) = chrome::process::watch(pid, start)
        && ctx.race(watched.exited()).await.is_err()
    {
        let message = format!("The daemon was told to stop and still runs as process {pid}.");
        return Err(Failure::new(Code::Deadline, message).hint(format!("kill {pid}")));
    }
    Ok(Some(answer["pid"].as_u64().unwrap_or_default()).filter(|_| pid.is_some()))
}
