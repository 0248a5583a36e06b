//! The keeper's loop: who is there, what has come, what is due.

use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::Signal;
use rustix::time::ClockId;

use super::browser::{self, Browser, Exit};
use super::daemon::Daemon;
use super::kept::Kept;
use super::log::Log;
use super::settings::Settings;
use super::signals::Signals;
use crate::wire::{self, REPORT, Refusal, ask, tell};
use crate::{ExitCause, ExitRecord, Identity, Welcome, exit, process};

/// How many may be connected without having said hello.
const CALLERS: usize = 4;
/// How long they may take for it.
const HELLO_LIMIT: Duration = Duration::from_secs(5);
/// What an orphaned browser, or one whose system goes down, gets for closing.
const CLOSE_GRACE: Duration = Duration::from_secs(10);
/// How long a keeper whose browser has ended waits for a daemon that takes nothing.
const FLUSH_LIMIT: Duration = Duration::from_secs(2);
/// How long it waits for a next daemon when it holds replies that nobody has read.
const REPLY_LIMIT: Duration = Duration::from_secs(60);
/// How often the end of the last children is looked at, should a signal have been missed.
const CHILDREN_AGAIN: Duration = Duration::from_millis(250);

enum Phase {
    Running,
    /// The browser was asked to end.
    Stopping {
        terminate_at: Option<Duration>,
        kill_at: Duration,
    },
    /// The browser has ended. `children` of it may be left.
    Ended {
        record: ExitRecord,
        at: Duration,
        children: bool,
    },
}

/// See the head of [`super`].
pub(super) struct Keeper {
    run: PathBuf,
    log: Log,
    home_nonce: String,
    orphan_timeout: Option<Duration>,
    identity: Identity,
    browser: Browser,
    kept: Kept,
    phase: Phase,
    /// Why the browser is made to end, if it is.
    cause: Option<ExitCause>,
    oom_kills: u64,
    listener: UnixListener,
    signals: Signals,
    /// The pipe to the launcher, until it has confirmed the launch.
    launcher: Option<OwnedFd>,
    daemon: Option<Daemon>,
    /// The daemon's socket is full.
    daemon_full: bool,
    callers: Vec<(Daemon, Duration)>,
    /// The highest epoch that was welcomed.
    epoch: u64,
    /// Bytes that were queued for the browser when the daemon came: not its own.
    taken_before: u64,
    taken_told: u64,
    dropped_at_welcome: u64,
    dropped_told: u64,
    alone_since: Duration,
    /// When the daemon last came or took something.
    taking_since: Duration,
    notes: Vec<u8>,
    will: Vec<Vec<u8>>,
    buffer: Box<[u8]>,
}

/// What a wait found.
#[derive(Default)]
struct Ready {
    child: bool,
    end: bool,
    messages: bool,
    stderr: bool,
    launcher_gone: bool,
    daemon: bool,
    listener: bool,
    callers: bool,
}

impl Keeper {
    pub(super) fn new(
        run: &Path,
        log: Log,
        settings: Settings,
        browser: Browser,
        listener: UnixListener,
        signals: Signals,
        launcher: OwnedFd,
    ) -> Self {
        let keeper_pid = rustix::process::getpid().as_raw_nonzero().get();
        Self {
            run: run.to_owned(),
            log,
            home_nonce: settings.home_nonce,
            orphan_timeout: settings.orphan_timeout_ms.map(Duration::from_millis),
            identity: Identity {
                browser_pid: browser.pid.as_raw_nonzero().get(),
                browser_start: browser.start,
                keeper_pid,
                keeper_start: process::start_time(keeper_pid).unwrap_or(0),
                nonce: settings.nonce,
            },
            browser,
            kept: Kept::default(),
            phase: Phase::Running,
            cause: None,
            oom_kills: super::oom::kills(),
            listener,
            signals,
            launcher: Some(launcher),
            daemon: None,
            daemon_full: false,
            callers: Vec::new(),
            epoch: 0,
            taken_before: 0,
            taken_told: 0,
            dropped_at_welcome: 0,
            dropped_told: 0,
            alone_since: now(),
            taking_since: now(),
            notes: Vec::new(),
            will: Vec::new(),
            buffer: vec![0; 64 << 10].into(),
        }
    }

    /// Runs until the browser has ended, all of it is reaped and what is left is delivered.
    pub(super) fn run(mut self) {
        while !self.is_done() {
            let ready = self.wait();
            // The browser first: a daemon is then told of its end and its last words at once.
            self.hear_browser(&ready);
            self.hear_children(&ready);
            // The daemon before callers: one that reconnects has closed its old connection.
            self.hear_daemon(&ready);
            self.hear_callers(&ready);
            if ready.end {
                self.stop(CLOSE_GRACE, ExitCause::Stopped);
            }
            if ready.launcher_gone {
                self.log.say("the launch was given up");
                self.stop(Duration::ZERO, ExitCause::Stopped);
            }
            self.keep_time();
            self.speak();
        }
    }

    fn wait(&mut self) -> Ready {
        let timeout = self.next_deadline().map(|at| {
            let left = at.saturating_sub(now());
            // Up, or the loop would spin through the last fraction of a millisecond.
            let left = left + Duration::from_millis(1);
            Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(left.subsec_nanos()),
            }
        });
        let mut fds = Vec::with_capacity(8 + CALLERS);
        let mut places: Vec<fn(&mut Ready)> = Vec::with_capacity(8 + CALLERS);
        let mut add = |fd, flags, place: fn(&mut Ready)| {
            fds.push(PollFd::from_borrowed_fd(fd, flags));
            places.push(place);
        };
        add(self.signals.child.as_fd(), PollFlags::IN, |ready| {
            ready.child = true
        });
        add(self.signals.end.as_fd(), PollFlags::IN, |ready| {
            ready.end = true
        });
        add(self.listener.as_fd(), PollFlags::IN, |ready| {
            ready.listener = true
        });
        if let Some(fd) = &self.browser.messages {
            add(fd.as_fd(), PollFlags::IN, |ready| ready.messages = true);
        }
        if let Some(fd) = &self.browser.stderr {
            add(fd.as_fd(), PollFlags::IN, |ready| ready.stderr = true);
        }
        if let Some(fd) = self.browser.commands.to_write() {
            add(fd.as_fd(), PollFlags::OUT, |_| ());
        }
        if let Some(fd) = &self.launcher {
            // Nothing is asked for: a pipe without a reader is told as an error.
            add(fd.as_fd(), PollFlags::empty(), |ready| {
                ready.launcher_gone = true
            });
        }
        if let Some(daemon) = &self.daemon {
            let room = if self.daemon_full {
                PollFlags::OUT
            } else {
                PollFlags::empty()
            };
            add(daemon.stream.as_fd(), PollFlags::IN | room, |ready| {
                ready.daemon = true
            });
        }
        for (caller, _) in &self.callers {
            add(caller.stream.as_fd(), PollFlags::IN, |ready| {
                ready.callers = true
            });
        }
        let mut ready = Ready::default();
        // An interrupted wait found nothing, and the loop comes round.
        if rustix::event::poll(&mut fds, timeout.as_ref()).is_ok() {
            for (fd, place) in fds.iter().zip(places) {
                if !fd.revents().is_empty() {
                    place(&mut ready);
                }
            }
        }
        ready
    }

    fn hear_browser(&mut self, ready: &Ready) {
        if ready.stderr {
            let log = &mut self.log;
            self.browser
                .read_stderr(&mut self.buffer, |bytes| log.write(bytes));
        }
        if ready.messages {
            self.read_messages();
        }
    }

    fn read_messages(&mut self) {
        let kept = &mut self.kept;
        let mut full = false;
        let read = self
            .browser
            .read(&mut self.buffer, |frame| full |= kept.push(frame).is_err());
        if (full || read.is_err()) && self.cause.is_none() {
            // A message dropped here might be one that a page waits for until it is answered:
            // it is better that all is lost loudly.
            self.log
                .say("more than may be kept, and nobody reads it: the browser is killed");
            self.stop(Duration::ZERO, ExitCause::BufferFull);
        }
    }

    fn hear_children(&mut self, ready: &Ready) {
        if ready.child {
            Signals::came(&self.signals.child);
        } else if !matches!(self.phase, Phase::Ended { children: true, .. }) {
            return;
        }
        let ended = matches!(self.phase, Phase::Ended { .. });
        let peeked = if ended { None } else { self.browser.exit() };
        if peeked.is_some() {
            // Before it is reaped, see `signal_group`.
            self.browser.signal_group(Signal::KILL);
        }
        let (reaped, mut left) = browser::reap(self.browser.pid);
        if !ended && let Some(exit) = peeked.or(reaped) {
            self.browser_ended(exit);
        }
        if let Phase::Ended { children, .. } = &mut self.phase {
            if left {
                // Also those that fell to this process just now.
                browser::kill_children();
                left = browser::reap(self.browser.pid).1;
            }
            *children = left;
        }
    }

    fn browser_ended(&mut self, exit: Exit) {
        // Its last words: all that was written is in the pipe by now.
        self.read_messages();
        let log = &mut self.log;
        self.browser
            .read_stderr(&mut self.buffer, |bytes| log.write(bytes));
        self.browser.commands.lose();
        self.browser.messages = None;
        self.browser.stderr = None;

        let spontaneous = self.cause.is_none();
        let oom = spontaneous && exit == Exit::Signal(9) && self.oom_kills < super::oom::kills();
        let launched = self.launcher.is_none() || self.browser.spoke;
        let cause = match (self.cause.take(), exit) {
            (Some(cause), _) => cause,
            (None, Exit::Code(code)) if launched => ExitCause::Exited { code },
            (None, Exit::Signal(signal)) => ExitCause::Signalled { signal },
            (None, Exit::Code(code)) => ExitCause::LaunchFailed {
                reason: format!("it exited with code {code}"),
            },
        };
        let record = ExitRecord {
            cause,
            oom,
            at: base::Clock::system().wall(),
        };
        self.log.say(&record.to_string());
        if let Err(err) = exit::write(&self.run, &record) {
            self.log
                .say(&format!("{} was not written: {err}", exit::FILE));
        }
        if let Some(daemon) = &mut self.daemon {
            let delivered = self.browser.commands.delivered();
            daemon.tell(tell::EXITED, &wire::exited(&record, delivered));
        }
        self.launcher = None;
        self.phase = Phase::Ended {
            record,
            at: now(),
            children: true,
        };
    }

    fn hear_daemon(&mut self, ready: &Ready) {
        if !ready.daemon {
            return;
        }
        let Some(mut daemon) = self.daemon.take() else {
            return;
        };
        daemon.read(&mut self.buffer);
        while let Some((kind, payload)) = daemon.frame() {
            // It could send this only after it had read the welcome.
            self.kept.gap_known(self.dropped_at_welcome);
            self.taking_since = now();
            match kind {
                ask::MESSAGE => self.browser.commands.send(payload),
                ask::NOTES => self.notes = payload,
                ask::WILL => match wire::read_will(&payload) {
                    Some(will) => self.will = will,
                    None => daemon.lost = true,
                },
                ask::STOP => {
                    let grace = wire::read_number(&payload).unwrap_or(0);
                    // What it said before goes out before.
                    self.browser.commands.write();
                    self.stop(Duration::from_millis(grace), ExitCause::Stopped);
                }
                ask::TAKEN => match wire::read_number(&payload) {
                    Some(total) => daemon.taken(total, &mut self.kept),
                    None => daemon.lost = true,
                },
                ask::KEEP => self.launcher = None,
                // A newer daemon's, of no meaning here.
                _ => {}
            }
        }
        self.daemon = Some(daemon);
    }

    fn hear_callers(&mut self, ready: &Ready) {
        if ready.callers {
            let callers = std::mem::take(&mut self.callers);
            for (mut caller, limit) in callers {
                caller.read(&mut self.buffer);
                match caller.frame() {
                    Some((ask::HELLO, payload)) => self.greet(caller, &payload),
                    Some(_) => {}
                    None if caller.lost => {}
                    None => self.callers.push((caller, limit)),
                }
            }
        }
        if ready.listener {
            // One a turn: the rest is still there in the next.
            if let Ok((stream, _)) = self.listener.accept()
                && base::socket::check_peer(&stream).is_ok()
                && self.callers.len() < CALLERS
                && let Ok(caller) = Daemon::accepted(stream)
            {
                self.callers.push((caller, now() + HELLO_LIMIT));
            }
        }
    }

    fn greet(&mut self, caller: Daemon, hello: &[u8]) {
        match self.admit(hello) {
            Ok(epoch) => self.welcome(caller, epoch),
            Err(refusal) => {
                self.log.say(&format!("a daemon was refused: {refusal:?}"));
                caller.farewell(tell::REFUSED, &[refusal as u8]);
            }
        }
    }

    fn admit(&self, hello: &[u8]) -> Result<u64, Refusal> {
        let (_version, epoch, nonce) = wire::read_hello(hello).ok_or(Refusal::Malformed)?;
        if nonce != self.home_nonce.as_bytes() {
            return Err(Refusal::Nonce);
        }
        let held = self.daemon.as_ref().is_some_and(|daemon| !daemon.lost);
        // The same daemon may come again after its link broke, but not beside itself.
        if epoch < self.epoch || (epoch == self.epoch && held) {
            return Err(Refusal::Epoch);
        }
        Ok(epoch)
    }

    fn welcome(&mut self, mut caller: Daemon, epoch: u64) {
        if let Some(displaced) = self.daemon.take() {
            displaced.farewell(tell::DISPLACED, &[]);
        }
        self.kept.take_back();
        let exit = match &self.phase {
            Phase::Ended { record, .. } => Some(record.clone()),
            Phase::Running | Phase::Stopping { .. } => None,
        };
        let welcome = Welcome {
            version: wire::VERSION,
            identity: self.identity.clone(),
            notes: self.notes.clone().into(),
            gap: self.kept.gap(),
            kept: self.kept.waiting(),
            exit: exit.clone(),
        };
        caller.tell(tell::WELCOME, &wire::welcome(&welcome));
        if let Some(record) = exit {
            // It reads nothing that is said from here on.
            caller.tell(tell::EXITED, &wire::exited(&record, 0));
        }
        self.epoch = epoch;
        self.browser.commands.next_speaker();
        self.taken_before = self.browser.commands.accepted;
        self.taken_told = 0;
        self.dropped_at_welcome = self.kept.dropped();
        self.dropped_told = self.dropped_at_welcome;
        self.daemon_full = false;
        self.taking_since = now();
        self.daemon = Some(caller);
    }

    /// Has the browser end: asked now, told at half of `grace`, killed at its end. Without any
    /// it isn't asked: it stays known what it has read.
    fn stop(&mut self, grace: Duration, cause: ExitCause) {
        let now = now();
        match &mut self.phase {
            Phase::Ended { .. } => return,
            Phase::Running => {
                let terminate_at = Some(now + grace / 2);
                self.phase = Phase::Stopping {
                    terminate_at,
                    kill_at: now + grace,
                };
                if !grace.is_zero() {
                    self.browser.commands.close();
                }
            }
            Phase::Stopping { kill_at, .. } => *kill_at = (*kill_at).min(now + grace),
        }
        self.cause.get_or_insert(cause);
    }

    fn keep_time(&mut self) {
        let now = now();
        self.callers.retain(|(_, limit)| now < *limit);
        if let Phase::Stopping {
            terminate_at,
            kill_at,
        } = &mut self.phase
        {
            if *kill_at <= now {
                // It may take a moment to die; there is no need to kill it again meanwhile.
                *kill_at = now + CLOSE_GRACE;
                *terminate_at = None;
                self.browser.signal_group(Signal::KILL);
            } else if terminate_at.is_some_and(|at| at <= now) {
                *terminate_at = None;
                self.browser.signal_group(Signal::TERM);
            }
        }
        if self.orphan_deadline().is_some_and(|at| at <= now) {
            self.log.say("no daemon came in time");
            self.stop(CLOSE_GRACE, ExitCause::OrphanTimeout);
        }
    }

    /// Writes whatever is taken, and lets go of a daemon that has gone.
    fn speak(&mut self) {
        self.browser.commands.write();
        if let Some(daemon) = &mut self.daemon {
            let taken = self
                .browser
                .commands
                .taken
                .saturating_sub(self.taken_before);
            if self.taken_told + REPORT as u64 <= taken {
                self.taken_told = taken;
                daemon.tell(tell::TAKEN, &taken.to_le_bytes());
            }
            // Not more often than the daemon reads.
            if self.dropped_told < self.kept.dropped() && daemon.is_flushed() {
                self.dropped_told = self.kept.dropped();
                daemon.tell(tell::GAP, &self.dropped_told.to_le_bytes());
            }
            self.daemon_full = daemon.write(&mut self.kept);
        }
        if self.daemon.as_ref().is_some_and(|daemon| daemon.lost) {
            self.lose_daemon();
        }
    }

    fn lose_daemon(&mut self) {
        self.log.say("the daemon has gone");
        self.daemon = None;
        self.kept.take_back();
        self.alone_since = now();
        for message in std::mem::take(&mut self.will) {
            self.browser.commands.send(message);
        }
        self.browser.commands.write();
        if self.launcher.is_some() {
            // Nobody but the launcher knows of this browser yet.
            self.stop(Duration::ZERO, ExitCause::Stopped);
        }
    }

    fn orphan_deadline(&self) -> Option<Duration> {
        match self.phase {
            Phase::Running if self.daemon.is_none() => {
                Some(self.alone_since + self.orphan_timeout?)
            }
            _ => None,
        }
    }

    fn next_deadline(&self) -> Option<Duration> {
        let phase = match &self.phase {
            Phase::Running => self.orphan_deadline(),
            Phase::Stopping {
                terminate_at,
                kill_at,
            } => Some(terminate_at.map_or(*kill_at, |at| at.min(*kill_at))),
            Phase::Ended { children: true, .. } => Some(now() + CHILDREN_AGAIN),
            Phase::Ended { at, .. } => Some(self.last_moment(*at)),
        };
        self.callers
            .iter()
            .map(|(_, limit)| *limit)
            .chain(phase)
            .min()
    }

    /// Until when what is left may still be taken after the browser's end.
    fn last_moment(&self, end: Duration) -> Duration {
        if self.daemon.is_some() {
            end.max(self.taking_since) + FLUSH_LIMIT
        } else {
            end.max(self.alone_since) + REPLY_LIMIT
        }
    }

    fn is_done(&self) -> bool {
        let Phase::Ended {
            at,
            children: false,
            ..
        } = &self.phase
        else {
            return false;
        };
        let delivered = match &self.daemon {
            Some(daemon) => daemon.is_flushed() && daemon.wrote_all(&self.kept),
            None => !self.kept.holds_reply(),
        };
        delivered || self.last_moment(*at) <= now()
    }
}

/// Awake time: it stands still while the machine sleeps, so that a night in a closed
/// notebook is no reason to end a browser. It isn't stored, shown or compared with others',
/// which is what `base::Clock` is for.
fn now() -> Duration {
    let now = rustix::time::clock_gettime(ClockId::Monotonic);
    Duration::new(
        u64::try_from(now.tv_sec).unwrap_or(0),
        u32::try_from(now.tv_nsec).unwrap_or(0),
    )
}
