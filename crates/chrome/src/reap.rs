//! Reaping what falls to the daemon.
//!
//! A killed keeper's browser and helpers fall to the daemon, which is a subreaper. `waitpid(-1)`
//! would steal the children that the runtime waits for, so only those are reaped that are
//! zombies of another OS session than the daemon's: a keeper's, which has its own.

use std::io;

use base::{TaskKind, Tasks};
use rustix::process::{Pid, WaitOptions};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::process;

/// Makes this process inherit the orphans below it.
///
/// # Errors
/// The system's refusal.
pub fn become_subreaper() -> io::Result<()> {
    Ok(rustix::process::set_child_subreaper(Some(
        rustix::process::getpid(),
    ))?)
}

/// Reaps orphaned zombie children of the daemon that nobody else waits for.
#[derive(Debug)]
pub struct Reaper {
    task: base::TaskHandle,
}

impl Reaper {
    /// Starts reaping, until the tasks are stopped or the reaper is dropped.
    ///
    /// # Errors
    /// The system's refusal to tell of children's ends.
    pub fn start(tasks: &Tasks) -> io::Result<Self> {
        let ended = signal(SignalKind::child())?;
        Ok(Self {
            task: tasks.spawn(TaskKind::Background, run(ended)),
        })
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(mut ended: Signal) {
    loop {
        // Some may have ended before the signal was listened for.
        reap_strangers();
        if ended.recv().await.is_none() {
            return;
        }
    }
}

/// Reaps every zombie child of another OS session than this process's.
fn reap_strangers() {
    // Not by getsid(2): rustix panics at a leader outside of the PID namespace, which is 0 there
    // as in /proc (a daemon started by `docker exec` or `unshare --pid`).
    let Ok(us) = process::Stat::of(rustix::process::getpid().as_raw_nonzero().get()) else {
        return;
    };
    for child in process::children() {
        if child.is_dead()
            && child.session != us.session
            && let Some(pid) = Pid::from_raw(child.pid)
        {
            // A link that watches its keeper may have been quicker.
            let _reaped = rustix::process::waitpid(Some(pid), WaitOptions::NOHANG);
        }
    }
}
