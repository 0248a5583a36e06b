//! The environment as a source of configuration.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use base::Code;

use super::layer::{Layer, LogFormat};
use super::value::{Lasting, Millis, Span};
use crate::environment::{Environment, NotText};
use crate::failure::Failure;

/// Names known from elsewhere whose capability is still to come.
const NOT_YET: [&str; 5] = [
    "SESSION_TIMEOUT",
    "MAX_MEMORY_PER_SESSION",
    "MAX_PERSISTENT_SCRIPTS",
    "MAX_SCRIPT_SIZE",
    "BRIDGE_TIMEOUT_MS",
];

/// Reads the variables.
///
/// # Errors
/// `invalid_argument`, naming the variable.
pub fn read(environment: &Environment) -> Result<Layer, Failure> {
    let span = |name| parsed::<Span>(environment, &[name]).map(|span| span.map(|span| span.0));
    Ok(Layer {
        listen: parsed(environment, &["BROWSERD_LISTEN"])?,
        log_filter: parsed(environment, &["BROWSERD_LOG"])?,
        log_format: parsed::<Format>(environment, &["BROWSERD_LOG_FORMAT"])?.map(|it| it.0),
        program: environment.raw("BROWSERD_CHROME").map(PathBuf::from),
        no_sandbox: switch(environment, "BROWSERD_NO_SANDBOX"),
        headless: switch(environment, "BROWSERD_HEADLESS"),
        extra_args: parsed::<String>(environment, &["BROWSERD_CHROME_ARGS"])?
            .map(|line| line.split_whitespace().map(str::to_owned).collect()),
        orphan_timeout: span("BROWSERD_ORPHAN_TIMEOUT")?,
        max_sessions: parsed(environment, &["BROWSERD_MAX_SESSIONS", "MAX_SESSIONS"])?,
        max_session_age: span("BROWSERD_MAX_SESSION_AGE")?,
        auto_resume: switch(environment, "BROWSERD_AUTO_RESUME"),
        idle_timeout: span("BROWSERD_IDLE_TIMEOUT")?,
        max_lifetime: span("BROWSERD_MAX_LIFETIME")?,
        reconnect_window: span("BROWSERD_RECONNECT_WINDOW")?,
        timer_capture: span("BROWSERD_CHECKPOINT_INTERVAL")?,
        captures: switch(environment, "BROWSERD_CHECKPOINTS"),
        checkpoint_versions: parsed(environment, &["BROWSERD_MAX_SNAPSHOT_VERSIONS"])?,
        checkpoint_days: parsed(environment, &["BROWSERD_SITE_KNOWLEDGE_TTL_DAYS"])?,
        closed_session_days: parsed(environment, &["BROWSERD_CLOSED_SESSION_DAYS"])?,
        download_file_bytes: parsed(environment, &["BROWSERD_DOWNLOADS_MAX_FILE_BYTES"])?,
        download_session_bytes: parsed(environment, &["BROWSERD_DOWNLOADS_MAX_SESSION_BYTES"])?,
        download_count: parsed(environment, &["BROWSERD_DOWNLOADS_MAX_COUNT"])?,
        download_free_bytes: parsed(environment, &["BROWSERD_DOWNLOADS_MIN_FREE_BYTES"])?,
        call_limit: span("BROWSERD_CALL_LIMIT")?,
        shutdown_limit: span("BROWSERD_SHUTDOWN_LIMIT")?,
        stop_browsers: switch(environment, "BROWSERD_STOP_BROWSERS"),
        key_source: parsed(environment, &["BROWSERD_KEY_SOURCE"])?,
        largest_answer: parsed(environment, &["BROWSERD_MAX_ANSWER_BYTES"])?,
        result_ttl: result_ttl(environment)?,
        result_items: parsed(environment, &["BROWSERD_RESULTS_MAX_ITEMS"])?,
        result_bytes: parsed(environment, &["BROWSERD_RESULTS_MAX_BYTES"])?,
        result_total_bytes: parsed(environment, &["BROWSERD_RESULTS_MAX_TOTAL_BYTES"])?,
        not_yet: not_yet(environment),
    })
}

/// Ours is a span as all others are; the one known from elsewhere counts milliseconds.
fn result_ttl(environment: &Environment) -> Result<Option<Duration>, Failure> {
    if let Some(ttl) = parsed::<Lasting>(environment, &["BROWSERD_RESULTS_TTL"])? {
        return Ok(Some(ttl.0));
    }
    let known = ["BROWSERD_RESPONSE_STORE_TTL", "RESPONSE_STORE_TTL"];
    Ok(parsed::<Millis>(environment, &known)?.map(|ttl| ttl.0))
}

fn switch(environment: &Environment, name: &str) -> Option<bool> {
    environment.raw(name).map(|_| environment.is_on(name))
}

fn not_yet(environment: &Environment) -> Vec<String> {
    let own = |name: &str| format!("BROWSERD_{name}");
    let given = |name: &String| environment.raw(name).is_some();
    NOT_YET
        .iter()
        .flat_map(|name| [own(name), (*name).to_owned()])
        .filter(given)
        .collect()
}

fn parsed<T>(environment: &Environment, names: &[&'static str]) -> Result<Option<T>, Failure>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    let wrong = |name: &str, why: String| {
        Failure::new(
            Code::InvalidArgument,
            format!("The variable {name} is wrong: {why}."),
        )
        .hint(format!("Unset it: unset {name}"))
    };
    let Some((name, value)) = environment
        .first(names)
        .map_err(|NotText { name }| wrong(name, "it is no UTF-8".to_owned()))?
    else {
        return Ok(None);
    };
    let value = value.trim();
    value
        .parse()
        .map(Some)
        .map_err(|err: T::Err| wrong(name, format!("`{value}`: {err}")))
}

struct Format(LogFormat);

impl FromStr for Format {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "pretty" => Ok(Self(LogFormat::Pretty)),
            "json" => Ok(Self(LogFormat::Json)),
            _ => Err("it is `pretty` or `json`"),
        }
    }
}
