//! Samples, what is made of them, and the bars they are held to.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

/// Everything that was measured in one run.
#[derive(Default, Serialize)]
pub struct Report {
    measures: BTreeMap<String, Measure>,
    values: BTreeMap<String, Value>,
    bars: Vec<Bar>,
}

/// A distribution, in milliseconds.
#[derive(Clone, Copy, Serialize)]
pub struct Measure {
    /// How many samples there were.
    n: usize,
    /// Half of them took at most this long.
    pub p50: f64,
    p95: f64,
    p99: f64,
    max: f64,
}

/// One number with its unit.
#[derive(Clone, Serialize)]
struct Value {
    value: f64,
    unit: &'static str,
}

/// A promise and whether it was kept.
#[derive(Serialize)]
struct Bar {
    promise: String,
    value: f64,
    most: f64,
    unit: &'static str,
    met: bool,
}

impl Report {
    /// Notes the samples of `name` and returns what they come to.
    pub fn samples(&mut self, name: &str, samples: &[Duration]) -> Measure {
        let mut times: Vec<f64> = samples
            .iter()
            .map(|time| time.as_secs_f64() * 1e3)
            .collect();
        times.sort_by(f64::total_cmp);
        let measure = Measure {
            n: times.len(),
            p50: percentile(&times, 50),
            p95: percentile(&times, 95),
            p99: percentile(&times, 99),
            max: times.last().copied().unwrap_or(f64::NAN),
        };
        self.measures.insert(name.to_owned(), measure);
        measure
    }

    /// Notes one number.
    pub fn value(&mut self, name: &str, value: f64, unit: &'static str) {
        self.values.insert(name.to_owned(), Value { value, unit });
    }

    /// Holds `value` to a bar.
    pub fn bar(&mut self, promise: &str, value: f64, most: f64, unit: &'static str) {
        let met = value <= most;
        self.bars.push(Bar {
            promise: promise.to_owned(),
            value,
            most,
            unit,
            met,
        });
    }

    /// Tells whether every bar is met.
    pub fn all_met(&self) -> bool {
        self.bars.iter().all(|bar| bar.met)
    }

    /// Prints all of it as tables.
    pub fn print(&self) {
        println!(
            "\n{:<44} {:>6} {:>10} {:>10} {:>10} {:>10}",
            "ms", "n", "p50", "p95", "p99", "max"
        );
        for (name, it) in &self.measures {
            let Measure {
                n,
                p50,
                p95,
                p99,
                max,
            } = it;
            println!("{name:<44} {n:>6} {p50:>10.3} {p95:>10.3} {p99:>10.3} {max:>10.3}");
        }
        println!();
        for (name, Value { value, unit }) in &self.values {
            println!("{name:<44} {value:>12.3} {unit}");
        }
        println!("\n{:<58} {:>10} {:>10}", "bar", "is", "at most");
        for Bar {
            promise,
            value,
            most,
            unit,
            met,
        } in &self.bars
        {
            let word = if *met { "met" } else { "NOT MET" };
            println!("{promise:<58} {value:>10.3} {most:>10.3} {unit:<4} {word}");
        }
    }

    /// Writes all of it as JSON.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, serde_json::to_vec_pretty(self)?)?;
        Ok(())
    }
}

/// Returns the nearest-rank percentile of sorted values.
fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples() {
        let sorted = [1.0, 2.0, 3.0, 4.0];
        assert!((percentile(&sorted, 50) - 2.0).abs() < f64::EPSILON);
        assert!((percentile(&sorted, 99) - 4.0).abs() < f64::EPSILON);
        assert!(percentile(&[], 50).is_nan());
    }
}
