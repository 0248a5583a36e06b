//! The table of what happened.

use std::io::IsTerminal as _;
use std::time::Duration;

use base::{Clock, Instant};
use indicatif::ProgressBar;
use serde_json::json;

use crate::failure::Failure;
use crate::output::{self, Form};
use crate::print::{self, Table};

/// The steps so far.
pub struct Report {
    form: Form,
    clock: Clock,
    steps: Vec<Step>,
}

struct Step {
    name: String,
    expected: String,
    took: Duration,
    result: Result<(), String>,
}

impl Report {
    /// Returns an empty report.
    pub fn new(form: Form) -> Self {
        Self {
            form,
            clock: Clock::system(),
            steps: Vec::new(),
        }
    }

    /// Runs a step and writes down how it went. `None` if it failed.
    pub async fn step<T>(
        &mut self,
        name: &str,
        expected: &str,
        work: impl Future<Output = Result<T, String>>,
    ) -> Option<T> {
        let began = self.clock.instant();
        let progress = self.progress(name);
        let result = work.await;
        progress.finish_and_clear();
        self.end(name, expected, began, result)
    }

    fn end<T>(
        &mut self,
        name: &str,
        expected: &str,
        began: Instant,
        result: Result<T, String>,
    ) -> Option<T> {
        let took = self.clock.instant().saturating_duration_since(began);
        let (value, result) = match result {
            Ok(value) => (Some(value), Ok(())),
            Err(reason) => (None, Err(reason)),
        };
        let step = Step {
            name: name.to_owned(),
            expected: expected.to_owned(),
            took,
            result,
        };
        if self.form == Form::Human {
            let mark = if step.result.is_ok() { "ok  " } else { "FAIL" };
            output::note(&format!("{mark} {name}, {}", shown(took)));
        }
        self.steps.push(step);
        value
    }

    fn progress(&self, name: &str) -> ProgressBar {
        if self.form == Form::Json || !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::new_spinner().with_message(name.to_owned());
        bar.enable_steady_tick(Duration::from_millis(100));
        bar
    }

    /// Tells whether every step went as expected.
    pub fn is_good(&self) -> bool {
        self.steps.iter().all(|step| step.result.is_ok())
    }

    /// Prints the table.
    pub fn print(&self) -> Result<(), Failure> {
        match self.form {
            Form::Json => output::json(&json!({
                "ok": self.is_good(),
                "steps": self.steps.iter().map(|step| json!({
                    "step": step.name, "expected": step.expected, "ok": step.result.is_ok(),
                    "took_ms": step.took.as_millis(), "reason": step.result.as_ref().err(),
                })).collect::<Vec<_>>(),
            })),
            Form::Human => self.table(),
        }
    }

    fn table(&self) -> Result<(), Failure> {
        let mut table = Table::wide(&["", "step", "expected", "time", "ok"]);
        for (number, step) in self.steps.iter().enumerate() {
            let ok = match &step.result {
                Ok(()) => "yes".to_owned(),
                Err(reason) => format!("NO: {}", print::harmless(reason)),
            };
            let number = (number + 1).to_string();
            let took = shown(step.took);
            table.row([number.as_str(), &step.name, &step.expected, &took, &ok]);
        }
        print::table(&table)?;
        output::line(if self.is_good() {
            "Every step went as expected."
        } else {
            "A step did not go as expected."
        })
    }
}

fn shown(took: Duration) -> String {
    format!("{:.0} ms", took.as_secs_f64() * 1000.0)
}
