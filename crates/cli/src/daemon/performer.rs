//! The sessions, as what performs the daemon's operations.

use std::time::Duration;

use base::{Clock, Ctx, Tasks};
use chrome::{KeeperProgram, Sandbox};
use session::{Browsers, Deps, Sessions};
use store::Store;

use super::part_failed;
use crate::config::Config;
use crate::environment;
use crate::failure::Failure;
use crate::home::{Home, with_causes};

/// Older than any checkpoint, and still a time that can be added to a date.
const ANY_AGE: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// Starts the sessions: what the last daemon left is looked after.
///
/// # Errors
/// Those of the store. A missing browser is none: a daemon can tell of sessions without one.
pub async fn started(
    home: &Home,
    config: &Config,
    store: &Store,
    clock: Clock,
    tasks: &Tasks,
) -> Result<Sessions, Failure> {
    let failed = |err: store::Error| part_failed(err.code(), &err, err.hint());
    let nonce = store.meta().home_nonce().await.map_err(failed)?;
    let epoch = store.meta().next_epoch().await.map_err(failed)?;
    tracing::info!(epoch, "takes over the home");
    let keeper = KeeperProgram {
        program: environment::program()
            .map_err(|err| Failure::io("The program's own path", &err))?,
        args: vec!["keeper".into()],
    };
    let settings = session::Config {
        program: config.program.clone(),
        path: config.path.clone(),
        headless: config.headless,
        sandbox: if config.no_sandbox {
            Sandbox::Off
        } else {
            Sandbox::On
        },
        extra_args: config.extra_args.clone(),
        orphan_timeout: config.orphan_timeout,
        max_sessions: config.max_sessions,
        max_session_age: config.max_session_age.unwrap_or(ANY_AGE),
        auto_resume: config.auto_resume,
        idle_timeout: config.idle_timeout,
        max_lifetime: config.max_lifetime,
        reconnect_window: config.reconnect_window,
        timer_capture: config.timer_capture,
        captures: config.captures,
        retention: config.retention,
        downloads: config.downloads,
        results: config.results,
        epoch,
        nonce,
        ..session::Config::new(home.folder().to_owned(), keeper)
    };
    let deps = Deps {
        store: store.clone(),
        tasks: tasks.clone(),
        clock,
        config: settings,
    };
    Sessions::start(deps).await.map_err(|err| {
        let failure = Failure::new(err.code(), with_causes(&err));
        match err.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    })
}

/// Takes the last checkpoints and lets go of the browsers, or stops them.
pub async fn shut_down(sessions: &Sessions, ctx: &Ctx, browsers: bool) {
    let browsers = if browsers {
        Browsers::Stop
    } else {
        Browsers::Leave
    };
    if ctx.race(sessions.shut_down(browsers)).await.is_err() {
        tracing::warn!("sessions did not end in time; the next daemon adopts their browsers");
    }
}
