//! What captures cost the page: two daemons, one that captures and one that doesn't, in turn.
//!
//! The page's own work is the measure, not the daemon's: how much a script gets done while it
//! writes storage, and how long navigations take one after another. Each round does both in
//! both, and the ratio of a round is within it, so that a slow minute hits both sides.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::json;
use testkit::harness::{Agent, Harness, Http};
use testkit::site::Site;

use super::calls::{size, timed};
use super::report::Report;

/// How long one round of writing takes, in milliseconds.
const WRITING: u32 = 4_000;
/// How many navigations one round has.
const NAVIGATIONS: usize = 20;
/// The most that captures may cost, in percent (REQUIREMENTS B2).
const MOST: f64 = 5.0;

/// Writes storage 100 times a second and works as much as it can beside it; returns how often
/// it worked in a millisecond.
const WORK: &str = "await new Promise(done => {
    let units = 0, writes = 0, sink = 0;
    const start = performance.now(), end = start + MILLIS;
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
        for (let n = 0; n < 20000; n += 1) sink = (sink * 31 + n) | 0;
        units += 1;
        const now = performance.now();
        if (writes * 10 <= now - start) {
            localStorage.setItem('key ' + writes % 20, now + ' '.repeat(100) + sink);
            writes += 1;
        }
        if (now < end) port2.postMessage(0);
        else done(units / (now - start));
    };
    port2.postMessage(0);
})";

struct Side {
    harness: Harness,
    agent: Agent<Http>,
}

impl Side {
    fn start(program: &Path, site: &Site, captures: bool) -> Self {
        let enabled = if captures { "true" } else { "false" };
        let mut harness = Harness::new(program).with("BROWSERD_CHECKPOINTS", enabled);
        harness.serve();
        harness.watch_rarely(true);
        let agent = Agent::open(harness.http(), None, &site.url("/controls"));
        Self { harness, agent }
    }

    fn write(&mut self) -> anyhow::Result<f64> {
        let expression = WORK.replace("MILLIS", &WRITING.to_string());
        let units = self.agent.evaluate(&expression);
        units.as_f64().context("no number of units")
    }

    fn navigate(&mut self, site: &Site) -> anyhow::Result<Duration> {
        let (out, time) = timed(|| {
            for n in 0..NAVIGATIONS {
                let url = site.url(&format!("/controls?{n}"));
                let answer = self.agent.call("navigate", json!({ "url": url }));
                ensure!(answer["http_status"] == 200, "{answer}");
            }
            Ok(())
        })?;
        let () = out;
        Ok(time)
    }

    fn finish(self) {
        drop(self.agent);
        self.harness.watch_rarely(false);
        self.harness.finish();
    }
}

/// Measures `rounds` of each.
pub fn measure(program: &Path, rounds: usize, report: &mut Report) -> anyhow::Result<()> {
    let site = Site::start();
    let mut sides = [true, false].map(|captures| Side::start(program, &site, captures));
    let [mut writing, mut navigating] = [Vec::new(), Vec::new()];
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        // Who is first has a cooler machine: in turn.
        let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
        let (mut units, mut times) = ([0.0; 2], [Duration::ZERO; 2]);
        for side in order {
            units[side] = sides[side].write()?;
        }
        for side in order {
            times[side] = sides[side].navigate(&site)?;
        }
        // The first round warms up.
        if round == 0 {
            continue;
        }
        writing.push((units[1] / units[0] - 1.0) * 100.0);
        navigating.push((times[0].as_secs_f64() / times[1].as_secs_f64() - 1.0) * 100.0);
        let each = u32::try_from(NAVIGATIONS)?;
        with.push(times[0] / each);
        without.push(times[1] / each);
    }
    for side in sides {
        side.finish();
    }
    report.samples("a navigation, with captures", &with);
    report.samples("a navigation, without captures", &without);
    report.value("rounds with and without captures", size(rounds), "");
    report.bar(
        "captures, of a page that writes storage at 100 Hz, median",
        median(writing),
        MOST,
        "%",
    );
    report.bar(
        "captures, of navigations one after another, median",
        median(navigating),
        MOST,
        "%",
    );
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        count if count % 2 == 0 => f64::midpoint(values[half - 1], values[half]),
        _ => values[half],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_lies_in_the_middle() {
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(vec![4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < f64::EPSILON);
        assert!(median(vec![]).is_nan());
    }
}
