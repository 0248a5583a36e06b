//! Doing a fault to the real processes.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Child, Command, Output, Stdio};
use std::thread::JoinHandle;
use std::time::Instant;

use serde_json::{Value, json};

use super::attached::Attached;
use super::plan::{Fault, Step};
use crate::clock::WallClock;
use crate::disk::SmallDisk;
use crate::harness::{Do, Harness, SOON};
use crate::process::{self, Signal};

/// How many mebibytes the home's disk has, and for each session more.
const DISK: (u32, u32) = (96, 80);

/// The daemons that were started here.
#[derive(Default)]
pub(super) struct Daemons {
    children: Vec<Child>,
    started: usize,
}

impl Daemons {
    /// Starts one; every second one gives browsers a network service of its own.
    pub(super) fn start(&mut self, harness: &Harness) -> Result<(), String> {
        let mut command = harness.command(&["serve", "--listen", "127.0.0.1:0"]);
        if self.started % 2 == 1 {
            command.env(
                "BROWSERD_CHROME_ARGS",
                "--disable-features=NetworkServiceInProcess2",
            );
        }
        self.started += 1;
        command
            .env("BROWSERD_LOG_FORMAT", "json")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.children
            .push(process::spawn(&mut command).map_err(|err| err.to_string())?);
        Ok(())
    }

    /// Waits until a daemon answers, whoever started it.
    pub(super) fn ready(&mut self, harness: &Harness) -> Result<(), String> {
        let ready = process::until(SOON, || {
            self.reap();
            harness
                .unix_http()
                .get("/readyz")
                .is_ok_and(|answer| answer.status == 200)
        });
        if ready {
            Ok(())
        } else {
            Err("no daemon is ready".to_owned())
        }
    }

    pub(super) fn reap(&mut self) {
        self.children.retain_mut(|child| {
            let ended = matches!(child.try_wait(), Ok(Some(_)));
            if ended {
                process::forget(child.id());
            }
            !ended
        });
    }
}

/// What is around browserd and can be bent; what isn't allowed here is `None`.
pub(super) struct Surroundings {
    disk: Option<SmallDisk>,
    clock: Option<WallClock>,
    /// The session at somebody's browser, once there is a daemon.
    pub(super) attached: Option<Attached>,
}

impl Surroundings {
    /// Puts the home on a disk of its own and gives browserd a clock that can be set.
    pub(super) fn prepare(harness: &mut Harness, sessions: usize) -> Self {
        let size = DISK.0 + DISK.1 * u32::try_from(sessions).unwrap_or(u32::MAX);
        Self {
            disk: SmallDisk::mount(&harness.home(), size),
            clock: WallClock::install(harness),
            attached: None,
        }
    }
}

/// What became of a hit.
pub(super) struct Done {
    /// When it was.
    pub at: Instant,
    /// `Ok(false)` if there was nothing to do it to.
    pub hit: Result<bool, String>,
}

/// What a hit has left to be undone after a while.
#[derive(Default)]
struct Held {
    pids: Vec<u32>,
    disk: bool,
    link: bool,
    /// Commands that run meanwhile, and whether they have to succeed.
    commands: Vec<(JoinHandle<std::io::Result<Output>>, bool)>,
}

impl Held {
    /// Runs a command beside the rest: it may wait for what is stopped.
    fn run(&mut self, mut command: Command, succeeds: bool) {
        let run = move || process::output(&mut command);
        self.commands.push((std::thread::spawn(run), succeeds));
    }

    /// Waits for the commands, and tells of one that ended as it must not.
    fn finish(&mut self) -> Result<(), String> {
        for (command, succeeds) in self.commands.drain(..) {
            match command.join() {
                Ok(Ok(output)) if output.status.success() == succeeds => {}
                other => return Err(format!("a command that must end {succeeds}: {other:?}")),
            }
        }
        Ok(())
    }
}

/// Does the faults of a step at the same moment, those to one session first; `meanwhile` is run
/// once they are done, before what was stopped goes on. Returns what became of each, in order.
pub(super) fn inflict(
    harness: &mut Harness,
    daemons: &mut Daemons,
    around: &mut Surroundings,
    (step, sessions): (&Step, &[String]),
    meanwhile: impl FnOnce(),
) -> (Vec<Done>, Result<(), String>) {
    // Found before the clock runs: the log is long.
    let browsers = browsers(harness);
    let daemon = harness.daemon_if_any();
    let mut held = Held::default();
    let mut done: Vec<Done> = Vec::new();
    for hit in step.hits.iter().rev() {
        let victim = sessions[hit.victim].as_str();
        let browser = browsers.get(victim).copied();
        let browser = browser.filter(|&pid| process::runs(pid));
        let at = Instant::now();
        let hit = begin(
            (harness, daemons, around),
            (hit.fault, step.clock),
            (victim, browser),
            &mut held,
        );
        done.push(Done { at, hit });
    }
    done.reverse();
    meanwhile();
    let pids = std::mem::take(&mut held.pids);
    if !pids.is_empty() || held.disk || held.link {
        std::thread::sleep(step.hold);
    }
    pids.iter()
        .for_each(|&pid| process::kill(pid, Signal::CONT));
    if let Some(disk) = around.disk.as_ref().filter(|_| held.disk) {
        disk.empty();
    }
    if let Some(attached) = around.attached.as_ref().filter(|_| held.link) {
        attached.lead_on();
    }
    if let Err(err) = held.finish() {
        return (done, Err(err));
    }
    let gone = step.hits.iter().any(|hit| hit.fault.ends_the_daemon());
    (done, back(harness, daemons, daemon.filter(|_| gone), gone))
}

/// Starts a daemon in the place of one that has to end, and waits until it is ready.
fn back(
    harness: &Harness,
    daemons: &mut Daemons,
    ending: Option<u32>,
    gone: bool,
) -> Result<(), String> {
    if gone {
        let ended = process::until(SOON, || {
            daemons.reap();
            ending.is_none_or(|pid| !process::runs(pid))
        });
        if !ended {
            return Err("the daemon doesn't end".to_owned());
        }
        daemons.start(harness)?;
    }
    daemons.ready(harness)
}

fn begin(
    (harness, daemons, around): (&mut Harness, &mut Daemons, &mut Surroundings),
    (fault, clock): (Fault, i64),
    (victim, browser): (&str, Option<u32>),
    held: &mut Held,
) -> Result<bool, String> {
    let below = |what: &str| -> Vec<u32> {
        let tree = browser.map(process::tree).unwrap_or_default();
        tree.into_iter()
            .filter(|pid| {
                process::seen(*pid).is_some_and(|seen| !seen.zombie && seen.command.contains(what))
            })
            .collect()
    };
    let keeper = browser.and_then(process::seen).map(|seen| seen.parent);
    let network = "--utility-sub-type=network.mojom.NetworkService";
    let storage = "--utility-sub-type=storage.mojom.StorageService";
    let renderer = "--type=renderer";
    let daemon = harness.daemon_if_any();
    let one = |pid: Option<u32>| -> Vec<u32> { pid.into_iter().collect() };
    let signal = |pids: &[u32], signal| {
        pids.iter().for_each(|&pid| process::kill(pid, signal));
        !pids.is_empty()
    };
    let paused = match fault {
        Fault::PauseBrowser => one(browser),
        Fault::PauseRenderer => below(renderer),
        Fault::PauseStorage => below(storage),
        Fault::PauseKeeper => one(keeper),
        Fault::PauseDaemon => one(daemon),
        _ => vec![],
    };
    held.pids.extend(&paused);
    Ok(match fault {
        Fault::KillBrowser => signal(&one(browser), Signal::KILL),
        Fault::KillAllBrowsers => signal(&harness.browsers(), Signal::KILL),
        Fault::KillRenderer => signal(&below(renderer), Signal::KILL),
        Fault::KillStorage => signal(&below(storage), Signal::KILL),
        Fault::KillNetwork => signal(&below(network), Signal::KILL),
        Fault::KillKeeper => signal(&one(keeper), Signal::KILL),
        Fault::FreezeBrowser => signal(&one(browser), Signal::STOP),
        Fault::PauseBrowser
        | Fault::PauseRenderer
        | Fault::PauseStorage
        | Fault::PauseKeeper
        | Fault::PauseDaemon => signal(&paused, Signal::STOP),
        Fault::KillDaemon => signal(&one(daemon), Signal::KILL),
        Fault::KillDaemonAndBrowser => {
            signal(&one(daemon), Signal::KILL) && signal(&one(browser), Signal::KILL)
        }
        Fault::TermDaemon => signal(&one(daemon), Signal::TERM),
        Fault::StopDaemon => {
            held.run(harness.command(&["stop"]), true);
            true
        }
        Fault::RaceDaemons => {
            let hit = signal(&one(daemon), Signal::KILL);
            for _ in 0..2 {
                daemons.start(harness)?;
            }
            hit
        }
        Fault::SecondDaemon => {
            let second = harness.command(&["serve", "--listen", "127.0.0.1:0"]);
            held.run(second, false);
            true
        }
        Fault::CutLinks => {
            let hit = !harness.keepers().is_empty();
            if hit {
                harness.fault(Do::DropLink);
            }
            hit
        }
        Fault::SlowClients => slow(harness)?,
        Fault::VanishingClient => vanish(harness, victim)?,
        Fault::CutAttached => around.attached.as_ref().is_some_and(|attached| {
            attached.cut();
            held.link = true;
            true
        }),
        Fault::DiskFull => around.disk.as_ref().is_some_and(|disk| {
            disk.fill();
            held.disk = true;
            true
        }),
        Fault::ClockJump => around.clock.as_mut().is_some_and(|wall| {
            wall.set(clock);
            true
        }),
    })
}

/// Returns which browser each session has, as the daemon's log tells it.
fn browsers(harness: &Harness) -> BTreeMap<String, u32> {
    let mut found = BTreeMap::new();
    for file in ["daemon.log.1", "daemon.log"] {
        let text = std::fs::read_to_string(harness.home().join(file)).unwrap_or_default();
        for line in text
            .lines()
            .filter(|line| line.contains("the session has this browser"))
        {
            let Ok(line) = serde_json::from_str::<Value>(line) else {
                continue;
            };
            let session = line["span"]["session"]
                .as_str()
                .or_else(|| line["spans"][0]["session"].as_str());
            let pid = line["fields"]["pid"]
                .as_u64()
                .or_else(|| line["pid"].as_u64());
            if let (Some(session), Some(pid)) =
                (session, pid.and_then(|pid| u32::try_from(pid).ok()))
            {
                found.insert(session.to_owned(), pid);
            }
        }
    }
    found
}

/// Sends half a request and keeps silent, and reads an answer byte by byte.
fn slow(harness: &Harness) -> Result<bool, String> {
    use std::io::Read as _;
    let connect = || std::os::unix::net::UnixStream::connect(harness.home().join("browserd.sock"));
    let mut half = connect().map_err(|err| err.to_string())?;
    half.write_all(b"POST /v1/sessions HTTP/1.1\r\nhost: localhost\r\ncontent-le")
        .map_err(|err| err.to_string())?;
    let mut reader = connect().map_err(|err| err.to_string())?;
    reader
        .set_read_timeout(Some(SOON))
        .map_err(|err| err.to_string())?;
    reader
        .write_all(b"GET /v1/sessions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .map_err(|err| err.to_string())?;
    let (mut byte, mut read) = ([0; 1], 0);
    while reader.read(&mut byte).map_err(|err| err.to_string())? == 1 {
        read += 1;
        if read % 16 == 0 {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
    }
    if read == 0 {
        Err("a slow reader got nothing".to_owned())
    } else {
        Ok(true)
    }
}

/// Sends a call and is gone before its answer.
fn vanish(harness: &Harness, session: &str) -> Result<bool, String> {
    let body = json!({ "session_id": session, "tab_id": "t1", "expression": "await new Promise(done => setTimeout(done, 300))" }).to_string();
    let mut stream = std::os::unix::net::UnixStream::connect(harness.home().join("browserd.sock"))
        .map_err(|err| err.to_string())?;
    let head = format!(
        "POST /v1/operations/evaluate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream
        .write_all(head.as_bytes())
        .map_err(|err| err.to_string())?;
    std::thread::sleep(std::time::Duration::from_millis(100));
    Ok(true)
}
