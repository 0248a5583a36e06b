//! What came of a run: one row a fault, and the sums below it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::inside::Most;
use super::plan::Fault;
use super::run::Settings;

/// What came of a run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Summary {
    /// What the schedule followed from.
    pub seed: u64,
    /// How many sessions were at work.
    pub sessions: usize,
    /// How long it took.
    pub seconds: f64,
    /// How many faults were done.
    pub faults: usize,
    /// Sessions that began a new generation, and came back.
    pub recovered: usize,
    /// Calls that were done, that were not started, and of which it isn't known.
    pub outcomes: [u64; 3],
    /// Jobs of the queue that were finished.
    pub jobs: usize,
    /// Young changes that were lost.
    pub young: u64,
    /// From the fault to the first answer, where one browser had to be replaced.
    pub recovery: Times,
    /// Starts of a bare Chromium in between.
    pub bare: Times,
    /// Descriptors and bytes the daemon had at most.
    pub daemon: (usize, u64),
    /// What must not be, with the step it was found after.
    pub wrong: Vec<String>,
    /// Each fault.
    pub rows: Vec<Row>,
}

/// What one kind of fault did.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Which one.
    pub fault: &'static str,
    /// How often it was done.
    pub times: usize,
    /// How often there was nothing to do it to.
    pub skipped: usize,
    /// Sessions that began a new generation by it.
    pub recovered: usize,
    /// Young changes that were lost.
    pub young: u64,
    /// Findings.
    pub wrong: usize,
    /// From the fault to the first answer of the session it was done to, and of each that began
    /// a new generation.
    pub back: Times,
}

/// A number of times, in milliseconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Times {
    /// How many.
    pub n: usize,
    /// Half are shorter.
    pub p50: f64,
    /// 95 in 100 are not longer.
    pub p95: f64,
    /// 99 in 100 are not longer.
    pub p99: f64,
    /// The longest.
    pub most: f64,
}

impl Times {
    fn of(samples: &[Duration]) -> Self {
        let mut sorted = samples.to_vec();
        sorted.sort();
        let at = |percent: usize| {
            let rank = (sorted.len() * percent).div_ceil(100).max(1);
            let time = sorted.get(rank - 1).copied().unwrap_or_default();
            (time.as_secs_f64() * 10_000.0).round() / 10.0
        };
        Self {
            n: sorted.len(),
            p50: at(50),
            p95: at(95),
            p99: at(99),
            most: at(100),
        }
    }
}

/// What is gathered while a run goes on.
#[derive(Default)]
pub(super) struct Tally {
    rows: BTreeMap<Fault, Gathered>,
    pub faults: usize,
    pub bare: Vec<Duration>,
    pub recovery: Vec<Duration>,
    pub most: Most,
    pub outcomes: [u64; 3],
    pub jobs: usize,
    pub wrong: Vec<String>,
}

#[derive(Default)]
pub(super) struct Gathered {
    pub times: usize,
    pub skipped: usize,
    pub recovered: usize,
    pub young: u64,
    pub wrong: usize,
    pub back: Vec<Duration>,
}

impl Tally {
    pub fn row(&mut self, fault: Fault) -> &mut Gathered {
        self.rows.entry(fault).or_default()
    }

    pub fn summary(self, settings: &Settings, took: Duration) -> Summary {
        let rows = Fault::ALL.iter().map(|fault| {
            let none = Gathered::default();
            let row = self.rows.get(fault).unwrap_or(&none);
            Row {
                fault: fault.word(),
                times: row.times,
                skipped: row.skipped,
                recovered: row.recovered,
                young: row.young,
                wrong: row.wrong,
                back: Times::of(&row.back),
            }
        });
        Summary {
            seed: settings.seed,
            sessions: settings.sessions,
            seconds: took.as_secs_f64(),
            faults: self.faults,
            recovered: self.rows.values().map(|row| row.recovered).sum(),
            outcomes: self.outcomes,
            jobs: self.jobs,
            young: self.rows.values().map(|row| row.young).sum(),
            recovery: Times::of(&self.recovery),
            bare: Times::of(&self.bare),
            daemon: (self.most.descriptors, self.most.bytes),
            rows: rows.collect(),
            wrong: self.wrong,
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<26} {:>5} {:>8} {:>9} {:>6} {:>6} {:>8} {:>8} {:>8}",
            "fault",
            "times",
            "skipped",
            "recovered",
            "young",
            "wrong",
            "p50 ms",
            "p95 ms",
            "p99 ms"
        )?;
        for row in &self.rows {
            if row.times + row.skipped == 0 {
                writeln!(f, "{:<26} not injected", row.fault)?;
                continue;
            }
            let (p50, p95, p99) = (row.back.p50, row.back.p95, row.back.p99);
            writeln!(
                f,
                "{:<26} {:>5} {:>8} {:>9} {:>6} {:>6} {p50:>8.0} {p95:>8.0} {p99:>8.0}",
                row.fault, row.times, row.skipped, row.recovered, row.young, row.wrong
            )?;
        }
        let line = |f: &mut fmt::Formatter<'_>, what: &str, times: &Times| {
            writeln!(
                f,
                "{what:<26} {:>5} {:>31} {:>8.0} {:>8.0} {:>8.0}",
                times.n, "", times.p50, times.p95, times.p99
            )
        };
        writeln!(f)?;
        line(f, "one browser replaced", &self.recovery)?;
        line(f, "bare start in between", &self.bare)?;
        let [done, not_started, unknown] = self.outcomes;
        writeln!(
            f,
            "\n{} faults in {:.0} s on {} sessions; {} generations begun; {done} calls done, {not_started} not started, {unknown} unknown; {} jobs finished",
            self.faults, self.seconds, self.sessions, self.recovered, self.jobs
        )?;
        writeln!(
            f,
            "the daemon had at most {} descriptors and {:.1} MB",
            self.daemon.0,
            self.daemon.1 as f64 / 1e6
        )?;
        writeln!(
            f,
            "{} young changes lost, {} wrong",
            self.young,
            self.wrong.len()
        )?;
        self.wrong
            .iter()
            .try_for_each(|wrong| writeln!(f, "WRONG {wrong}"))
    }
}
