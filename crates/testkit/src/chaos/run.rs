//! The run itself: one step after the other, and the table at its end.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use super::client::Client;
use super::inflict::{Daemons, inflict};
use super::plan::{Fault, Moment, Plan};
use super::worker::{Check, Found, Order, Worker};
use crate::harness::Harness;
use crate::process;
use crate::site::Site;

/// How long a worker may take to answer an order.
const ANSWER: Duration = Duration::from_secs(180);

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

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// How many faults were done.
    pub faults: usize,
    /// Young changes that were lost.
    pub young: u64,
    /// What must not be, with the step it was found after.
    pub wrong: Vec<String>,
    /// The table of faults.
    pub table: String,
}

#[derive(Default)]
struct Row {
    times: usize,
    skipped: usize,
    recovered: usize,
    young: u64,
    wrong: usize,
    back: Vec<Duration>,
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
    let limit = (settings.sessions + 2).to_string();
    let mut harness = Harness::new(&settings.program)
        .with("MAX_SESSIONS", &limit)
        .with("BROWSERD_LOG_FORMAT", "json");
    let mut daemons = Daemons::default();
    daemons.start(&harness)?;
    daemons.ready(&harness)?;
    let mut workers = Vec::new();
    for turn in 0..settings.sessions {
        let client = Client::of_turn(&harness, turn);
        let worker = Worker::open(client, Arc::clone(&site), settings.seed, turn)?;
        workers.push(begin(worker));
    }
    let (mut summary, mut rows) = (Summary::default(), BTreeMap::<Fault, Row>::new());
    let end = Instant::now() + settings.time;
    for (n, step) in Plan::new(settings.seed, &settings.kinds, settings.sessions).enumerate() {
        if end <= Instant::now() || settings.faults <= summary.faults {
            break;
        }
        println!("step {n}: {step}");
        std::thread::sleep(step.pause);
        let mut wrong = Vec::new();
        if step.moment != Moment::Work
            && let Err(err) = ask(&workers[step.victim], Order::Prepare(step.moment))
        {
            wrong.push(err);
        }
        let at = Instant::now();
        let row = rows.entry(step.fault).or_default();
        match inflict(
            &mut harness,
            &mut daemons,
            &step,
            &workers[step.victim].session,
        ) {
            Ok(true) => {
                row.times += 1;
                summary.faults += 1;
            }
            Ok(false) => row.skipped += 1,
            Err(err) => wrong.push(err),
        }
        let check = Check {
            at,
            may_cost_the_page: step.fault.may_cost_the_page(),
            was_full: step.fault == Fault::DiskFull,
        };
        for worker in &workers {
            // One whose thread has ended is told by its answer that doesn't come.
            drop(worker.orders.send(Order::Verify(check)));
        }
        for (index, worker) in workers.iter().enumerate() {
            match worker.found.recv_timeout(ANSWER) {
                Ok(mut found) => {
                    row.young += found.young;
                    row.recovered += usize::from(found.recovered);
                    if found.recovered || !step.fault.has_victim() || index == step.victim {
                        row.back.push(found.back);
                    }
                    summary.young += found.young;
                    wrong.append(&mut found.wrong);
                }
                Err(err) => wrong.push(format!("session {index} gives no answer: {err}")),
            }
        }
        wrong.extend(whole(&harness, settings.sessions));
        row.wrong += wrong.len();
        for line in wrong {
            println!("  WRONG {line}");
            summary
                .wrong
                .push(format!("seed {} step {n} ({step}): {line}", settings.seed));
        }
    }
    for worker in workers {
        match ask(&worker, Order::Close) {
            Ok(found) => summary.wrong.extend(found.wrong),
            Err(err) => summary.wrong.push(err),
        }
        drop(worker.orders);
        if worker.thread.join().is_err() {
            summary.wrong.push("a worker failed".to_owned());
        }
    }
    if site.counts().logins != settings.sessions as u64 || site.counts().turned_away != 0 {
        let counts = site.counts();
        summary.wrong.push(format!(
            "{} logins, {} turned away",
            counts.logins, counts.turned_away
        ));
    }
    summary.table = table(&rows);
    if let Some(folder) = &settings.logs {
        keep_logs(&harness, folder)?;
    }
    // It panics with a list of what is left; that is a finding like any other.
    if catch_unwind(AssertUnwindSafe(|| harness.finish())).is_err() {
        summary
            .wrong
            .push("something is left at the end; see above".to_owned());
    }
    daemons.reap();
    Ok(summary)
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

fn table(rows: &BTreeMap<Fault, Row>) -> String {
    let mut text = format!(
        "{:<26} {:>5} {:>8} {:>9} {:>6} {:>6} {:>8} {:>8} {:>8}\n",
        "fault", "times", "skipped", "recovered", "young", "wrong", "p50 ms", "p95 ms", "p99 ms"
    );
    for fault in Fault::ALL {
        let Some(row) = rows.get(fault) else {
            text.push_str(&format!("{:<26} not injected\n", fault.word()));
            continue;
        };
        let mut back = row.back.clone();
        back.sort();
        let at = |percent: usize| {
            let rank = (back.len() * percent).div_ceil(100).max(1);
            back.get(rank - 1).map_or(0, Duration::as_millis)
        };
        text.push_str(&format!(
            "{:<26} {:>5} {:>8} {:>9} {:>6} {:>6} {:>8} {:>8} {:>8}\n",
            fault.word(),
            row.times,
            row.skipped,
            row.recovered,
            row.young,
            row.wrong,
            at(50),
            at(95),
            at(99)
        ));
    }
    text
}
