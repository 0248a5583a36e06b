//! `browserd doctor`: looks for what could be in the way. It changes nothing and starts no daemon.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use base::Ctx;
use client::Client;
use serde::Serialize;
use serde_json::json;

use crate::config::{Config, Layer};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::home::Home;
use crate::output::{self, Form};
use crate::print::{self, Table};

/// How a thing that was looked at is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Health {
    Good,
    /// It works, and could be better.
    Warning,
    /// It keeps browserd from working.
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    what: &'static str,
    health: Health,
    found: String,
    hint: Option<String>,
}

impl Finding {
    fn good(what: &'static str, found: impl Into<String>) -> Self {
        Self {
            what,
            health: Health::Good,
            found: found.into(),
            hint: None,
        }
    }

    fn warning(what: &'static str, found: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            what,
            health: Health::Warning,
            found: found.into(),
            hint: Some(hint.into()),
        }
    }

    fn bad(what: &'static str, found: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            what,
            health: Health::Bad,
            found: found.into(),
            hint: Some(hint.into()),
        }
    }
}

/// Looks at everything and shows what it found; fails if something is bad.
pub fn main(environment: &Environment, form: Form) -> Result<(), Failure> {
    let home = Home::of(environment)?;
    let (configuration, config) = configuration(&home, environment);
    let mut findings = vec![configuration];
    if let Some(config) = &config {
        findings.push(chromium(config));
        findings.push(sandbox(config));
    }
    findings.push(folder(&home));
    findings.push(match &config {
        Some(config) if !matches!(config.key, store::key::Source::File) => {
            key_elsewhere(&home, config)?
        }
        _ => key(&home),
    });
    let (daemon, running) = daemon(&home)?;
    findings.push(daemon);
    if let (Some(config), false) = (&config, running) {
        findings.push(port(config));
    }
    findings.push(leftovers(&home, running));
    findings.push(open_files());
    shown(&findings, form)?;
    let bad = findings.iter().any(|finding| finding.health == Health::Bad);
    if bad { Err(Failure::Told) } else { Ok(()) }
}

fn shown(findings: &[Finding], form: Form) -> Result<(), Failure> {
    if form == Form::Json {
        let good = findings.iter().all(|finding| finding.health != Health::Bad);
        return output::json(&json!({ "ok": good, "findings": findings }));
    }
    let mut table = Table::wide(&["what", "", "found"]);
    for finding in findings {
        let health = match finding.health {
            Health::Good => "good",
            Health::Warning => "warning",
            Health::Bad => "BAD",
        };
        table.row([finding.what, health, &finding.found]);
    }
    print::table(&table)?;
    for hint in findings.iter().filter_map(|finding| finding.hint.as_ref()) {
        output::line(&format!("Hint: {hint}"))?;
    }
    Ok(())
}

fn configuration(home: &Home, environment: &Environment) -> (Finding, Option<Config>) {
    const WHAT: &str = "configuration";
    match Config::load(home, environment, Layer::default()) {
        Ok(config) if config.not_yet.is_empty() => (Finding::good(WHAT, "read"), Some(config)),
        Ok(config) => {
            let names = config.not_yet.join(", ");
            let hint = "These settings have no effect in this version yet.";
            (
                Finding::warning(WHAT, format!("not in force: {names}"), hint),
                Some(config),
            )
        }
        Err(Failure::Coded(error)) => (Finding::bad(WHAT, error.message, error.hint), None),
        Err(other) => (
            Finding::bad(WHAT, format!("{other:?}"), "Look at config.toml."),
            None,
        ),
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "asks the browser for its version, as a person would"
)]
fn chromium(config: &Config) -> Finding {
    const WHAT: &str = "browser";
    let program = match chrome::find(config.program.as_deref(), &config.path) {
        Ok(program) => program,
        Err(err) => {
            let hint = err.hint().unwrap_or_else(|| "Install Chromium.".to_owned());
            return Finding::bad(WHAT, err.to_string(), hint);
        }
    };
    let asked = Command::new(&program)
        .arg("--version")
        .stdin(Stdio::null())
        .output();
    match asked {
        Ok(told) if told.status.success() => {
            let version = String::from_utf8_lossy(&told.stdout);
            Finding::good(WHAT, format!("{}, {}", program.display(), version.trim()))
        }
        Ok(told) => {
            let reason = String::from_utf8_lossy(&told.stderr);
            let reason = reason
                .lines()
                .next()
                .unwrap_or("it says nothing")
                .to_owned();
            let found = format!("{} does not run: {reason}", program.display());
            Finding::bad(
                WHAT,
                found,
                "Install it anew, or name another by BROWSERD_CHROME.",
            )
        }
        Err(err) => {
            let found = format!("{} can't be run: {err}", program.display());
            Finding::bad(WHAT, found, "Name another one by BROWSERD_CHROME.")
        }
    }
}

/// Chromium's sandbox needs user namespaces, and a user other than root.
fn sandbox(config: &Config) -> Finding {
    const WHAT: &str = "sandbox";
    let root = rustix::process::geteuid().is_root();
    let namespaces = fs::read_to_string("/proc/sys/user/max_user_namespaces")
        .ok()
        .and_then(|number| number.trim().parse::<u64>().ok());
    let restricted = fs::read_to_string("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
        .is_ok_and(|text| text.trim() == "1");
    match (config.no_sandbox, root) {
        (true, _) => Finding::warning(
            WHAT,
            "given up by the configuration",
            "Run as a user other than root and unset BROWSERD_NO_SANDBOX to have it.",
        ),
        (false, true) => Finding::bad(
            WHAT,
            "Chromium can't have it as root",
            "Run as another user, or set BROWSERD_NO_SANDBOX=1 if you trust the pages.",
        ),
        (false, false) if namespaces == Some(0) => Finding::bad(
            WHAT,
            "the kernel gives no user namespaces",
            "sysctl -w user.max_user_namespaces=10000",
        ),
        (false, false) if restricted => Finding::warning(
            WHAT,
            "the kernel restricts user namespaces to named programs",
            "Use the distribution's own Chromium, which its profile names.",
        ),
        (false, false) => Finding::good(WHAT, "possible"),
    }
}

fn folder(home: &Home) -> Finding {
    const WHAT: &str = "home";
    let path = home.folder();
    let meta = match fs::metadata(path) {
        Ok(meta) => meta,
        Err(err) if err.kind() == std::io::ErrorKind::NotFound => {
            return Finding::good(WHAT, format!("{} will be made", path.display()));
        }
        Err(err) => {
            let found = format!("{} can't be read: {err}", path.display());
            return Finding::bad(WHAT, found, "Set BROWSERD_HOME to a folder of your own.");
        }
    };
    if meta.uid() != rustix::process::geteuid().as_raw() {
        let found = format!("{} belongs to another user", path.display());
        return Finding::bad(WHAT, found, "Set BROWSERD_HOME to a folder of your own.");
    }
    if meta.mode() & 0o077 != 0 {
        let found = format!("{} is open to other users", path.display());
        return Finding::warning(WHAT, found, format!("chmod 700 {}", path.display()));
    }
    match writable(path) {
        Ok(()) => Finding::good(WHAT, path.display().to_string()),
        Err(err) => {
            let found = format!("{} can't be written to: {err}", path.display());
            Finding::bad(WHAT, found, format!("df -h {}", path.display()))
        }
    }
}

/// Writes and removes a file: rights alone don't tell of a full disk.
fn writable(folder: &Path) -> std::io::Result<()> {
    let path = folder.join(format!("doctor-{}", std::process::id()));
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path)?;
    let written = file.write_all(&[0; 4096]).and_then(|()| file.sync_all());
    fs::remove_file(&path)?;
    written
}

fn key(home: &Home) -> Finding {
    const WHAT: &str = "key";
    let has = |name: &str| home.join(name).exists();
    match (has(store::key::FILE), has("browserd.db")) {
        (false, false) => Finding::good(WHAT, "will be made"),
        (false, true) => Finding::bad(
            WHAT,
            "there is a database, and its key is gone",
            format!(
                "Put the key back: {}",
                home.join(store::key::FILE).display()
            ),
        ),
        (true, _) => match fs::metadata(home.join(store::key::FILE)) {
            Ok(meta) if meta.mode() & 0o077 != 0 => Finding::warning(
                WHAT,
                "open to other users",
                format!("chmod 600 {}", home.join(store::key::FILE).display()),
            ),
            Ok(_) => Finding::good(WHAT, "there"),
            Err(err) => Finding::bad(
                WHAT,
                format!("it can't be read: {err}"),
                "Look at its rights.",
            ),
        },
    }
}

/// Looks for a key that isn't in the home's own file.
fn key_elsewhere(home: &Home, config: &Config) -> Result<Finding, Failure> {
    const WHAT: &str = "key";
    let seen = store::key::seen(home.folder(), &config.key);
    let (name, seen) = (config.key.name(), crate::command::runtime()?.block_on(seen));
    Ok(match seen {
        Err(err) => Finding::bad(WHAT, err.to_string(), err.hint().unwrap_or_default()),
        Ok(seen) if seen.opens == Some(false) => Finding::bad(
            WHAT,
            format!("what the {name} gives doesn't open this home"),
            "Give the key this home was made with: browserd key show",
        ),
        Ok(_) => Finding::good(WHAT, format!("from the {name}")),
    })
}

fn daemon(home: &Home) -> Result<(Finding, bool), Failure> {
    const WHAT: &str = "daemon";
    let ctx = Ctx::within(Duration::from_secs(5));
    let asked = crate::command::runtime()?.block_on(async {
        Client::unix(home.folder())
            .send(&ctx, "get_status", &json!({}))
            .await
    });
    let held = fs::read_to_string(home.join("lock")).unwrap_or_default();
    let holder = held
        .split_whitespace()
        .next()
        .unwrap_or("unknown")
        .to_owned();
    Ok(match asked {
        Ok(status) => {
            let (pid, theirs) = (&status["pid"], print::text(&status, "version"));
            let found = format!("process {pid}, version {theirs}");
            if theirs == env!("CARGO_PKG_VERSION") {
                (Finding::good(WHAT, found), true)
            } else {
                let ours = env!("CARGO_PKG_VERSION");
                let hint =
                    format!("This command has version {ours}; renew the daemon: browserd stop");
                (Finding::warning(WHAT, found, hint), true)
            }
        }
        Err(client::Error::Unavailable { .. }) if is_held(home) => (
            Finding::bad(
                WHAT,
                format!("process {holder} holds the home and does not answer"),
                format!("It may be starting or stopping; else end it: kill {holder}"),
            ),
            true,
        ),
        Err(client::Error::Unavailable { .. }) => (Finding::good(WHAT, "not running"), false),
        Err(err) => (
            Finding::bad(
                WHAT,
                format!("it does not answer: {err}"),
                format!("kill {holder}"),
            ),
            true,
        ),
    })
}

/// Tells whether somebody holds the home's lock. Looking takes it for a moment at the most.
fn is_held(home: &Home) -> bool {
    use rustix::fs::{FlockOperation, flock};
    let Ok(file) = fs::File::open(home.join("lock")) else {
        return false;
    };
    flock(&file, FlockOperation::NonBlockingLockShared).is_err()
}

fn port(config: &Config) -> Finding {
    const WHAT: &str = "port";
    let address = config.listen.address;
    match TcpListener::bind(address) {
        Ok(_) => Finding::good(WHAT, format!("{address} is free")),
        Err(err) if config.listen.forced => {
            let found = format!("{address} can't be had: {err}");
            Finding::bad(
                WHAT,
                found,
                "Configure another, or none to take whichever is free.",
            )
        }
        Err(_) => Finding::good(
            WHAT,
            format!("{address} is taken; another one will be used"),
        ),
    }
}

/// What the last daemon left: browsers that wait for the next one are no fault.
fn leftovers(home: &Home, running: bool) -> Finding {
    const WHAT: &str = "leftovers";
    let folders = fs::read_dir(home.join("run"))
        .into_iter()
        .flatten()
        .flatten();
    let n_runs = folders.filter(|entry| entry.path().is_dir()).count();
    match (n_runs, running) {
        (0, _) => Finding::good(WHAT, "none"),
        (n_runs, true) => Finding::good(WHAT, format!("{n_runs} browsers of the daemon")),
        (n_runs, false) => {
            let found = format!("{n_runs} browsers of an earlier daemon");
            Finding::warning(
                WHAT,
                found,
                "The next daemon adopts or removes them: browserd serve",
            )
        }
    }
}

fn open_files() -> Finding {
    const WHAT: &str = "open files";
    const ENOUGH: u64 = 4096;
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    match limit.maximum {
        Some(maximum) if maximum < ENOUGH => Finding::warning(
            WHAT,
            format!("at most {maximum}"),
            format!("Raise the hard limit to {ENOUGH} or more: ulimit -Hn {ENOUGH}"),
        ),
        Some(maximum) => Finding::good(WHAT, format!("at most {maximum}")),
        None => Finding::good(WHAT, "without limit"),
    }
}
