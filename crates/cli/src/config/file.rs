//! `config.toml`.
//!
//! Names that people know from elsewhere are taken even where a capability is still to come
//! (`recording`): a known file must not be refused. Those are reported as
//! [`Layer::not_yet`], so that nobody believes them to be in force.

use std::net::SocketAddr;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

use base::Code;
use serde::Deserialize;

use super::key::KeySource;
use super::layer::{Layer, LogFormat};
use super::value::{Lasting, Span};
use crate::failure::{Failure, code_of};

/// A file larger than this is no configuration.
const LARGEST: u64 = 1 << 20;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    http: Http,
    log: Log,
    chrome: Chrome,
    sessions: Sessions,
    limits: Limits,
    shutdown: Shutdown,
    checkpoints: Option<Checkpoints>,
    retention: Option<Retention>,
    downloads: Downloads,
    key: Key,
    results: Results,
    recording: Option<Recording>,
    profiles: Vec<Profile>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Http {
    listen: Option<SocketAddr>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Log {
    level: Option<String>,
    format: Option<LogFormat>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Chrome {
    program: Option<PathBuf>,
    no_sandbox: Option<bool>,
    headless: Option<bool>,
    extra_args: Option<Vec<String>>,
    orphan_timeout: Option<Span>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Sessions {
    max_sessions: Option<usize>,
    max_session_age: Option<Span>,
    idle_timeout: Option<Span>,
    max_lifetime: Option<Span>,
    reconnect_window: Option<Span>,
    #[serde(alias = "auto_rehydrate")]
    auto_resume: Option<bool>,
    session_snapshot_interval: Option<Span>,
    max_session_snapshots: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Downloads {
    max_file_bytes: Option<u64>,
    max_session_bytes: Option<u64>,
    max_count: Option<usize>,
    min_free_bytes: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Limits {
    call: Option<Span>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Shutdown {
    limit: Option<Span>,
    stop_browsers: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Checkpoints {
    enabled: Option<bool>,
    interval_seconds: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Retention {
    max_snapshot_versions: Option<u32>,
    site_knowledge_ttl_days: Option<u32>,
    closed_session_days: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Results {
    max_answer_bytes: Option<usize>,
    ttl: Option<Lasting>,
    max_items: Option<NonZeroUsize>,
    max_bytes: Option<NonZeroU64>,
    max_total_bytes: Option<NonZeroU64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Key {
    source: Option<KeySource>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Recording {
    auto_record: Option<bool>,
    retention_days: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "named profiles with a folder of their own come with row G3"
)]
struct Profile {
    name: String,
    user_data_dir: Option<PathBuf>,
}

/// Reads the file; one that isn't there says nothing.
///
/// # Errors
/// `invalid_argument` with the line of what is wrong.
pub fn read(path: &Path) -> Result<Layer, Failure> {
    let unreadable = |err: &std::io::Error| {
        Failure::new(
            code_of(err),
            format!("{} can't be read: {err}.", path.display()),
        )
    };
    match std::fs::metadata(path) {
        Err(err) if err.kind() == std::io::ErrorKind::NotFound => return Ok(Layer::default()),
        Err(err) => return Err(unreadable(&err)),
        Ok(meta) if LARGEST < meta.len() => {
            let message = format!("{} is too large for a configuration.", path.display());
            return Err(Failure::new(Code::InvalidArgument, message));
        }
        Ok(_) => {}
    }
    let text = std::fs::read_to_string(path).map_err(|err| unreadable(&err))?;
    let file: File = toml::from_str(&text).map_err(|err| wrong(path, &text, &err))?;
    Ok(file.layer())
}

fn wrong(path: &Path, text: &str, err: &toml::de::Error) -> Failure {
    let line = err
        .span()
        .and_then(|span| text.get(..span.start))
        .map_or_else(String::new, |before| {
            format!(", line {}", before.matches('\n').count() + 1)
        });
    let message = format!(
        "{}{line}: {}.",
        path.display(),
        err.message().trim_end_matches('.')
    );
    Failure::new(Code::InvalidArgument, message)
        .hint("Correct the line or take it out; nothing was started.")
}

impl File {
    fn layer(self) -> Layer {
        let not_yet = self.not_yet();
        let retention = self.retention.unwrap_or_default();
        let versions = retention.max_snapshot_versions;
        Layer {
            listen: self.http.listen,
            log_filter: self.log.level,
            log_format: self.log.format,
            program: self.chrome.program,
            no_sandbox: self.chrome.no_sandbox,
            headless: self.chrome.headless,
            extra_args: self.chrome.extra_args,
            orphan_timeout: self.chrome.orphan_timeout.map(|span| span.0),
            max_sessions: self.sessions.max_sessions,
            max_session_age: self.sessions.max_session_age.map(|span| span.0),
            auto_resume: self.sessions.auto_resume,
            idle_timeout: self.sessions.idle_timeout.map(|span| span.0),
            max_lifetime: self.sessions.max_lifetime.map(|span| span.0),
            reconnect_window: self.sessions.reconnect_window.map(|span| span.0),
            captures: self.checkpoints.as_ref().and_then(|it| it.enabled),
            checkpoint_versions: versions.and_then(|most| usize::try_from(most).ok()),
            checkpoint_days: retention.site_knowledge_ttl_days,
            closed_session_days: retention.closed_session_days,
            timer_capture: self
                .checkpoints
                .as_ref()
                .and_then(|it| it.interval_seconds)
                .map(Duration::from_secs),
            download_file_bytes: self.downloads.max_file_bytes,
            download_session_bytes: self.downloads.max_session_bytes,
            download_count: self.downloads.max_count,
            download_free_bytes: self.downloads.min_free_bytes,
            call_limit: self.limits.call.map(|span| span.0),
            shutdown_limit: self.shutdown.limit.map(|span| span.0),
            stop_browsers: self.shutdown.stop_browsers,
            key_source: self.key.source,
            largest_answer: self.results.max_answer_bytes,
            result_ttl: self.results.ttl.map(|ttl| ttl.0),
            result_items: self.results.max_items,
            result_bytes: self.results.max_bytes,
            result_total_bytes: self.results.max_total_bytes,
            not_yet,
        }
    }

    fn not_yet(&self) -> Vec<String> {
        let recording = self.recording.as_ref();
        let given = [
            (
                "sessions.session_snapshot_interval",
                self.sessions.session_snapshot_interval.is_some(),
            ),
            (
                "sessions.max_session_snapshots",
                self.sessions.max_session_snapshots.is_some(),
            ),
            (
                "recording.auto_record",
                recording.is_some_and(|it| it.auto_record.is_some()),
            ),
            (
                "recording.retention_days",
                recording.is_some_and(|it| it.retention_days.is_some()),
            ),
            ("profiles", !self.profiles.is_empty()),
        ];
        given
            .into_iter()
            .filter(|(_, given)| *given)
            .map(|(name, _)| name.to_owned())
            .collect()
    }
}
