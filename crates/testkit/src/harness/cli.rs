//! The command line as a way in.

use std::process::Output;

use serde_json::Value;

use super::Harness;
use crate::process;

/// What one command came to.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// What it wrote for its reader.
    pub stdout: String,
    /// What it wrote beside.
    pub stderr: String,
    words: String,
}

impl Harness {
    /// Runs a command to its end.
    #[must_use]
    pub fn cli(&self, arguments: &[&str]) -> Ran {
        self.run(&mut self.command(arguments), arguments)
    }

    /// Runs a command on the session `session` to its end, with `--json`, and returns its answer.
    pub fn on(&self, session: &str, arguments: &[&str]) -> Value {
        let mut all = arguments.to_vec();
        all.extend(["-s", session, "--json"]);
        self.cli(&all).done().json()
    }

    /// Runs a prepared command to its end.
    pub(super) fn run(&self, command: &mut std::process::Command, arguments: &[&str]) -> Ran {
        let Output {
            status,
            stdout,
            stderr,
        } = process::output(command).expect("the command starts");
        Ran {
            code: status.code(),
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
            words: arguments.join(" "),
        }
    }
}

impl Ran {
    /// Returns itself if the command did what it should.
    ///
    /// # Panics
    /// If it failed.
    pub fn done(self) -> Self {
        assert_eq!(
            self.code,
            Some(0),
            "`browserd {}` failed: {self:#?}",
            self.words
        );
        self
    }

    /// Returns itself if the command was refused with `code`.
    ///
    /// # Panics
    /// If it was not.
    pub fn refused(self, code: &str) -> Self {
        assert_eq!(self.code, Some(1), "`browserd {}`: {self:#?}", self.words);
        let told = self.stderr.contains(code) || self.stdout.contains(code);
        assert!(
            told,
            "`browserd {}` doesn't say {code}: {self:#?}",
            self.words
        );
        self
    }

    /// Returns what it wrote, as JSON.
    ///
    /// # Panics
    /// If it is no JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|err| {
            panic!("`browserd {}` wrote no JSON ({err}): {self:#?}", self.words)
        })
    }
}
