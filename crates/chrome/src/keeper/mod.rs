//! The keeper: holds a browser's pipe, outlives the daemon, forgets nothing that matters.
//!
//! ```text
//!              hello, messages, notes, will, stop           commands (fd 3)
//!  daemon ───────────────────────────────────────▶ keeper ─────────────────▶ Chromium
//!         ◀─────────────────────────────────────── (Kept) ◀─────────────────
//!              welcome, messages, taken, exited              messages (fd 4), stderr
//! ```
//! A process of its own with one thread and one poll loop. It cuts at NUL, never parses a
//! message, always reads from both sides, and writes only what is taken without waiting.
//! It starts its browser, and the browser never outlives it: the pipe closes with it, and a
//! stopped browser gets the death signal. It reaps whatever falls to it.
//!
//! Not here: what a message means, policy, sessions. Nothing from tokio either: an idle
//! keeper is there once for every browser and has to be small.

mod browser;
mod class;
mod commands;
mod daemon;
mod kept;
pub(crate) mod log;
mod oom;
pub(crate) mod settings;
mod signals;
mod splitter;
mod state;

use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::path::Path;

use crate::exit;
use crate::{ExitCause, ExitRecord};
use log::Log;
use settings::Settings;
use state::Keeper;

/// Set by the daemon for the keeper, and taken from the browser's environment: the C library
/// gives memory back that a flood needed, in place of holding it for the next one.
pub(crate) const MEMORY_SETTINGS: [&str; 3] = [
    "MALLOC_TRIM_THRESHOLD_",
    "MALLOC_MMAP_THRESHOLD_",
    "MALLOC_ARENA_MAX",
];

/// A variable in the environment of the browser and of all that it starts: its run folder.
pub(crate) const RUN_MARK: &str = "BROWSERD_RUN";

/// What a keeper writes to its standard output once its browser is started.
pub(crate) const READY: &str = "ready\n";
/// What it writes before the reason when it can't.
pub(crate) const FAILED: &str = "failed ";

/// Runs the keeper of a run folder until its browser has ended. Returns the exit code.
///
/// To be called from the main thread of a process that has no other. Standard output must
/// be a pipe to the launcher: it is told there whether the browser was started, and as long
/// as it hasn't confirmed the launch, its end ends the keeper.
#[must_use]
pub fn main(run: &Path) -> i32 {
    let mut log = Log::open(run);
    let launcher = match take_stdout() {
        Ok(launcher) => launcher,
        Err(err) => {
            log.say(&format!("no standard output: {err}"));
            return 1;
        }
    };
    match start(run, &mut log) {
        Ok((settings, browser, listener, signals)) => {
            tell(&launcher, READY);
            Keeper::new(run, log, settings, browser, listener, signals, launcher).run();
            0
        }
        Err(reason) => {
            log.say(&reason);
            let cause = ExitCause::LaunchFailed {
                reason: reason.clone(),
            };
            let record = ExitRecord {
                cause,
                oom: false,
                at: base::Clock::system().wall(),
            };
            if let Err(err) = exit::write(run, &record) {
                log.say(&format!("{} was not written: {err}", exit::FILE));
            }
            tell(&launcher, &format!("{FAILED}{reason}\n"));
            1
        }
    }
}

type Started = (
    Settings,
    browser::Browser,
    std::os::unix::net::UnixListener,
    signals::Signals,
);

fn start(run: &Path, log: &mut Log) -> Result<Started, String> {
    let during = |doing: &'static str| move |err: std::io::Error| format!("{doing}: {err}");
    // A client that kills its process group takes nothing of this along.
    if let Err(errno) = rustix::process::setsid() {
        log.say(&format!("no session of its own: {errno}"));
    }
    // What outlives the browser falls to this process, and is ended with it.
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
        .map_err(|errno| format!("becoming a subreaper: {errno}"))?;
    let settings = Settings::read(run).map_err(during("reading launch.json"))?;
    // Before the browser is there, so that its end can't be missed.
    let signals = signals::Signals::listen().map_err(during("listening for signals"))?;
    let listener =
        base::socket::bind(run, crate::wire::SOCKET).map_err(during("binding the socket"))?;
    listener
        .set_nonblocking(true)
        .map_err(during("preparing the socket"))?;
    let browser = browser::Browser::start(run, &settings)
        .map_err(during("starting the browser"))
        .map_err(|reason| format!("{reason} ({})", settings.program))?;
    // No folder is held in use for as long as this lives.
    if let Err(err) = rustix::process::chdir("/") {
        log.say(&format!("chdir: {err}"));
    }
    Ok((settings, browser, listener, signals))
}

/// Takes the pipe to the launcher off descriptor 1, so that nothing else writes there.
fn take_stdout() -> std::io::Result<OwnedFd> {
    let taken = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 10)?;
    let null = std::fs::OpenOptions::new().write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdout(&null)?;
    Ok(taken)
}

fn tell(launcher: &OwnedFd, line: &str) {
    // A launcher that has gone is noticed by the loop.
    if let Ok(copy) = launcher.try_clone() {
        let _gone = std::fs::File::from(copy).write_all(line.as_bytes());
    }
}
