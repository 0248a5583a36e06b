//! `browserd mcp`: MCP on stdio, over whatever daemon there is.
//!
//! The MCP state is in this process, so it outlives the daemon: each call goes to the daemon
//! of the moment, and the next one is started or joined when there is none. `initialize` is
//! answered at once; the daemon is started beside it, as the first call will need it. The
//! end of stdin ends this process and nothing else.

use std::sync::Arc;
use std::time::Duration;

use base::{Ctx, TaskKind, Tasks};
use client::Start as _;

use crate::daemon::{self, Starter};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::home::{Home, with_causes};

const START_LIMIT: Duration = Duration::from_secs(60);

/// Serves MCP until stdin ends.
pub fn main(environment: &Environment) -> Result<(), Failure> {
    let home = Home::of(environment)?;
    let largest = crate::config::largest_answer(&home, environment);
    let runtime = crate::command::runtime()?;
    let result = runtime.block_on(serve(&home, largest));
    // A read of stdin can't be cancelled; the process must not wait for its thread.
    runtime.shutdown_background();
    result
}

async fn serve(home: &Home, largest: usize) -> Result<(), Failure> {
    let tasks = Tasks::new();
    let starter = Starter::of(home, &tasks);
    tasks.spawn(TaskKind::Background, async move {
        if let Err(error) = starter.start(&Ctx::within(START_LIMIT)).await {
            // The first call tells it to somebody who can do something about it.
            tracing::debug!(%error, "no daemon could be started yet");
        }
    });
    let invoke = Arc::new(daemon::joined(home, &tasks));
    server::mcp::serve_stdio(invoke, env!("CARGO_PKG_VERSION"), largest)
        .await
        .map_err(|err| {
            let message = format!("The MCP connection ended: {}.", with_causes(&err));
            Failure::new(base::Code::Internal, message)
        })
}
