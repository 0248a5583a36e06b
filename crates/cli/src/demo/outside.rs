//! What somebody else might do to the machine: kill a browser or a daemon without a word.
//!
//! Processes are found as an operator would find them, by their command lines in `/proc` and
//! the home's lock file, and not by asking browserd.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal};

/// A process and its command line.
#[derive(Clone, Debug)]
pub struct Process {
    /// Its id.
    pub pid: i32,
    words: Vec<String>,
}

/// Returns the processes whose command line names the home.
pub fn processes_of(home: &Path) -> Vec<Process> {
    let home = home.to_string_lossy().into_owned();
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    all.filter_map(|entry| process(&entry.path()))
        .filter(|process| process.words.iter().any(|word| word.contains(&home)))
        .collect()
}

fn process(folder: &Path) -> Option<Process> {
    let pid = folder.file_name()?.to_str()?.parse().ok()?;
    let line = fs::read(folder.join("cmdline")).ok()?;
    // A process that has ended and waits to be reaped has no command line.
    let words = line
        .split(|byte| *byte == 0)
        .map(|word| String::from_utf8_lossy(word).into_owned());
    Some(Process {
        pid,
        words: words.collect(),
    })
}

/// Kills the home's browser and returns its process id.
pub fn kill_browser(home: &Path) -> Result<i32, String> {
    let is_browser = |process: &Process| {
        let has = |start: &str| process.words.iter().any(|word| word.starts_with(start));
        has("--remote-debugging-pipe") && !has("--type=")
    };
    let found = processes_of(home).into_iter().find(is_browser);
    let browser = found.ok_or("no browser of the home is running")?;
    kill(browser.pid)?;
    Ok(browser.pid)
}

/// Kills the home's daemon and returns its process id.
pub fn kill_daemon(home: &Path) -> Result<i32, String> {
    let pid = daemon(home).ok_or("no daemon holds the home")?;
    kill(pid)?;
    Ok(pid)
}

/// Returns the daemon that the home's lock names.
fn daemon(home: &Path) -> Option<i32> {
    let lock: PathBuf = home.join("lock");
    fs::read_to_string(lock)
        .ok()?
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}

/// Kills a process.
#[allow(
    clippy::disallowed_methods,
    reason = "the demo plays the fault, from outside"
)]
pub fn kill(pid: i32) -> Result<(), String> {
    let pid = Pid::from_raw(pid).ok_or("no process has the id 0")?;
    rustix::process::kill_process(pid, Signal::KILL).map_err(|err| format!("kill -9: {err}"))
}
