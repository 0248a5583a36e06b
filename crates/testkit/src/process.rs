//! Looks at, signals and reaps processes from outside, by their ids.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use procfs::process::{ProcState, Process};
use rustix::process::Pid;
pub use rustix::process::Signal;

/// The children that this process has started and will wait for itself.
static OWN: LazyLock<Mutex<HashSet<u32>>> = LazyLock::new(Mutex::default);

/// One process as it was seen.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its id.
    pub pid: u32,
    /// Its parent's id.
    pub parent: u32,
    /// Whether it has ended and waits to be reaped.
    pub zombie: bool,
    /// Whether it is stopped by a signal.
    pub stopped: bool,
    /// When it was started, in clock ticks since boot.
    pub started: u64,
    /// Its short name.
    pub name: String,
    /// Its arguments, joined by blanks; empty for a zombie.
    pub command: String,
}

/// Lists every process that can be read.
#[must_use]
pub fn all() -> Vec<Seen> {
    let Ok(listed) = procfs::process::all_processes() else {
        return Vec::new();
    };
    listed.filter_map(|process| see(&process.ok()?)).collect()
}

/// Returns a process, if it is there.
#[must_use]
pub fn seen(pid: u32) -> Option<Seen> {
    see(&Process::new(i32::try_from(pid).ok()?).ok()?)
}

/// Tells whether a process is there and no zombie.
#[must_use]
pub fn runs(pid: u32) -> bool {
    seen(pid).is_some_and(|seen| !seen.zombie)
}

/// Returns the ids of a process and of everything below it.
#[must_use]
pub fn tree(root: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    let Ok(listed) = procfs::process::all_processes() else {
        return vec![root];
    };
    for stat in listed.filter_map(|process| process.ok()?.stat().ok()) {
        if let (Ok(pid), Ok(parent)) = (u32::try_from(stat.pid), u32::try_from(stat.ppid)) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = vec![root];
    let mut next = 0;
    while let Some(&pid) = found.get(next) {
        found.extend(children.get(&pid).into_iter().flatten());
        next += 1;
    }
    found
}

/// Lists the processes below this one, itself left out.
#[must_use]
pub fn descendants() -> Vec<Seen> {
    let me = std::process::id();
    tree(me)
        .into_iter()
        .filter(|pid| *pid != me)
        .filter_map(seen)
        .collect()
}

/// Lists the living processes that have `path` in their arguments, this one left out.
#[must_use]
pub fn naming(path: &Path) -> Vec<Seen> {
    let wanted = path.to_string_lossy().into_owned();
    let me = std::process::id();
    all()
        .into_iter()
        .filter(|seen| seen.pid != me && !seen.zombie && seen.command.contains(&wanted))
        .collect()
}

/// Sends a signal; a process that is gone is no error.
pub fn kill(pid: u32, signal: Signal) {
    let Some(to) = to_pid(pid) else { return };
    if let Err(err) = rustix::process::kill_process(to, signal)
        && err != rustix::io::Errno::SRCH
    {
        panic!("{pid} can't be signalled: {err}");
    }
}

/// Kills a process group; one that is gone is no error.
pub fn kill_group(leader: u32) {
    let Some(to) = to_pid(leader) else { return };
    if let Err(err) = rustix::process::kill_process_group(to, Signal::KILL)
        && err != rustix::io::Errno::SRCH
    {
        panic!("the group of {leader} can't be killed: {err}");
    }
}

/// Makes this process the parent of whatever below it loses its own.
pub fn become_subreaper() {
    if let Err(err) = rustix::process::set_child_subreaper(Some(rustix::process::getpid())) {
        panic!("this process can't become a child subreaper: {err}");
    }
}

/// Starts a child that nobody else reaps. Call [`forget`] once it was waited for.
///
/// # Errors
/// If it can't be started.
pub fn spawn(command: &mut Command) -> io::Result<Child> {
    // Held over the start: a child that ends at once must not be taken for one that fell to us.
    let mut own = own();
    let child = command.spawn()?;
    own.insert(child.id());
    Ok(child)
}

/// Runs a child to its end and returns what it wrote.
///
/// # Errors
/// If it can't be started or read.
pub fn output(command: &mut Command) -> io::Result<Output> {
    let child = spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
    let pid = child.id();
    let output = child.wait_with_output();
    forget(pid);
    output
}

/// Forgets a child that was waited for.
pub fn forget(pid: u32) {
    own().remove(&pid);
}

/// Tells whether a child was started here and is waited for by who started it.
#[must_use]
pub fn is_own(pid: u32) -> bool {
    own().contains(&pid)
}

fn own() -> MutexGuard<'static, HashSet<u32>> {
    OWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reaps one ended child that fell to this process as subreaper, by its id.
///
/// Tells whether it was reaped. Never waits for any child: that would take the exit status
/// of those that this process itself has started.
#[must_use]
pub fn reap(pid: u32) -> bool {
    let Some(pid) = to_pid(pid) else { return false };
    let options = rustix::process::WaitOptions::NOHANG;
    matches!(rustix::process::waitpid(Some(pid), options), Ok(Some(_)))
}

/// Asks again and again, until `condition` holds or `limit` has passed; tells whether it held.
///
/// For what the kernel tells nobody about: another process's files, its children's states.
#[must_use]
pub fn until(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + limit;
    loop {
        if condition() {
            return true;
        }
        if end <= Instant::now() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Lets time pass: for a fault that is to come at whatever point something has reached by then.
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// Waits until `condition` holds, for as long as anything on a busy machine may take.
///
/// # Panics
/// If it doesn't; `what` names what was waited for.
pub fn wait_until(what: &str, condition: impl FnMut() -> bool) {
    assert!(
        until(Duration::from_secs(30), condition),
        "waited in vain for {what}"
    );
}

/// Returns the proportional set size of the processes together, in bytes.
#[must_use]
pub fn pss(pids: &[u32]) -> u64 {
    pids.iter()
        .filter_map(|pid| {
            let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
            let line = text.lines().find(|line| line.starts_with("Pss:"))?;
            let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
            Some(kib * 1024)
        })
        .sum()
}

fn see(process: &Process) -> Option<Seen> {
    let stat = process.stat().ok()?;
    let state = stat.state().ok()?;
    Some(Seen {
        pid: u32::try_from(stat.pid).ok()?,
        parent: u32::try_from(stat.ppid).unwrap_or(0),
        zombie: matches!(state, ProcState::Zombie | ProcState::Dead),
        stopped: matches!(state, ProcState::Stopped),
        started: stat.starttime,
        name: stat.comm,
        command: process
            .cmdline()
            .map(|args| args.join(" "))
            .unwrap_or_default(),
    })
}

fn to_pid(pid: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(pid).ok()?)
}
