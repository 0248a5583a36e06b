//! What one source of configuration says.

use std::net::SocketAddr;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::key::KeySource;

/// What one source says; `None` where it is silent.
#[derive(Clone, Debug, Default)]
pub struct Layer {
    /// Where HTTP is served.
    pub listen: Option<SocketAddr>,
    /// What is logged.
    pub log_filter: Option<String>,
    /// How it is logged.
    pub log_format: Option<LogFormat>,
    /// The browser's program.
    pub program: Option<PathBuf>,
    /// Whether the browser's sandbox is given up.
    pub no_sandbox: Option<bool>,
    /// Whether browsers show no window.
    pub headless: Option<bool>,
    /// More arguments for the browser.
    pub extra_args: Option<Vec<String>>,
    /// How long a browser waits for the next daemon; zero for ever.
    pub orphan_timeout: Option<Duration>,
    /// How many sessions may hold a browser.
    pub max_sessions: Option<usize>,
    /// How old a checkpoint may be to be resumed unasked; zero for any age.
    pub max_session_age: Option<Duration>,
    /// Whether recoverable sessions are resumed at start.
    pub auto_resume: Option<bool>,
    /// How long a session may be idle before it is parked; zero for ever.
    pub idle_timeout: Option<Duration>,
    /// How long a session may hold a browser before it is closed; zero for ever.
    pub max_lifetime: Option<Duration>,
    /// How long a browser that doesn't answer is waited for.
    pub reconnect_window: Option<Duration>,
    /// How often a version is kept of a session that changes; zero for never.
    pub timer_capture: Option<Duration>,
    /// Whether checkpoints are taken unasked.
    pub captures: Option<bool>,
    /// How many checkpoints that nobody asked for a session keeps; zero for all.
    pub checkpoint_versions: Option<usize>,
    /// How many days checkpoints are kept that somebody asked for; zero for ever.
    pub checkpoint_days: Option<u32>,
    /// How many days closed sessions are kept; zero for ever.
    pub closed_session_days: Option<u32>,
    /// How large one downloaded file may be, in bytes; zero for any size.
    pub download_file_bytes: Option<u64>,
    /// How large all downloads of a session may be together; zero for any size.
    pub download_session_bytes: Option<u64>,
    /// How many downloads a session may have; zero for any number.
    pub download_count: Option<usize>,
    /// How many bytes downloads leave free on the disk.
    pub download_free_bytes: Option<u64>,
    /// How long a call may take that doesn't say it itself.
    pub call_limit: Option<Duration>,
    /// How long stopping may take.
    pub shutdown_limit: Option<Duration>,
    /// Whether stopping the daemon stops its browsers.
    pub stop_browsers: Option<bool>,
    /// Where the home's key comes from.
    pub key_source: Option<KeySource>,
    /// The largest answer that goes to an MCP client whole; zero for any.
    pub largest_answer: Option<usize>,
    /// How long parts of larger ones are kept.
    pub result_ttl: Option<Duration>,
    /// How many of them a session has.
    pub result_items: Option<NonZeroUsize>,
    /// How many bytes those have.
    pub result_bytes: Option<NonZeroU64>,
    /// How many bytes those of all sessions have.
    pub result_total_bytes: Option<NonZeroU64>,
    /// Settings that this version can't follow yet.
    pub not_yet: Vec<String>,
}

/// How the log is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

impl Layer {
    /// Lays this one over `below`: where this one is silent, `below` speaks.
    #[must_use]
    pub fn over(self, below: Self) -> Self {
        let mut not_yet = below.not_yet;
        not_yet.extend(self.not_yet);
        Self {
            listen: self.listen.or(below.listen),
            log_filter: self.log_filter.or(below.log_filter),
            log_format: self.log_format.or(below.log_format),
            program: self.program.or(below.program),
            no_sandbox: self.no_sandbox.or(below.no_sandbox),
            headless: self.headless.or(below.headless),
            extra_args: self.extra_args.or(below.extra_args),
            orphan_timeout: self.orphan_timeout.or(below.orphan_timeout),
            max_sessions: self.max_sessions.or(below.max_sessions),
            max_session_age: self.max_session_age.or(below.max_session_age),
            auto_resume: self.auto_resume.or(below.auto_resume),
            idle_timeout: self.idle_timeout.or(below.idle_timeout),
            max_lifetime: self.max_lifetime.or(below.max_lifetime),
            reconnect_window: self.reconnect_window.or(below.reconnect_window),
            timer_capture: self.timer_capture.or(below.timer_capture),
            captures: self.captures.or(below.captures),
            checkpoint_versions: self.checkpoint_versions.or(below.checkpoint_versions),
            checkpoint_days: self.checkpoint_days.or(below.checkpoint_days),
            closed_session_days: self.closed_session_days.or(below.closed_session_days),
            download_file_bytes: self.download_file_bytes.or(below.download_file_bytes),
            download_session_bytes: self.download_session_bytes.or(below.download_session_bytes),
            download_count: self.download_count.or(below.download_count),
            download_free_bytes: self.download_free_bytes.or(below.download_free_bytes),
            call_limit: self.call_limit.or(below.call_limit),
            shutdown_limit: self.shutdown_limit.or(below.shutdown_limit),
            stop_browsers: self.stop_browsers.or(below.stop_browsers),
            key_source: self.key_source.or(below.key_source),
            largest_answer: self.largest_answer.or(below.largest_answer),
            result_ttl: self.result_ttl.or(below.result_ttl),
            result_items: self.result_items.or(below.result_items),
            result_bytes: self.result_bytes.or(below.result_bytes),
            result_total_bytes: self.result_total_bytes.or(below.result_total_bytes),
            not_yet,
        }
    }
}
