//! Starting a daemon from a command that needs one and finds none.
//!
//! The starter waits for one line on a pipe (see [`ready`]) and never for time. Starters of
//! one home take turns by a lock on its folder, so that two commands at once make one daemon:
//! the second finds it when its turn comes.

use std::fs::File;
use std::process::Stdio;
use std::time::Duration;

use api::ApiError;
use base::{Code, Ctx, TaskKind, Tasks};
use client::{Client, Rejoin, Start};
use futures_util::future::BoxFuture;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};

use super::ready;
use crate::environment;
use crate::failure::Failure;
use crate::home::{Home, with_causes};

/// A daemon may wait for the lock of one that is stopping (30 s), then look after its browsers.
const LIMIT: Duration = Duration::from_secs(60);
/// The kernel has no event "the lock is free" that can be waited for with a limit.
const BETWEEN_TRIES: Duration = Duration::from_millis(10);
/// No daemon says more than this before it is ready.
const LONGEST_LINE: u64 = 64 << 10;

/// Starts daemons for a client that finds none.
#[derive(Debug)]
pub struct Starter {
    home: Home,
    tasks: Tasks,
}

impl Starter {
    /// Returns the starter of the home's daemon.
    ///
    /// A daemon that ends while this process lives is reaped by one of the tasks.
    pub fn of(home: &Home, tasks: &Tasks) -> Self {
        Self {
            home: home.clone(),
            tasks: tasks.clone(),
        }
    }
}

/// Returns what runs operations in the home's daemon, whichever that is, started if need be.
pub fn joined(home: &Home, tasks: &Tasks) -> Rejoin<Starter> {
    Rejoin::new(Client::unix(home.folder()), Starter::of(home, tasks))
}

impl Start for Starter {
    fn start<'a>(&'a self, ctx: &'a Ctx) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(async move {
            ensure(ctx, &self.home, &self.tasks)
                .await
                .map_err(|failure| match failure {
                    Failure::Coded(error) => error,
                    other @ (Failure::Usage(_) | Failure::Hangup | Failure::Told) => {
                        ApiError::new(Code::Internal, format!("{other:?}"))
                    }
                })
        })
    }
}

/// Makes sure that a daemon answers on the home's socket; starts one if none does.
///
/// # Errors
/// What the daemon told before it ended, or that it told nothing in time.
async fn ensure(ctx: &Ctx, home: &Home, tasks: &Tasks) -> Result<(), Failure> {
    let ctx = ctx.at_most(LIMIT);
    home.prepare()?;
    let _turn = turn(&ctx, home).await?;
    if is_answering(home) {
        return Ok(());
    }
    start(&ctx, home, tasks).await
}

/// Tells whether somebody accepts calls on the home's socket.
fn is_answering(home: &Home) -> bool {
    base::socket::connect(home.folder(), Home::SOCKET).is_ok()
}

/// Waits for this starter's turn. The lock goes with the file.
async fn turn(ctx: &Ctx, home: &Home) -> Result<File, Failure> {
    let failed = |err: &std::io::Error| {
        Failure::io(format_args!("The home {}", home.folder().display()), err)
    };
    let folder = File::open(home.folder()).map_err(|err| failed(&err))?;
    loop {
        match flock(&folder, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(folder),
            Err(Errno::WOULDBLOCK) => {}
            Err(err) => return Err(failed(&err.into())),
        }
        if ctx.pause(BETWEEN_TRIES).await.is_err() {
            let message = "Another command is starting the daemon and doesn't get it done.";
            return Err(Failure::new(Code::Deadline, message).hint("browserd doctor"));
        }
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "cli starts the daemon, and only here"
)]
async fn start(ctx: &Ctx, home: &Home, tasks: &Tasks) -> Result<(), Failure> {
    let program =
        environment::program().map_err(|err| Failure::io("The program's own path", &err))?;
    let mut daemon = tokio::process::Command::new(&program)
        .args(["daemon", "--detached"])
        .env("BROWSERD_HOME", home.folder())
        .current_dir(home.folder())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|err| Failure::io(format_args!("{} can't be started", program.display()), &err))?;
    let Some(stdout) = daemon.stdout.take() else {
        return Err(Failure::new(Code::Internal, "The daemon has no stdout."));
    };
    // `browserd mcp` may outlive it; init reaps it otherwise.
    tasks.spawn(TaskKind::ProcessWatch, async move {
        if let Err(err) = daemon.wait().await {
            tracing::debug!(%err, "the daemon can't be waited for");
        }
    });
    let mut line = String::new();
    let mut heard = BufReader::new(stdout.take(LONGEST_LINE));
    match ctx.race(heard.read_line(&mut line)).await {
        Ok(Ok(_)) => ready::heard(&line, &home.join("daemon.log")),
        Ok(Err(err)) => Err(Failure::io("The daemon can't be heard", &err)),
        Err(stopped) => {
            let message = format!("The daemon isn't ready yet: {}.", with_causes(&stopped));
            let hint = format!(
                "Its log says more: tail {}",
                home.join("daemon.log").display()
            );
            Err(Failure::new(Code::Deadline, message).hint(hint))
        }
    }
}
