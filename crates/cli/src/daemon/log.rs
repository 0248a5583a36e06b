//! The daemon's log: `daemon.log` in the home, bounded, and stderr when somebody watches.
//!
//! At its bound the file is renamed to `daemon.log.1` and a new one begun, so that `tail -F`,
//! which follows the name, goes on, and the log never takes more than twice the bound.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use base::{ByteSize, Code};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::{Config, LogFormat};
use crate::failure::{Failure, code_of};
use crate::home::Home;

const FILE: &str = "daemon.log";
const LARGEST: ByteSize = ByteSize::mib(10);

/// Whether the log also goes to stderr.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Watched {
    /// Somebody started the daemon by hand and looks on.
    Yes,
    /// It was started by a command that is long gone.
    No,
}

/// Begins to log.
///
/// # Errors
/// When the filter makes no sense or the file can't be opened.
pub fn start(home: &Home, config: &Config, watched: Watched) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&config.log_filter).map_err(|err| {
        let message = format!("The log filter `{}` is wrong: {err}.", config.log_filter);
        Failure::new(Code::InvalidArgument, message).hint("Use error, warn, info, debug or trace.")
    })?;
    let path = home.join(FILE);
    let file = LogFile::open(path.clone(), LARGEST).map_err(|err| {
        Failure::new(
            code_of(&err),
            format!("The log {} can't be opened: {err}.", path.display()),
        )
    })?;
    let to_file = layer(config.log_format, Arc::new(file), false);
    let color = std::io::IsTerminal::is_terminal(&io::stderr());
    let to_stderr = (watched == Watched::Yes).then(|| layer(config.log_format, io::stderr, color));
    // Fails only if a subscriber is set already; then that one logs.
    drop(
        tracing_subscriber::registry()
            .with(filter)
            .with(to_file)
            .with(to_stderr)
            .try_init(),
    );
    log_panics();
    Ok(())
}

fn layer<S, W>(format: LogFormat, writer: W, color: bool) -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(writer)
        .with_ansi(color);
    match format {
        LogFormat::Pretty => layer.boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    }
}

/// A panic's text may hold what came from a page, so only its place is logged.
fn log_panics() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(%place, "panicked");
    }));
}

/// A file that is renamed and begun anew at its bound.
struct LogFile {
    path: PathBuf,
    largest: ByteSize,
    open: Mutex<Open>,
}

struct Open {
    file: File,
    written: u64,
}

impl LogFile {
    fn open(path: PathBuf, largest: ByteSize) -> io::Result<Self> {
        let open = Mutex::new(Open::at(&path)?);
        Ok(Self {
            path,
            largest,
            open,
        })
    }
}

impl Open {
    fn at(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)?;
        let written = file.metadata()?.len();
        Ok(Self { file, written })
    }
}

impl Write for &LogFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let size = line.len() as u64;
        if 0 < open.written && self.largest.0 < open.written + size {
            std::fs::rename(&self.path, self.path.with_extension("log.1"))?;
            *open = Open::at(&self.path)?;
        }
        open.file.write_all(line)?;
        open.written += size;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_never_takes_more_than_twice_its_bound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let log = LogFile::open(path.clone(), ByteSize(100)).unwrap();
        for number in 0..50 {
            (&log)
                .write_all(format!("line {number:04}\n").as_bytes())
                .unwrap();
        }
        let now = std::fs::read_to_string(&path).unwrap();
        let before = std::fs::read_to_string(folder.path().join("daemon.log.1")).unwrap();
        assert!(now.ends_with("line 0049\n"), "{now}");
        assert!(now.len() <= 100 && before.len() <= 100);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_log_goes_on_where_the_last_daemon_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        for line in ["one\n", "two\n"] {
            let log = LogFile::open(path.clone(), ByteSize(100)).unwrap();
            (&log).write_all(line.as_bytes()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntwo\n");
    }
}
