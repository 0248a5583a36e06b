//! Launching a browser under a new keeper.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use base::{BrowserId, Ctx, TaskKind, Tasks};
use bytes::Bytes;
use futures_util::SinkExt as _;
use rustix::pipe::PipeFlags;
use rustix::process::Signal;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;

use crate::keeper::settings::{self, Settings};
use crate::keeper::{FAILED, MEMORY_SETTINGS, READY, log};
use crate::{
    Error, ExitRecord, Hello, Link, LinkEnd, Welcome, adopt, clear_singleton_locks, exit,
    exit_record, flags, process,
};

/// Whether Chromium's sandbox is on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sandbox {
    /// As Chromium means it to be. Refused for root, for whom it can't work.
    On,
    /// `--no-sandbox`.
    Off,
}

/// The program that becomes the keeper: `program args… RUN`.
#[derive(Clone, Debug)]
pub struct KeeperProgram {
    /// The program, usually this one.
    pub program: PathBuf,
    /// The arguments before the run folder, usually `keeper`.
    pub args: Vec<OsString>,
}

/// What to launch, and where.
#[derive(Clone, Debug)]
pub struct LaunchSpec {
    /// The browser's id.
    pub browser: BrowserId,
    /// The run folder, `run/<browser>/`; made with mode 0700 if it isn't there.
    pub run: PathBuf,
    /// Chromium, as found by [`crate::find`].
    pub program: PathBuf,
    /// The profile's folder; for an unnamed browser `run/<browser>/profile`.
    pub user_data_dir: PathBuf,
    /// Without a window.
    pub headless: bool,
    /// Whether Chromium's sandbox is on.
    pub sandbox: Sandbox,
    /// The user's own flags; lists of features are merged with ours.
    pub extra_args: Vec<String>,
    /// Flags for the network guard.
    pub guard: bool,
    /// How long, in awake time, the browser lives without a daemon; `None` for ever.
    pub orphan_timeout: Option<Duration>,
    /// The program that becomes the keeper.
    pub keeper: KeeperProgram,
}

/// What is asked of a new browser to see that it answers. It changes nothing, and its id is
/// the highest there is, so that no reply to it is taken for another's.
const PROBE: &str = r#"{"id":2147483647,"method":"Browser.getVersion"}"#;

/// How long a launch that failed waits for its keeper to clean up.
const CLEAN_UP: Duration = Duration::from_secs(5);

/// Starts a keeper, has it start the browser, and waits until the browser answers.
///
/// # Errors
/// Every failure says what the browser last wrote to its standard error. Nothing that was
/// started is left running; the run folder stays, for its log.
///
/// # Cancel safety
/// If it is dropped, the keeper ends its browser and then itself.
pub async fn launch(
    ctx: &Ctx,
    spec: &LaunchSpec,
    hello: &Hello,
    tasks: &Tasks,
) -> Result<(Link, Welcome), Error> {
    if spec.sandbox == Sandbox::On && rustix::process::geteuid().is_root() {
        return Err(Error::SandboxAsRoot);
    }
    let run = std::path::absolute(&spec.run).map_err(Error::io("finding the run folder"))?;
    prepare(&run, spec, hello)?;
    let (keeper, ready) = start_keeper(&run, spec)?;
    let watched = process::start_time(keeper)
        .and_then(|start| process::watch(keeper, start))
        .map(Arc::new)
        .map_err(Error::io("watching the keeper"))?;
    // It is this process's child, and reaped by whoever sees it end.
    let reaped = Arc::clone(&watched);
    tasks.spawn(TaskKind::ProcessWatch, async move { reaped.exited().await });

    let launched = complete(ctx, &run, hello, tasks, ready).await;
    if launched.is_err() {
        // Its launcher's end of the pipe is closed: it is ending its browser.
        if tokio::time::timeout(CLEAN_UP, watched.exited())
            .await
            .is_err()
        {
            // Its browser gets the death signal.
            watched
                .signal(Signal::KILL)
                .map_err(Error::io("ending the keeper"))?;
            watched.exited().await;
        }
    }
    launched
}

/// From the keeper's start to a browser that answers. `ready` is held to the end: its closing
/// would tell the keeper that the launch was given up.
async fn complete(
    ctx: &Ctx,
    run: &Path,
    hello: &Hello,
    tasks: &Tasks,
    mut ready: pipe::Receiver,
) -> Result<(Link, Welcome), Error> {
    let mut said = String::new();
    let heard = ctx.race(hear(&mut ready, &mut said)).await;
    match heard {
        Ok(Ok(())) if said == READY => {}
        Ok(Ok(())) => return Err(failed(run, &said)),
        Ok(Err(err)) => return Err(Error::io("waiting for the keeper")(err)),
        Err(stopped) => {
            return Err(Error::NoAnswer {
                stopped,
                stderr: log::tail(run),
            });
        }
    }
    // It may end even before it is greeted, with a record of its browser's end.
    let (mut link, welcome) = match adopt(ctx, run, hello, None, tasks).await {
        Err(Error::Ended(record)) => return Err(did_not_start(run, record)),
        adopted => adopted?,
    };
    match ctx.race(probe(&mut link)).await {
        Ok(true) => {
            link.control.keep();
            // The keeper closes its end once it has heard: until then this one must be open.
            match ctx.race(hear(&mut ready, &mut String::new())).await {
                Ok(_closed) => Ok((link, welcome)),
                Err(stopped) => Err(Error::NoAnswer {
                    stopped,
                    stderr: log::tail(run),
                }),
            }
        }
        Ok(false) => Err(end_of(run, &link)),
        Err(stopped) => Err(Error::NoAnswer {
            stopped,
            stderr: log::tail(run),
        }),
    }
}

/// Reads the keeper's one line.
async fn hear(ready: &mut pipe::Receiver, said: &mut String) -> io::Result<()> {
    let mut line = Vec::new();
    while !line.ends_with(b"\n") && line.len() < (16 << 10) {
        if ready.read_buf(&mut line).await? == 0 {
            break;
        }
    }
    said.push_str(&String::from_utf8_lossy(&line));
    Ok(())
}

/// Tells whether the browser answers; `false` if it ended first.
async fn probe(link: &mut Link) -> bool {
    link.control.probed();
    if link
        .outgoing
        .send(Bytes::from_static(PROBE.as_bytes()))
        .await
        .is_err()
    {
        return false;
    }
    // Nothing else was asked for yet, so the first message is the answer.
    link.control.take_first().await
}

fn failed(run: &Path, said: &str) -> Error {
    let stderr = log::tail(run);
    match exit_record(run) {
        Some(record) => Error::LaunchFailed { record, stderr },
        None => match said.strip_prefix(FAILED) {
            Some(reason) => Error::KeeperFailed {
                reason: reason.trim().to_owned(),
                stderr,
            },
            None => Error::KeeperEnded { stderr },
        },
    }
}

fn end_of(run: &Path, link: &Link) -> Error {
    let end = link.ended.borrow().clone();
    match end {
        Some(LinkEnd::Exited { record, .. }) => did_not_start(run, record),
        _ => failed(run, ""),
    }
}

fn did_not_start(run: &Path, record: ExitRecord) -> Error {
    Error::LaunchFailed {
        record,
        stderr: log::tail(run),
    }
}

/// Chromium's arguments are text here, from the configuration to `launch.json`.
fn text(path: &Path) -> Result<&str, Error> {
    path.to_str().ok_or_else(|| {
        let source = io::Error::new(io::ErrorKind::InvalidInput, "a path that is not UTF-8");
        Error::Io {
            doing: "writing launch.json",
            source,
        }
    })
}

/// Makes the folders and writes what the keeper is told.
fn prepare(run: &Path, spec: &LaunchSpec, hello: &Hello) -> Result<(), Error> {
    // A browser names its profile by this path, and is known by it.
    let profile = std::path::absolute(&spec.user_data_dir)
        .map_err(Error::io("finding the profile's folder"))?;
    for folder in [run, &profile] {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(Error::io("making the browser's folders"))?;
    }
    clear_singleton_locks(&profile).map_err(Error::io("clearing the locks of the profile"))?;
    crate::profile::begin(&spec.user_data_dir).map_err(Error::io("beginning the profile"))?;
    match std::fs::remove_file(run.join(exit::FILE)) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => {
            return Err(Error::io("removing an old exit record")(err));
        }
        _ => {}
    }
    let spec = LaunchSpec {
        user_data_dir: profile,
        ..spec.clone()
    };
    let settings = Settings {
        browser: spec.browser.to_string(),
        home_nonce: hello.nonce.clone(),
        nonce: format!("{:032x}", rand::random::<u128>()),
        program: text(&spec.program)?.to_owned(),
        args: flags::arguments(&spec, flags::Features::of_system()),
        orphan_timeout_ms: spec
            .orphan_timeout
            .map(|timeout| u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX)),
    };
    write_settings(run, &settings).map_err(Error::io("writing launch.json"))
}

fn write_settings(run: &Path, settings: &Settings) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options
        .open(run.join(settings::FILE))?
        .write_all(&serde_json::to_vec(settings)?)
}

/// What the daemon's environment may hold that neither a keeper nor a browser needs.
const SECRETS: [&str; 8] = [
    "BROWSERD_KEY",
    "BROWSERD_KEY_FILE",
    "BROWSERD_PASSPHRASE",
    "BROWSERD_PASSPHRASE_FILE",
    "BROWSERD_NEW_KEY",
    "BROWSERD_NEW_KEY_FILE",
    "BROWSERD_NEW_PASSPHRASE",
    "BROWSERD_NEW_PASSPHRASE_FILE",
];

/// Starts the keeper. Returns its process id and the pipe on which it says that it is ready.
#[allow(clippy::disallowed_methods, reason = "this crate starts keepers")]
fn start_keeper(run: &Path, spec: &LaunchSpec) -> Result<(i32, pipe::Receiver), Error> {
    let (read, write) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)
        .map_err(|errno| Error::io("making a pipe")(errno.into()))?;
    let log = log::append(&run.join(log::FILE));
    let mut command = Command::new(&spec.keeper.program);
    command
        .args(&spec.keeper.args)
        .arg(run)
        .stdin(Stdio::null())
        .stdout(write)
        .stderr(log.map_or_else(Stdio::null, Stdio::from))
        .envs(MEMORY_SETTINGS.into_iter().zip(["131072", "131072", "1"]));
    for secret in SECRETS {
        command.env_remove(secret);
    }
    let child = command.spawn().map_err(|err| Error::KeeperFailed {
        reason: format!("{}: {err}", spec.keeper.program.display()),
        stderr: String::new(),
    })?;
    // Or this process would hold the writing end, and never see it close.
    drop(command);
    let pid = i32::try_from(child.id()).unwrap_or(0);
    let ready = pipe::Receiver::from_owned_fd(read).map_err(Error::io("reading a pipe"))?;
    Ok((pid, ready))
}
