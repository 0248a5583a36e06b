//! What can be done to browserd from outside, and doing it after each other.

use std::os::fd::{AsFd as _, OwnedFd};

use rustix::process::{PidfdFlags, PidfdGetfdFlags};

use super::{Agent, Door, Harness, SOON};
use crate::process::{self, Signal};

/// A fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Do {
    /// The socket between daemon and keeper is cut; both live on.
    DropLink,
    /// The browser's main process gets SIGKILL.
    KillBrowser,
    /// The browser's process gets SIGSTOP, and never SIGCONT.
    StopBrowser,
    /// The keeper gets SIGKILL.
    KillKeeper,
    /// The page's process gets SIGKILL.
    KillRenderer,
    /// The daemon gets SIGKILL and another one is started.
    KillDaemon,
    /// The daemon is asked to stop, and another one is started.
    RestartDaemon,
}

impl Harness {
    /// Does one fault to every process it is about, and waits until it has happened.
    ///
    /// # Panics
    /// If there is nothing to do it to.
    pub fn fault(&mut self, fault: Do) {
        match fault {
            Do::DropLink => self.drop_links(),
            Do::KillBrowser => kill_all(&self.browsers(), Signal::KILL),
            Do::StopBrowser => stop_all(&self.browsers()),
            Do::KillKeeper => kill_all(&self.keepers(), Signal::KILL),
            Do::KillRenderer => kill_all(&self.renderers(), Signal::KILL),
            Do::KillDaemon => {
                self.kill_daemon();
                self.serve();
            }
            Do::RestartDaemon => {
                self.cli(&["stop"]).done();
                self.forget_dead();
                self.serve();
            }
        }
    }

    /// Kills the daemon with SIGKILL and starts no other one.
    pub fn kill_daemon(&mut self) {
        kill_all(&[self.daemon()], Signal::KILL);
        self.forget_dead();
    }

    /// Waits until a daemon that was killed by hand is gone.
    pub fn kill_seen(&mut self) {
        let gone = process::until(SOON, || {
            self.forget_dead();
            self.daemon_if_any().is_none()
        });
        assert!(gone, "the daemon lives on");
    }

    /// Does each fault in turn, and `check` after each.
    pub fn after_each<D: Door>(
        &mut self,
        faults: &[Do],
        agent: &mut Agent<D>,
        mut check: impl FnMut(Do, &mut Self, &mut Agent<D>),
    ) {
        for &fault in faults {
            println!("after {fault:?}");
            self.fault(fault);
            check(fault, self, agent);
        }
    }

    /// Tells whether one keeper runs, and a daemon is linked to it.
    #[must_use]
    pub fn is_linked(&self) -> bool {
        matches!(&*self.keepers(), [keeper] if !connected(*keeper).is_empty())
    }

    /// Shuts down the keepers' ends of their sockets, by borrowing the descriptors.
    fn drop_links(&self) {
        let keepers = self.keepers();
        assert!(!keepers.is_empty(), "no keeper runs");
        for keeper in keepers {
            let links = connected(keeper);
            assert!(!links.is_empty(), "keeper {keeper} has no link");
            for link in links {
                let end = borrow(keeper, link).expect("the keeper's descriptor");
                rustix::net::shutdown(end.as_fd(), rustix::net::Shutdown::Both)
                    .expect("a socket can be shut down");
            }
        }
    }
}

fn kill_all(pids: &[u32], signal: Signal) {
    assert!(!pids.is_empty(), "nothing runs that could be killed");
    for &pid in pids {
        process::kill(pid, signal);
    }
    let gone = process::until(SOON, || !pids.iter().any(|&pid| process::runs(pid)));
    assert!(gone, "{pids:?} live on");
}

fn stop_all(pids: &[u32]) {
    assert!(!pids.is_empty(), "nothing runs that could be stopped");
    for &pid in pids {
        process::kill(pid, Signal::STOP);
    }
    let stopped = process::until(SOON, || {
        pids.iter()
            .all(|&pid| process::seen(pid).is_none_or(|seen| seen.stopped))
    });
    assert!(stopped, "{pids:?} run on");
}

/// Lists the keeper's descriptors that are connected over its socket.
fn connected(keeper: u32) -> Vec<i32> {
    // Num RefCount Protocol Flags Type St Inode Path; an accepted socket has its listener's path,
    // as it was given to bind: the keeper's may go by /proc/self/fd, for its length.
    const CONNECTED: &str = "03";
    let table = std::fs::read_to_string("/proc/net/unix").expect("the kernel's sockets");
    let inodes: Vec<String> = table
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|words| {
            words.len() == 8 && words[5] == CONNECTED && words[7].ends_with("/keeper.sock")
        })
        .map(|words| format!("socket:[{}]", words[6]))
        .collect();
    let Ok(descriptors) = std::fs::read_dir(format!("/proc/{keeper}/fd")) else {
        return Vec::new();
    };
    descriptors
        .flatten()
        .filter(|entry| {
            std::fs::read_link(entry.path())
                .is_ok_and(|to| inodes.iter().any(|inode| to.as_os_str() == inode.as_str()))
        })
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

fn borrow(pid: u32, descriptor: i32) -> rustix::io::Result<OwnedFd> {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    let process =
        rustix::process::pidfd_open(pid.ok_or(rustix::io::Errno::SRCH)?, PidfdFlags::empty())?;
    rustix::process::pidfd_getfd(process, descriptor, PidfdGetfdFlags::empty())
}
