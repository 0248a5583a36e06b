//! Starting the browser with the pipe on descriptors 3 and 4.
//!
//! The only unsafe code of the project: between fork and exec only what is
//! async-signal-safe may be done, and that is a promise no compiler checks.
#![allow(unsafe_code, reason = "pre_exec; each use says why it is sound")]

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};

use rustix::process::{Pid, Signal};

/// What Chromium reads commands from under `--remote-debugging-pipe`.
const COMMANDS: i32 = 3;
/// What Chromium writes its messages to.
const MESSAGES: i32 = 4;

/// Spawns `command` in a process group of its own, reading `commands` as descriptor 3 and
/// writing `messages` as descriptor 4. It is killed when this thread ends.
///
/// To be called from the process's main thread: the death signal is tied to the thread that
/// forks, and comes when that thread ends.
///
/// # Errors
/// Those of duplicating and spawning.
pub(crate) fn with_pipe(
    mut command: Command,
    commands: &OwnedFd,
    messages: &OwnedFd,
) -> io::Result<Child> {
    // Out of the way of 3 and 4 in the child, whatever their numbers are here.
    let commands = rustix::io::fcntl_dupfd_cloexec(commands, 10)?;
    let messages = rustix::io::fcntl_dupfd_cloexec(messages, 10)?;
    // The standard library reports a failed exec through a descriptor that it opens inside
    // spawn. With 3 and 4 taken here it cannot be one of the two that are replaced below.
    let _taken = take_low_numbers()?;
    let parent = rustix::process::getpid();
    let pipe = (commands.as_raw_fd(), messages.as_raw_fd());
    command.process_group(0);
    // SAFETY: `prepare` makes four system calls and touches no memory that a lock guards.
    unsafe {
        command.pre_exec(move || prepare(parent, pipe));
    }
    command.spawn()
}

/// Runs in the child, between fork and exec.
fn prepare(parent: Pid, (commands, messages): (i32, i32)) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // A parent that died before the line above sends no signal any more.
    if rustix::process::getppid() != Some(parent) {
        return Err(io::ErrorKind::BrokenPipe.into());
    }
    put_at(commands, COMMANDS)?;
    put_at(messages, MESSAGES)
}

fn put_at(from: i32, to: i32) -> io::Result<()> {
    // SAFETY: `from` is open: the parent held it over the fork. `to` is open too (see
    // `take_low_numbers`), and is forgotten below, so that nothing closes it before exec.
    let (from, mut to) = unsafe { (BorrowedFd::borrow_raw(from), OwnedFd::from_raw_fd(to)) };
    // dup2 clears close-on-exec: these two, and no others, reach the browser.
    let done = rustix::io::dup2(from, &mut to);
    std::mem::forget(to);
    Ok(done?)
}

/// Opens descriptors until 3 and 4 are taken.
fn take_low_numbers() -> io::Result<Vec<File>> {
    let mut taken = Vec::new();
    loop {
        let file = File::open("/dev/null")?;
        if MESSAGES < file.as_raw_fd() {
            return Ok(taken);
        }
        taken.push(file);
    }
}
