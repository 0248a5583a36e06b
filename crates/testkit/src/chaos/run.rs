//! The run itself: one step after the other, and the table at its end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use super::attached::Attached;
use super::bare;
use super::client::Client;
use super::inflict::{Daemons, Surroundings, inflict};
use super::plan::{Fault, Moment, Plan, Step};
use super::queue::Queue;
use super::summary::{Summary, Tally};
use super::worker::{Check, Found, Order, Worker};
use crate::harness::Harness;
use crate::process;
use crate::site::Site;

/// After how many steps a bare Chromium is started.
const BARE_EVERY: usize = 4;
/// How long a worker may take to answer an order.
const ANSWER: Duration = Duration::from_secs(180);
/// How long a daemon that waits for the home of another one does.
const GIVES_UP: Duration = Duration::from_secs(15);

/// What to run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The browserd.
    pub program: PathBuf,
    /// How long.
    pub time: Duration,
    /// The most faults.
    pub faults: usize,
    /// How many sessions.
    pub sessions: usize,
    /// What the schedule follows from.
    pub seed: u64,
    /// Which faults.
    pub kinds: Vec<Fault>,
    /// Where the daemon's logs are copied at the end.
    pub logs: Option<PathBuf>,
}

struct AtWork {
    session: String,
    orders: Sender<Order>,
    found: Receiver<Found>,
    thread: std::thread::JoinHandle<()>,
}

/// Runs it, printing each step before it is done.
///
/// # Errors
/// If the sessions can't be opened, before any fault.
pub fn run(settings: &Settings) -> Result<Summary, String> {
    let site = Arc::new(Site::start());
    let limit = (settings.sessions + 3).to_string();
    let mut harness = Harness::new(&settings.program)
        .with("MAX_SESSIONS", &limit)
        .with("BROWSERD_LOG_FORMAT", "json");
    let mut around = Surroundings::prepare(&mut harness, settings.sessions);
    let mut daemons = Daemons::default();
    daemons.start(&harness)?;
    daemons.ready(&harness)?;
    let queue = Arc::new(Queue::default());
    let mut workers = Vec::new();
    let pace = pace(settings.sessions);
    for turn in 0..settings.sessions {
        let client = Client::of_turn(&harness, turn);
        let (site, queue) = (Arc::clone(&site), Arc::clone(&queue));
        let worker = Worker::open(client, site, queue, (settings.seed, pace), turn)?;
        workers.push(begin(worker));
    }
    around.attached = Some(Attached::open(&harness, &site.url("/work"))?);
    let (mut tally, begun) = (Tally::default(), Instant::now());
    for (n, step) in Plan::new(settings.seed, &settings.kinds, settings.sessions).enumerate() {
        if settings.time <= begun.elapsed() || settings.faults <= tally.faults {
            break;
        }
        println!("step {n}: {step}");
        for hit in &step.hits {
            drop(workers[hit.victim].orders.send(Order::Hurry));
        }
        std::thread::sleep(step.pause);
        let wrong = turn(
            (&mut harness, &mut daemons, &mut around),
            (n, &step),
            &workers,
            &mut tally,
        );
        tally.row(step.hits[0].fault).wrong += wrong.len();
        for line in wrong {
            println!("  WRONG {line}");
            let told = format!("seed {} step {n} ({step}): {line}", settings.seed);
            tally.wrong.push(told);
        }
    }
    end(&harness, workers, &queue, &mut tally);
    let closed = around.attached.as_mut().and_then(Attached::close);
    tally.wrong.extend(closed);
    if site.counts().logins != settings.sessions as u64 || site.counts().turned_away != 0 {
        let counts = site.counts();
        tally.wrong.push(format!(
            "{} logins, {} turned away",
            counts.logins, counts.turned_away
        ));
    }
    if let Some(folder) = &settings.logs {
        keep_logs(&harness, folder)?;
    }
    // A client that met no daemon has started one, which waits for the home for a while.
    let alone = crate::process::until(GIVES_UP, || {
        let family = harness.family();
        let daemons = family.iter().filter(|seen| seen.command.contains(" serve"));
        daemons.count() <= 1
    });
    if !alone {
        tally.wrong.push("several daemons at the end".to_owned());
    }
    // It panics with a list of what is left; that is a finding like any other.
    let finish = AssertUnwindSafe(|| harness.finish_before(|| drop(around)));
    if catch_unwind(finish).is_err() {
        tally
            .wrong
            .push("something is left at the end; see above".to_owned());
    }
    daemons.reap();
    Ok(tally.summary(settings, begun.elapsed()))
}

/// Does a step and has everything looked at; returns what is wrong.
fn turn(
    (harness, daemons, around): (&mut Harness, &mut Daemons, &mut Surroundings),
    (n, step): (usize, &Step),
    workers: &[AtWork],
    tally: &mut Tally,
) -> Vec<String> {
    let mut wrong = Vec::new();
    for hit in step.hits.iter().filter(|hit| hit.moment != Moment::Work) {
        wrong.extend(ask(&workers[hit.victim], Order::Prepare(hit.moment)).err());
    }
    if let Some(attached) = &mut around.attached {
        attached.write();
    }
    let sessions: Vec<_> = workers
        .iter()
        .map(|worker| worker.session.clone())
        .collect();
    // Beside the recoveries, so that both have the same machine.
    let mut bare = None;
    let (done, daemon) = inflict(harness, daemons, around, (step, &sessions), || {
        bare = n
            .is_multiple_of(BARE_EVERY)
            .then(|| std::thread::spawn(bare::start));
    });
    wrong.extend(daemon.err());
    for (hit, done) in step.hits.iter().zip(&done) {
        let row = tally.row(hit.fault);
        match &done.hit {
            Ok(true) => {
                row.times += 1;
                tally.faults += 1;
            }
            Ok(false) => row.skipped += 1,
            Err(err) => wrong.push(err.clone()),
        }
    }
    for (session, worker) in workers.iter().enumerate() {
        let own = step
            .hits
            .iter()
            .position(|hit| Some(*hit) == step.hit_of(session));
        let costs = |fault: Fault| fault.may_cost_the_page();
        let check = Check {
            at: done[own.unwrap_or(0)].at,
            may_cost_the_page: step.hit_of(session).is_some_and(|hit| costs(hit.fault))
                || step.to_all().is_some_and(costs),
            was_full: step.to_all() == Some(Fault::DiskFull),
            closely: own.is_some(),
        };
        // One whose thread has ended is told by its answer that doesn't come.
        drop(worker.orders.send(Order::Verify(check)));
    }
    for (session, worker) in workers.iter().enumerate() {
        let own = step.hit_of(session).map(|hit| hit.fault);
        let fault = own.or(step.to_all()).unwrap_or(step.hits[0].fault);
        match worker.found.recv_timeout(ANSWER) {
            Ok(mut found) => {
                let row = tally.row(fault);
                row.young += found.young;
                row.recovered += usize::from(found.recovered);
                if found.recovered || own.is_some() || step.to_all().is_some() {
                    row.back.push(found.back);
                }
                if found.recovered && fault.costs_one_browser() {
                    tally.recovery.push(found.back);
                }
                wrong.append(&mut found.wrong);
            }
            Err(err) => wrong.push(format!("session {session} gives no answer: {err}")),
        }
    }
    match bare.map(std::thread::JoinHandle::join) {
        Some(Ok(Ok(took))) => tally.bare.push(took),
        Some(Ok(Err(err))) => wrong.push(format!("no bare Chromium starts: {err}")),
        Some(Err(_)) => wrong.push("a bare Chromium's start panicked".to_owned()),
        None => {}
    }
    wrong.extend(whole(harness, workers.len()));
    if let Some(attached) = &mut around.attached {
        wrong.extend(attached.verify());
    }
    wrong.extend(tally.most.look(harness.daemon_if_any(), workers.len()));
    wrong
}

/// Returns how many times slower each session works between faults, so that all of them
/// together leave the machine a quarter as busy as one session a core would: agents that
/// think for some seconds, and time for what follows a fault.
fn pace(sessions: usize) -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    match sessions.div_ceil(cores) {
        1 => 1,
        a_core => u32::try_from(4 * a_core).unwrap_or(u32::MAX),
    }
}

/// Closes every session, and compares what all of them did.
fn end(harness: &Harness, workers: Vec<AtWork>, queue: &Queue, tally: &mut Tally) {
    for worker in workers {
        match ask(&worker, Order::Close) {
            Ok(found) => {
                tally.wrong.extend(found.wrong);
                for (sum, times) in tally.outcomes.iter_mut().zip(found.outcomes) {
                    *sum += times;
                }
            }
            Err(err) => tally.wrong.push(err),
        }
        drop(worker.orders);
        if worker.thread.join().is_err() {
            tally.wrong.push("a worker failed".to_owned());
        }
    }
    let (wrong, jobs) = queue.judge(&mut Client::of_turn(harness, 0));
    tally.wrong.extend(wrong);
    tally.jobs = jobs;
}

fn keep_logs(harness: &Harness, folder: &std::path::Path) -> Result<(), String> {
    let copy = || -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        for entry in std::fs::read_dir(harness.home())? {
            let entry = entry?;
            if entry
                .file_name()
                .to_string_lossy()
                .starts_with("daemon.log")
            {
                std::fs::copy(entry.path(), folder.join(entry.file_name()))?;
            }
        }
        Ok(())
    };
    copy().map_err(|err| format!("the logs could not be copied: {err}"))
}

fn begin(mut worker: Worker) -> AtWork {
    let session = worker.session().to_owned();
    let (orders, ordered) = channel();
    let (tell, found) = channel();
    let thread = std::thread::spawn(move || worker.run(&ordered, &tell));
    AtWork {
        session,
        orders,
        found,
        thread,
    }
}

fn ask(worker: &AtWork, order: Order) -> Result<Found, String> {
    worker
        .orders
        .send(order)
        .map_err(|_| format!("{} has ended", worker.session))?;
    worker
        .found
        .recv_timeout(ANSWER)
        .map_err(|err| format!("{} gives no answer: {err}", worker.session))
}

/// Tells what is there that shouldn't be: one browser, keeper and run folder a session.
fn whole(harness: &Harness, sessions: usize) -> Option<String> {
    let mut now = (0, 0, 0);
    let settled = process::until(Duration::from_secs(15), || {
        let folders = std::fs::read_dir(harness.home().join("run")).map_or(0, Iterator::count);
        now = (harness.browsers().len(), harness.keepers().len(), folders);
        now == (sessions, sessions, sessions)
    });
    (!settled).then(|| {
        format!(
            "{sessions} sessions have {} browsers, {} keepers, {} run folders",
            now.0, now.1, now.2
        )
    })
}
