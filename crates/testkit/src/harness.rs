//! The lifecycle harness: the real binary in a home of its own, and faults done to it.
//!
//! ```text
//! test process (child subreaper) ── browserd serve ── browserd keeper ── Chromium
//!        └ watch thread: reaps what falls to us as it would to PID 1, notes old zombies
//!
//! FOLDER/home   BROWSERD_HOME        FOLDER/tmp   TMPDIR        FOLDER/user   HOME
//! ```
//!
//! A test ends with [`Harness::finish`], which closes every session, stops the daemon and
//! fails if a process, a profile's folder or a socket is left. A test that fails before is
//! cleaned up after by `Drop`, and the end of the daemon's log is printed.

mod agent;
mod cli;
mod fault;
mod guard;
mod http;
mod mcp;
mod watch;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

pub use agent::{Agent, Door, Refusal, reference};
pub use cli::Ran;
pub use fault::Do;
pub use http::{Answer, Http, raw_http};
pub use mcp::Mcp;
pub use watch::Fallen;

use crate::process::{self, Seen, Signal};
use guard::Guard;
use watch::Watch;

/// How long anything that should happen soon may take on a busy machine.
pub const SOON: Duration = Duration::from_secs(30);

/// One test's browserd: its home, its processes, the ways to talk to it.
#[derive(Debug)]
pub struct Harness {
    folder: Option<TempDir>,
    program: PathBuf,
    environment: Vec<(String, String)>,
    serving: Option<Child>,
    watch: Watch,
    finished: bool,
    _guard: Guard,
}

/// What a line of the log says of a call that went well.
const GONE_WELL: &str = "outcome=\"done\"";

impl Harness {
    /// Makes the home of one test for the binary `program`; starts nothing.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>) -> Self {
        process::become_subreaper();
        // Short: a unix socket's path has 107 bytes and the home's are long.
        let folder = tempfile::Builder::new()
            .prefix("bd-")
            .tempdir()
            .expect("a folder");
        for name in ["tmp", "user"] {
            std::fs::create_dir(folder.path().join(name)).expect("a folder in the folder");
        }
        let guard = Guard::over(folder.path());
        let watch = Watch::start(folder.path());
        Self {
            folder: Some(folder),
            program: program.into(),
            environment: Vec::new(),
            serving: None,
            watch,
            finished: false,
            _guard: guard,
        }
    }

    /// Sets an environment variable for every process started from now on.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.set(name, value);
        self
    }

    /// Sets an environment variable for every process started from now on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Looks after the processes rarely while something is being measured, or often again.
    pub fn watch_rarely(&self, rarely: bool) {
        self.watch.look_rarely(rarely);
    }

    /// Returns the folder that holds all of the test.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder
            .as_ref()
            .expect("the folder is there until the end")
            .path()
    }

    /// Returns `$BROWSERD_HOME`.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        self.folder().join("home")
    }

    /// Returns a command of the binary in this test's environment and nobody else's.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        self.seal(&mut command);
        command.args(arguments).stdin(Stdio::null());
        command
    }

    /// Gives `command` this test's environment and nobody else's.
    pub fn seal(&self, command: &mut Command) {
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("BROWSERD_HOME", self.home())
            .env("TMPDIR", self.folder().join("tmp"))
            .env("HOME", self.folder().join("user"))
            .env("LANG", "C.UTF-8")
            .envs(crate::raw::no_sandbox_needed().then_some(("BROWSERD_NO_SANDBOX", "1")))
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
    }

    /// Starts `browserd serve` on a free loopback port and waits until it answers.
    pub fn serve(&mut self) {
        self.serve_with(&[]);
    }

    /// Starts `browserd serve` with more arguments and waits until it answers.
    pub fn serve_with(&mut self, more: &[&str]) {
        self.spawn_serve(more);
        self.wait_ready();
    }

    /// Starts `browserd serve` and doesn't wait for it.
    pub fn spawn_serve(&mut self, more: &[&str]) {
        self.forget_dead();
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0"]);
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder().join("serve.log"))
            .expect("a file for the daemon's words");
        command.args(more).stdout(Stdio::null()).stderr(log);
        self.serving = Some(process::spawn(&mut command).expect("the daemon starts"));
    }

    /// Waits until the daemon of this home says that it is ready.
    pub fn wait_ready(&mut self) {
        let mut status = None;
        let ready = process::until(SOON, || {
            if let Some(child) = &mut self.serving
                && let Ok(Some(ended)) = child.try_wait()
            {
                status = Some(ended);
                return true;
            }
            self.unix_http()
                .get("/readyz")
                .is_ok_and(|answer| answer.status == 200)
        });
        assert!(
            ready && status.is_none(),
            "the daemon isn't ready ({status:?}){}",
            self.words()
        );
    }

    /// Waits for the end of the `browserd serve` that was started here.
    pub fn wait_served(&mut self) -> ExitStatus {
        let mut child = self.serving.take().expect("a daemon was started here");
        let mut status = None;
        let ended = process::until(SOON, || {
            status = child.try_wait().expect("the daemon can be waited for");
            status.is_some()
        });
        assert!(ended, "the daemon doesn't end{}", self.words());
        process::forget(child.id());
        status.expect("it ended")
    }

    /// Returns `browserd status --json`; `running: false` if no daemon runs.
    #[must_use]
    pub fn status(&self) -> Value {
        self.cli(&["status", "--json"]).json()
    }

    /// Returns the daemon's id.
    #[must_use]
    pub fn daemon(&self) -> u32 {
        self.daemon_if_any()
            .unwrap_or_else(|| panic!("no daemon runs{}", self.words()))
    }

    /// Returns the daemon's id if one runs.
    #[must_use]
    pub fn daemon_if_any(&self) -> Option<u32> {
        self.family()
            .into_iter()
            .find(is_daemon)
            .map(|seen| seen.pid)
    }

    /// Returns the ids of the keepers.
    #[must_use]
    pub fn keepers(&self) -> Vec<u32> {
        self.pids(is_keeper)
    }

    /// Returns the ids of the browsers' main processes.
    #[must_use]
    pub fn browsers(&self) -> Vec<u32> {
        self.pids(|seen| is_chromium(seen) && !seen.command.contains("--type="))
    }

    /// Returns the ids of the pages' processes.
    #[must_use]
    pub fn renderers(&self) -> Vec<u32> {
        self.pids(|seen| seen.command.contains("--type=renderer"))
    }

    /// Returns the id of one of Chromium's services, such as `storage.mojom.StorageService`.
    #[must_use]
    pub fn service(&self, name: &str) -> Option<u32> {
        self.pids(|seen| seen.command.contains(&format!("--utility-sub-type={name}")))
            .pop()
    }

    /// Lists the living processes of this test, the test itself left out.
    #[must_use]
    pub fn family(&self) -> Vec<Seen> {
        watch::family(self.folder())
    }

    /// Returns the end of the daemon's logs, for a failure's message; of the calls that went
    /// well, which are many where a test waits, only the last.
    #[must_use]
    pub fn words(&self) -> String {
        let mut words = String::new();
        for (log, most) in [
            (self.folder().join("serve.log"), 10),
            (self.home().join("daemon.log"), 60),
        ] {
            let Ok(text) = std::fs::read_to_string(&log) else {
                continue;
            };
            let all: Vec<&str> = text.lines().collect();
            let last = all.len().saturating_sub(10);
            let telling = |(at, line): &(usize, &&str)| last <= *at || !line.contains(GONE_WELL);
            let told = all.iter().enumerate().filter(telling);
            let lines: Vec<&str> = told.map(|(_, line)| *line).collect();
            let end = lines[lines.len().saturating_sub(most)..].join("\n");
            words.push_str(&format!("\n--- end of {}\n{end}", log.display()));
        }
        words
    }

    /// Closes every session, stops the daemon and its browsers, and checks that nothing is left.
    ///
    /// # Panics
    /// If something is left, naming it.
    pub fn finish(self) {
        self.finish_before(|| {});
    }

    /// As [`Harness::finish`], and does `last` before the folder is removed.
    pub fn finish_before(mut self, last: impl FnOnce()) {
        self.close_all();
        if self.daemon_if_any().is_some() {
            self.cli(&["stop", "--browsers"]).done();
        }
        if let Some(mut child) = self.serving.take() {
            child.wait().expect("the daemon can be waited for");
            process::forget(child.id());
        }
        self.finished = true;
        let folder = self.folder().to_owned();
        let left = self.watch.left(&folder);
        if !left.is_empty() {
            let words = self.words();
            self.clean();
            panic!("the test leaves this behind:\n{}{words}", left.join("\n"));
        }
        let fallen = self.watch.fallen();
        println!("{} processes fell to PID 1: {fallen}", fallen.count());
        last();
    }

    /// Forgets the child that [`Harness::serve`] started, if it has ended.
    pub(crate) fn forget_dead(&mut self) {
        if let Some(child) = &mut self.serving
            && let Ok(Some(_)) = child.try_wait()
        {
            process::forget(child.id());
            self.serving = None;
        }
    }

    fn close_all(&self) {
        if self.daemon_if_any().is_none() {
            return;
        }
        let listed = self.cli(&["session", "list", "--json"]).json();
        for session in listed["sessions"].as_array().into_iter().flatten() {
            let id = session["session_id"].as_str().expect("a session has an id");
            self.cli(&["session", "close", id]).done();
        }
    }

    fn pids(&self, wanted: impl Fn(&Seen) -> bool) -> Vec<u32> {
        self.family()
            .iter()
            .filter(|seen| wanted(seen))
            .map(|seen| seen.pid)
            .collect()
    }

    /// Kills whatever of this test lives, and waits until it is gone.
    fn clean(&mut self) {
        let gone = process::until(SOON, || {
            let family = self.family();
            for seen in &family {
                process::kill(seen.pid, Signal::KILL);
            }
            self.forget_dead();
            family.is_empty()
        });
        if !gone {
            eprintln!("processes of {} can't be killed", self.folder().display());
        }
    }
}

impl Drop for Harness {
    fn drop(&mut self) {
        if !self.finished {
            eprintln!("{}", self.words());
            self.clean();
        }
        self.watch.stop();
        if std::env::var_os("BROWSERD_TEST_KEEP").is_some()
            && let Some(folder) = self.folder.take()
        {
            eprintln!("kept: {}", folder.keep().display());
        }
    }
}

fn is_daemon(seen: &Seen) -> bool {
    let mut words = seen.command.split(' ');
    words
        .next()
        .is_some_and(|program| program.ends_with("browserd"))
        && words
            .next()
            .is_some_and(|word| word == "serve" || word == "daemon")
}

fn is_keeper(seen: &Seen) -> bool {
    let mut words = seen.command.split(' ');
    words
        .next()
        .is_some_and(|program| program.ends_with("browserd"))
        && words.next().is_some_and(|word| word == "keeper")
}

fn is_chromium(seen: &Seen) -> bool {
    seen.command.contains("--remote-debugging-pipe") || seen.command.contains("--type=")
}
