//! The daemon: how it is started, what it is made of, how it stops.
//!
//! ```text
//! home → configuration → log → lock → token, key → listeners → store → sessions → dispatch → ready
//! ```
//!
//! What can be refused comes first, and nothing of the home is touched before its lock is
//! held: a daemon that can't start leaves everything as it was.

mod listen;
mod log;
mod parts;
mod performer;
mod ready;
mod signals;
mod starter;
mod stopping;
mod token;

use std::time::Duration;

use base::{Code, Ctx, Tasks};
use store::{HomeLock, Patience};

use crate::arguments::Serve;
use crate::config::Config;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::home::{Home, with_causes};
use crate::output;

use log::Watched;
use parts::Parts;
use signals::Signals;

pub use starter::{Starter, joined};

/// How long a home is waited for that a running daemon holds.
const HELD: Duration = Duration::from_secs(5);
/// Beyond four, workers cost memory and bring nothing: the browsers do the work.
const WORKERS: usize = 4;

/// `serve`: runs a daemon until it is told to stop.
pub fn main(environment: &Environment, flags: &Serve) -> Result<(), Failure> {
    let watched = if flags.detached {
        Watched::No
    } else {
        Watched::Yes
    };
    let result = run(environment, flags, watched);
    if let (Watched::No, Err(failure)) = (watched, &result) {
        ready::tell_failure(failure);
        return Err(Failure::Told);
    }
    result
}

fn run(environment: &Environment, flags: &Serve, watched: Watched) -> Result<(), Failure> {
    if watched == Watched::No {
        // Whoever kills the process group of the command that started us takes nothing along.
        rustix::process::setsid().map_err(|err| Failure::io("An own OS session", &err.into()))?;
    }
    let home = Home::of(environment)?;
    home.prepare()?;
    let config = Config::load(&home, environment, flags.layer())?;
    log::start(&home, &config, watched)?;
    raise_open_files();
    let workers = std::thread::available_parallelism().map_or(1, |it| it.get().min(WORKERS));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
        .map_err(|err| Failure::io("The runtime can't be started", &err))?;
    let result = runtime.block_on(serve(&home, &config, watched));
    if let Err(Failure::Coded(error)) = &result {
        tracing::error!(code = %error.code, reason = %error.message, "the daemon ends");
    }
    // A thread that hangs in a system call must not keep the process.
    runtime.shutdown_timeout(Duration::from_millis(100));
    result
}

/// Browsers, viewers and blobs need many descriptors; the soft limit is often 1,024.
fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(err) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%err, "the limit of open files can't be raised");
    }
}

async fn serve(home: &Home, config: &Config, watched: Watched) -> Result<(), Failure> {
    let mut signals = Signals::listen()?;
    let tasks = Tasks::new();
    let started = start(home, config, &tasks);
    let (lock, parts) = tokio::select! {
        biased;
        // Told to stop before it was ready: nothing was promised to anybody yet.
        () = signals.next() => return Err(Failure::Told),
        started = started => started?,
    };
    announce(&parts, watched)?;
    let browsers = tokio::select! {
        () = signals.next() => config.stop_browsers,
        asked = parts.stop.asked() => asked.unwrap_or(config.stop_browsers),
        () = tasks.broken() => {
            tracing::error!("a part failed that the daemon can't go on without");
            false
        }
    };
    stopping::stop(home, config, lock, parts, &tasks, browsers, &mut signals).await
}

async fn start(home: &Home, config: &Config, tasks: &Tasks) -> Result<(HomeLock, Parts), Failure> {
    let lock = lock(home, config).await?;
    for name in &config.not_yet {
        tracing::warn!(%name, "this setting has no effect in this version yet");
    }
    chrome::become_subreaper().map_err(|err| Failure::io("Orphans can't be looked after", &err))?;
    let parts = parts::made(home, config, tasks).await?;
    Ok((lock, parts))
}

async fn lock(home: &Home, config: &Config) -> Result<HomeLock, Failure> {
    let patience = Patience {
        running: HELD,
        stopping: config.shutdown_limit.max(HELD),
    };
    let ctx = Ctx::within(patience.stopping + HELD);
    store::lock_home(&ctx, home.folder(), patience)
        .await
        .map_err(|err| part_failed(err.code(), &err, err.hint()))
}

/// Tells whoever waits that calls are answered from now on.
fn announce(parts: &Parts, watched: Watched) -> Result<(), Failure> {
    tracing::info!(http = %parts.http_url, version = env!("CARGO_PKG_VERSION"), "ready");
    match watched {
        Watched::No => {
            ready::tell_ready().map_err(|err| Failure::io("The starter can't be told", &err))
        }
        Watched::Yes => {
            output::note(&format!(
                "browserd serves {} and {}",
                parts.http_url, parts.socket
            ));
            Ok(())
        }
    }
}

/// Returns the failure of a part that could not be made.
fn part_failed(code: Code, err: &dyn std::error::Error, hint: Option<String>) -> Failure {
    let failure = Failure::new(code, with_causes(err));
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}
