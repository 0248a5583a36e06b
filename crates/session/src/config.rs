//! What the composition root tells the sessions.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use chrome::{KeeperProgram, Sandbox};

use crate::downloads::DownloadLimits;

/// The settings sessions are run by. Every duration and count is a bound of some rule; the
/// defaults are those of `docs/configuration.md`.
#[derive(Clone, Debug)]
pub struct Config {
    /// `$BROWSERD_HOME`.
    pub home: PathBuf,
    /// The browser to start, if one is configured.
    pub program: Option<PathBuf>,
    /// Where to look for one otherwise.
    pub path: OsString,
    /// How the keeper is started.
    pub keeper: KeeperProgram,
    /// Whether browsers have no window.
    pub headless: bool,
    /// Whether Chromium's sandbox is on.
    pub sandbox: Sandbox,
    /// Further arguments for every browser.
    pub extra_args: Vec<String>,
    /// How long a browser waits for a daemon; `None` waits for ever.
    pub orphan_timeout: Option<Duration>,
    /// How many sessions may hold a browser at once.
    pub max_sessions: usize,
    /// How old a checkpoint may be for a session to come back unasked.
    pub max_session_age: Duration,
    /// How long a browser that doesn't answer is waited for before it is replaced.
    pub reconnect_window: Duration,
    /// How long a browser may be silent before it counts as not answering.
    pub silence: Duration,
    /// How many browsers are filled at one time.
    pub recoveries_at_once: usize,
    /// How long one recovery may take.
    pub recovery_limit: Duration,
    /// The shortest time from the start of one event capture to the next.
    pub capture_every: Duration,
    /// How long a session may be idle before it gives its browser back; `None` for ever.
    pub idle_timeout: Option<Duration>,
    /// How long a session may hold a browser before it is closed; `None` for ever.
    pub max_lifetime: Option<Duration>,
    /// How often a version is kept of a session that changes; `None` for never.
    pub timer_capture: Option<Duration>,
    /// Whether captures are taken unasked.
    pub captures: bool,
    /// What is kept of what was captured, and for how long.
    pub retention: store::Retention,
    /// The bounds of downloads.
    pub downloads: DownloadLimits,
    /// How much of large answers is kept to be read on, and for how long.
    pub results: store::ResultBounds,
    /// Whether recoverable sessions are resumed at start.
    pub auto_resume: bool,
    /// The epoch of this daemon's ownership of the home.
    pub epoch: u64,
    /// The home's nonce: what tells this home's keepers from another's.
    pub nonce: String,
}

impl Config {
    /// Returns the documented defaults for a home.
    #[must_use]
    pub fn new(home: PathBuf, keeper: KeeperProgram) -> Self {
        Self {
            home,
            program: None,
            path: OsString::new(),
            keeper,
            headless: true,
            sandbox: Sandbox::On,
            extra_args: vec![],
            orphan_timeout: Some(Duration::from_secs(24 * 3600)),
            max_sessions: 10,
            max_session_age: Duration::from_secs(24 * 3600),
            reconnect_window: Duration::from_secs(30),
            silence: Duration::from_secs(5),
            recoveries_at_once: 2 * std::thread::available_parallelism().map_or(2, usize::from),
            recovery_limit: Duration::from_secs(60),
            capture_every: Duration::from_millis(500),
            idle_timeout: Some(Duration::from_secs(30 * 60)),
            max_lifetime: None,
            timer_capture: Some(Duration::from_secs(300)),
            captures: true,
            retention: store::Retention::default(),
            downloads: DownloadLimits::default(),
            results: store::ResultBounds::default(),
            auto_resume: false,
            epoch: 1,
            nonce: String::new(),
        }
    }
}
