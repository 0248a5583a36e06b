//! The browser as the keeper's child: its pipe, its standard error, its end.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::io::Errno;
use rustix::pipe::PipeFlags;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitOptions};

use super::commands::Commands;
use super::settings::Settings;
use super::splitter::{Framed, Splitter, TooLong};
use crate::process;

/// The longest `TMPDIR` under which Chromium's singleton socket still fits into the 108 bytes
/// of `sun_path`: it adds `/org.chromium.Chromium.XXXXXX/SingletonSocket`. Over that,
/// Chromium 156 crashes at its start.
const LONGEST_TMPDIR: usize = 60;

/// How much one wake-up reads of the browser, so that the daemon gets its turn too.
const READ_AT_ONCE: usize = 1 << 20;

/// A running browser.
pub(super) struct Browser {
    pub(super) pid: Pid,
    pub(super) start: u64,
    pub(super) commands: Commands,
    /// `None` once every holder has closed it.
    pub(super) messages: Option<OwnedFd>,
    pub(super) stderr: Option<OwnedFd>,
    splitter: Splitter,
    /// It has written to its pipe.
    pub(super) spoke: bool,
    /// The folder that `TMPDIR` leads to through `/proc`.
    _tmp: File,
}

/// How the browser's process ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Exit {
    Code(i32),
    Signal(i32),
}

impl Browser {
    /// Starts the browser.
    pub(super) fn start(run: &Path, settings: &Settings) -> io::Result<Self> {
        let tmp = run.join("tmp");
        make_private(&tmp)?;
        let tmp_held = File::open(&tmp)?;
        let (commands_read, commands) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        let (messages, messages_write) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        let (stderr, stderr_write) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;

        let mut command = command(settings);
        command
            .current_dir(&tmp)
            .stdin(Stdio::null())
            .stdout(stderr_write.try_clone()?)
            .stderr(stderr_write);
        command.env(super::RUN_MARK, run);
        set_environment(&mut command, &tmp, &tmp_held);
        let child = crate::spawn::with_pipe(command, &commands_read, &messages_write)?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or(io::ErrorKind::NotFound)?;
        for fd in [&commands, &messages, &stderr] {
            rustix::io::ioctl_fionbio(fd, true)?;
        }
        Ok(Self {
            pid,
            // Not reaped yet, so the id is still its own.
            start: process::start_time(pid.as_raw_nonzero().get())?,
            commands: Commands::new(commands),
            messages: Some(messages),
            stderr: Some(stderr),
            splitter: Splitter::default(),
            spoke: false,
            _tmp: tmp_held,
        })
    }

    /// Reads what the browser has to say and gives every whole message.
    pub(super) fn read(
        &mut self,
        buffer: &mut [u8],
        mut give: impl FnMut(Framed),
    ) -> Result<(), TooLong> {
        let mut n_read = 0;
        while let Some(fd) = &self.messages {
            match rustix::io::read(fd, &mut *buffer) {
                Ok(0) => self.messages = None,
                Ok(length) => {
                    self.spoke = true;
                    let bytes = buffer.get(..length).unwrap_or_default();
                    self.splitter.feed(bytes, &mut give)?;
                    n_read += length;
                    if READ_AT_ONCE <= n_read {
                        break;
                    }
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                Err(_) => self.messages = None,
            }
        }
        Ok(())
    }

    /// Reads the browser's standard error, a bounded share at once.
    pub(super) fn read_stderr(&mut self, buffer: &mut [u8], mut give: impl FnMut(&[u8])) {
        if let Some(fd) = &self.stderr {
            match rustix::io::read(fd, &mut *buffer) {
                Ok(0) => self.stderr = None,
                Ok(length) => give(buffer.get(..length).unwrap_or_default()),
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(_) => self.stderr = None,
            }
        }
    }

    /// Sends a signal to the browser's group. To be called before it is reaped: until then its
    /// id cannot pass to a stranger.
    pub(super) fn signal_group(&self, signal: Signal) {
        // A group that has just ended needs no signal any more.
        let _gone = rustix::process::kill_process_group(self.pid, signal);
    }

    /// Returns how the browser ended, if it has; it isn't reaped yet.
    pub(super) fn exit(&self) -> Option<Exit> {
        let peek = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let status = rustix::process::waitid(WaitId::Pid(self.pid), peek).ok()??;
        Some(match status.exit_status() {
            Some(code) => Exit::Code(code),
            None => Exit::Signal(status.terminating_signal().unwrap_or(0)),
        })
    }
}

/// Reaps every child that has ended. Returns how the browser ended if it was among them, and
/// whether children are left.
pub(super) fn reap(browser: Pid) -> (Option<Exit>, bool) {
    let mut exit = None;
    loop {
        match rustix::process::wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) if pid == browser => {
                exit = Some(match status.exit_status() {
                    Some(code) => Exit::Code(code),
                    None => Exit::Signal(status.terminating_signal().unwrap_or(0)),
                });
            }
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Ok(None) => return (exit, true),
            Err(_) => return (exit, false),
        }
    }
}

/// Kills every child there is: what outlived the browser fell to this process.
#[allow(clippy::disallowed_methods, reason = "this crate signals browsers")]
pub(super) fn kill_children() {
    for child in process::children() {
        if let Some(pid) = Pid::from_raw(child.pid) {
            // It is a child and not reaped, so the id is its own.
            let _gone = rustix::process::kill_process(pid, Signal::KILL);
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "this crate starts browsers")]
fn command(settings: &Settings) -> Command {
    let mut command = Command::new(&settings.program);
    command.args(&settings.args);
    command
}

/// Sees to it that Chromium leaves nothing outside its run folder, even when it is killed.
///
/// Measured with Chromium 156: its singleton socket and unnamed files lie in `TMPDIR`; crash
/// reports in `~/.config/chromium` unless `BREAKPAD_DUMP_LOCATION` says otherwise; GTK's
/// settings make `~/.cache/dconf`. `HOME` stays: fonts and certificates are found by it.
fn set_environment(command: &mut Command, tmp: &Path, tmp_held: &File) {
    let tmp = if tmp.as_os_str().len() <= LONGEST_TMPDIR {
        tmp.to_owned()
    } else {
        // Good for as long as this process lives, which is longer than the browser does.
        let keeper = rustix::process::getpid().as_raw_nonzero();
        format!("/proc/{keeper}/fd/{}", tmp_held.as_raw_fd()).into()
    };
    command
        .env("BREAKPAD_DUMP_LOCATION", tmp.join("crashes"))
        .env("TMPDIR", tmp)
        .env("GSETTINGS_BACKEND", "memory");
    for name in super::MEMORY_SETTINGS {
        command.env_remove(name);
    }
}

/// Makes a folder with mode 0700.
fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}
