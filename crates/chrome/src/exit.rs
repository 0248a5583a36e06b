//! How a browser ended: the record its keeper leaves in `exit.json`.

use std::fmt;
use std::io;
use std::path::Path;

use base::Timestamp;
use serde::{Deserialize, Serialize};

/// The record's name in the run folder.
pub(crate) const FILE: &str = "exit.json";

/// How a browser ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExitRecord {
    /// What ended it.
    pub cause: ExitCause,
    /// The kernel's out-of-memory killer struck while it died of SIGKILL.
    pub oom: bool,
    /// When.
    pub at: Timestamp,
}

/// What ended a browser.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum ExitCause {
    /// It ended by itself.
    Exited {
        /// Its exit code.
        code: i32,
    },
    /// A signal ended it.
    Signalled {
        /// The signal's number.
        signal: i32,
    },
    /// The keeper killed it: what may never be dropped was over its bound.
    BufferFull,
    /// No daemon came for `orphan_timeout`.
    OrphanTimeout,
    /// It was stopped on request.
    Stopped,
    /// It ended before it wrote anything to its pipe, or could not be started at all.
    LaunchFailed {
        /// How it ended, or why it couldn't be started.
        reason: String,
    },
}

/// The record as it stands in the file. Fields are only ever added.
#[derive(Serialize, Deserialize)]
struct File {
    #[serde(flatten)]
    cause: ExitCause,
    #[serde(default)]
    oom: bool,
    at_ms: i64,
    /// Not in the file: it is told to the one daemon whose messages are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delivered: Option<u64>,
}

impl ExitRecord {
    pub(crate) fn to_json(&self) -> Vec<u8> {
        self.to_json_with(None)
    }

    pub(crate) fn to_json_with(&self, delivered: Option<u64>) -> Vec<u8> {
        let file = File {
            cause: self.cause.clone(),
            oom: self.oom,
            at_ms: self.at.as_millisecond(),
            delivered,
        };
        serde_json::to_vec(&file).unwrap_or_default()
    }

    pub(crate) fn from_json(json: &[u8]) -> Option<Self> {
        Self::from_json_with(json).map(|(record, _delivered)| record)
    }

    pub(crate) fn from_json_with(json: &[u8]) -> Option<(Self, Option<u64>)> {
        let file: File = serde_json::from_slice(json).ok()?;
        let record = Self {
            cause: file.cause,
            oom: file.oom,
            at: Timestamp::from_millisecond(file.at_ms).ok()?,
        };
        Some((record, file.delivered))
    }
}

impl fmt::Display for ExitRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            ExitCause::Exited { code } => write!(f, "it exited with code {code}")?,
            ExitCause::Signalled { signal } => write!(f, "signal {signal} ended it")?,
            ExitCause::BufferFull => write!(f, "it was killed because nobody read what it said")?,
            ExitCause::OrphanTimeout => write!(f, "no daemon came for it in time")?,
            ExitCause::Stopped => write!(f, "it was stopped on request")?,
            ExitCause::LaunchFailed { reason } => f.write_str(reason)?,
        }
        if self.oom {
            write!(f, " (the system was out of memory)")
        } else {
            Ok(())
        }
    }
}

/// Writes the record: whole or not at all.
pub(crate) fn write(run: &Path, record: &ExitRecord) -> io::Result<()> {
    let half = run.join("exit.json.new");
    std::fs::write(&half, record.to_json())?;
    std::fs::rename(half, run.join(FILE))
}

/// Returns the record of how the browser of a run folder ended, if its keeper left one.
#[must_use]
pub fn exit_record(run: &Path) -> Option<ExitRecord> {
    ExitRecord::from_json(&std::fs::read(run.join(FILE)).ok()?)
}
