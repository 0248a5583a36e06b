//! The daemon's configuration: defaults < `config.toml` < environment < flags.
//!
//! Each source is read into a [`Layer`], where everything is optional; the layers are laid
//! over each other, and what nobody said falls to the default. A wrong value is refused with
//! the name of its source, never skipped: a setting that is silently ignored is worse than none.

mod file;
pub mod key;
mod layer;
mod value;
mod variables;

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

pub use key::KeySource;
pub use layer::{Layer, LogFormat};
use session::DownloadLimits;
use store::{ResultBounds, Retention};
pub use value::Span;

use crate::environment::Environment;
use crate::failure::Failure;
use crate::home::Home;

/// The port the daemon takes if it is free and nothing else was said.
pub const PORT: u16 = 7878;

/// What the daemon goes by.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where HTTP is served.
    pub listen: Listen,
    /// What is logged, as `tracing_subscriber`'s filter directives.
    pub log_filter: String,
    /// How it is logged.
    pub log_format: LogFormat,
    /// The browser's program, if it is named.
    pub program: Option<PathBuf>,
    /// Where the browser is looked for otherwise.
    pub path: OsString,
    /// Whether the browser's sandbox is given up.
    pub no_sandbox: bool,
    /// Whether browsers show no window.
    pub headless: bool,
    /// More arguments for the browser.
    pub extra_args: Vec<String>,
    /// How long a browser waits for the next daemon; `None` for ever.
    pub orphan_timeout: Option<Duration>,
    /// How many sessions may hold a browser.
    pub max_sessions: usize,
    /// How old a checkpoint may be to be resumed unasked; `None` for any age.
    pub max_session_age: Option<Duration>,
    /// Whether recoverable sessions are resumed at start.
    pub auto_resume: bool,
    /// How long a session may be idle before it is parked; `None` for ever.
    pub idle_timeout: Option<Duration>,
    /// How long a session may hold a browser before it is closed; `None` for ever.
    pub max_lifetime: Option<Duration>,
    /// How long a browser that doesn't answer is waited for.
    pub reconnect_window: Duration,
    /// How often a version is kept of a session that changes; `None` for never.
    pub timer_capture: Option<Duration>,
    /// Whether checkpoints are taken unasked.
    pub captures: bool,
    /// What is kept of what was captured, and for how long.
    pub retention: Retention,
    /// The bounds of downloads.
    pub downloads: DownloadLimits,
    /// How long a call may take that doesn't say it itself.
    pub call_limit: Duration,
    /// How long stopping may take.
    pub shutdown_limit: Duration,
    /// Whether stopping the daemon stops its browsers.
    pub stop_browsers: bool,
    /// Where the home's key comes from.
    pub key: store::key::Source,
    /// How much of large answers is kept to be read on, and for how long.
    pub results: ResultBounds,
    /// Settings that were given and that this version can't follow yet.
    pub not_yet: Vec<String>,
}

/// Where HTTP is served.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Listen {
    /// The address.
    pub address: SocketAddr,
    /// Whether it must be this one.
    pub forced: bool,
}

impl Config {
    /// Returns what the home's file, the environment and the flags say together.
    ///
    /// # Errors
    /// `invalid_argument`, naming the source and, in the file, the line.
    pub fn load(home: &Home, environment: &Environment, flags: Layer) -> Result<Self, Failure> {
        let file = file::read(&home.join("config.toml"))?;
        let variables = variables::read(environment)?;
        let path = environment.raw("PATH").cloned().unwrap_or_default();
        let layer = flags.over(variables).over(file);
        let key = key::source(environment, layer.key_source, key::CURRENT)?;
        Ok(Self::settled(layer, path, key))
    }

    fn settled(layer: Layer, path: OsString, key: store::key::Source) -> Self {
        let usual = DownloadLimits::default();
        let downloads = DownloadLimits {
            file_bytes: layer.download_file_bytes.unwrap_or(usual.file_bytes),
            session_bytes: layer.download_session_bytes.unwrap_or(usual.session_bytes),
            count: layer.download_count.unwrap_or(usual.count),
            free_bytes: layer.download_free_bytes.unwrap_or(usual.free_bytes),
        };
        let default = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), PORT);
        let results = ResultBounds::default();
        Self {
            listen: Listen {
                address: layer.listen.unwrap_or(default),
                forced: layer.listen.is_some(),
            },
            log_filter: layer.log_filter.unwrap_or_else(|| "info".to_owned()),
            log_format: layer.log_format.unwrap_or(LogFormat::Pretty),
            program: layer.program,
            path,
            no_sandbox: layer.no_sandbox.unwrap_or(false),
            headless: layer.headless.unwrap_or(true),
            extra_args: layer.extra_args.unwrap_or_default(),
            orphan_timeout: limit(layer.orphan_timeout, Duration::from_secs(24 * 3600)),
            max_sessions: layer.max_sessions.unwrap_or(10),
            max_session_age: limit(layer.max_session_age, Duration::from_secs(24 * 3600)),
            auto_resume: layer.auto_resume.unwrap_or(false),
            idle_timeout: limit(layer.idle_timeout, Duration::from_secs(30 * 60)),
            max_lifetime: limit(layer.max_lifetime, Duration::ZERO),
            reconnect_window: layer.reconnect_window.unwrap_or(Duration::from_secs(30)),
            timer_capture: limit(layer.timer_capture, Duration::from_secs(300)),
            captures: layer.captures.unwrap_or(true),
            retention: Retention {
                versions: Some(layer.checkpoint_versions.unwrap_or(10)).filter(|most| *most != 0),
                asked_for: days(layer.checkpoint_days.unwrap_or(0)),
                closed: days(layer.closed_session_days.unwrap_or(30)),
            },
            downloads,
            call_limit: layer.call_limit.unwrap_or(Duration::from_secs(30)),
            shutdown_limit: layer.shutdown_limit.unwrap_or(Duration::from_secs(30)),
            stop_browsers: layer.stop_browsers.unwrap_or(false),
            key,
            results: ResultBounds {
                ttl: layer.result_ttl.unwrap_or(results.ttl),
                items: layer.result_items.map_or(results.items, NonZero::get),
                bytes: layer.result_bytes.map_or(results.bytes, NonZero::get),
                total_bytes: layer
                    .result_total_bytes
                    .map_or(results.total_bytes, NonZero::get),
            },
            not_yet: layer.not_yet,
        }
    }
}

/// Returns the largest answer that goes to an MCP client whole. What is wrong with the
/// configuration is for the daemon to tell.
pub fn largest_answer(home: &Home, environment: &Environment) -> usize {
    let file = file::read(&home.join("config.toml")).unwrap_or_default();
    let variables = variables::read(environment).unwrap_or_default();
    let given = variables.over(file).largest_answer;
    given.unwrap_or(server::mcp::LARGEST_ANSWER)
}

/// Returns that many days, where 0 stands for ever.
fn days(count: u32) -> Option<Duration> {
    let span = Duration::from_secs(u64::from(count) * 24 * 3600);
    Some(span).filter(|span| !span.is_zero())
}

/// Returns the limit, where 0 stands for none.
fn limit(given: Option<Duration>, default: Duration) -> Option<Duration> {
    Some(given.unwrap_or(default)).filter(|limit| !limit.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(file: &str, variables: Environment, flags: Layer) -> Result<Config, Failure> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.toml"), file).unwrap();
        let place = Environment::from([("BROWSERD_HOME", folder.path().to_str().unwrap())]);
        Config::load(&Home::of(&place).unwrap(), &variables, flags)
    }

    fn told(result: Result<Config, Failure>) -> String {
        match result {
            Err(Failure::Coded(error)) => error.message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_later_source_wins() {
        let file = "[sessions]\nmax_sessions = 3\nmax_session_age = '2h'\n[log]\nlevel = 'debug'";
        let variables = Environment::from([("MAX_SESSIONS", "4"), ("BROWSERD_LOG", "warn")]);
        let flags = Layer {
            log_filter: Some("trace".to_owned()),
            ..Layer::default()
        };
        let config = load(file, variables, flags).unwrap();
        assert_eq!(config.max_sessions, 4);
        assert_eq!(config.max_session_age, Some(Duration::from_secs(7200)));
        assert_eq!(config.log_filter, "trace");
        assert_eq!(
            config.listen,
            Listen {
                address: ([127, 0, 0, 1], 7878).into(),
                forced: false
            }
        );
    }

    #[test]
    fn a_configured_address_is_forced() {
        let config = load(
            "[http]\nlisten = '127.0.0.1:9'",
            Environment::default(),
            Layer::default(),
        );
        assert_eq!(
            config.unwrap().listen,
            Listen {
                address: ([127, 0, 0, 1], 9).into(),
                forced: true
            }
        );
    }

    #[test]
    fn how_long_results_are_kept_is_told_in_two_ways_and_is_never_nothing() {
        let kept = |file: &str, name: &str, value: &str| {
            let variables = Environment::from([(name, value)]);
            load(file, variables, Layer::default()).map(|config| config.results.ttl)
        };
        let minutes = |count: u64| Duration::from_secs(60 * count);
        let file = "[results]\nttl = '2m'\nmax_items = 7";
        assert_eq!(kept(file, "NOTHING", "").unwrap(), minutes(2));
        assert_eq!(
            kept(file, "RESPONSE_STORE_TTL", "180000").unwrap(),
            minutes(3)
        );
        assert_eq!(kept("", "BROWSERD_RESULTS_TTL", "4m").unwrap(), minutes(4));
        for (file, name) in [
            ("[results]\nttl = 0", "NOTHING"),
            ("[results]\nmax_items = 0", "NOTHING"),
            ("", "RESPONSE_STORE_TTL"),
            ("", "BROWSERD_RESULTS_TTL"),
        ] {
            assert!(kept(file, name, "0").is_err(), "{file} {name}");
        }
    }

    #[test]
    fn zero_is_no_limit() {
        let file = "[chrome]\norphan_timeout = 0\n[sessions]\nmax_session_age = '0s'\nidle_timeout = 0\n\
            [checkpoints]\ninterval_seconds = 0";
        let config = load(file, Environment::default(), Layer::default()).unwrap();
        assert_eq!(
            (config.orphan_timeout, config.max_session_age),
            (None, None)
        );
        assert_eq!((config.idle_timeout, config.timer_capture), (None, None));
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line() {
        let result = load(
            "[log]\nlevel = 'info'\ncolour = 1",
            Environment::default(),
            Layer::default(),
        );
        let message = told(result);
        assert!(message.contains("line 3"), "{message}");
        assert!(message.contains("colour"), "{message}");
    }

    #[test]
    fn a_wrong_value_is_refused_with_its_line() {
        let file = "# first\n[sessions]\nmax_session_age = 'soon'";
        let message = told(load(file, Environment::default(), Layer::default()));
        assert!(
            message.contains("line 3") && message.contains("soon"),
            "{message}"
        );
    }

    #[test]
    fn a_wrong_variable_is_refused_by_name() {
        let variables = Environment::from([("BROWSERD_MAX_SESSIONS", "many")]);
        let message = told(load("", variables, Layer::default()));
        assert!(
            message.contains("BROWSERD_MAX_SESSIONS") && message.contains("many"),
            "{message}"
        );
    }

    #[test]
    fn names_known_from_elsewhere_are_taken_and_told_when_they_do_nothing_yet() {
        let file = "[checkpoints]\nenabled = true\ninterval_seconds = 300\n[retention]\n\
            max_snapshot_versions = 5\nsite_knowledge_ttl_days = 0\n[recording]\n\
            auto_record = false\nretention_days = 7\n[[profiles]]\nname = 'work'\n\
            user_data_dir = '/x'\n[sessions]\nauto_resume = true\nsession_snapshot_interval = 60\n\
            max_session_snapshots = 3\n";
        let config = load(file, Environment::default(), Layer::default()).unwrap();
        assert!(config.auto_resume && config.captures);
        assert_eq!(config.retention.versions, Some(5));
        assert_eq!(config.retention.asked_for, None);
        assert_eq!(config.timer_capture, Some(Duration::from_secs(300)));
        assert!(
            config
                .not_yet
                .iter()
                .any(|name| name == "recording.auto_record")
        );
        assert!(config.not_yet.iter().any(|name| name == "profiles"));
    }
}
