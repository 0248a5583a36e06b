//! A Chromium of its own, driven over its debugging pipe with nothing of browserd between.
//!
//! The oracle (what the accessibility tree says) and the floor (what a raw call costs) for
//! tests and the bench. It is started with the same flags as the product's browsers.
//!
//! Chromium wants its pipe on the descriptors 3 and 4. A shell moves them there, so that
//! neither `unsafe` code nor descriptors that leak into other children are needed.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use base::Tasks;
use cdp::{Connection, Options, Transport};
use tempfile::TempDir;
use tokio::net::unix::pipe;

use crate::process;

/// The switches every browser of the product gets (DESIGN "Chromium").
const FLAGS: &[&str] = &[
    "--headless=new",
    "--no-startup-window",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
    "--disable-breakpad",
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup,OmniboxAimPopup",
    "--enable-features=NetworkServiceInProcess2",
    "--remote-debugging-pipe",
];

/// A Chromium that lives as long as this value. Dropping it kills and reaps it.
#[derive(Debug)]
pub struct RawChromium {
    child: Child,
    pipe: Option<(ChildStdin, ChildStdout)>,
    folder: TempDir,
}

impl RawChromium {
    /// Starts a Chromium in a folder of its own.
    ///
    /// # Errors
    /// If no Chromium is installed or it can't be started.
    pub fn start() -> io::Result<Self> {
        Self::start_with(&[])
    }

    /// Starts a Chromium with more switches.
    ///
    /// # Errors
    /// If no Chromium is installed or it can't be started.
    pub fn start_with(extra: &[&str]) -> io::Result<Self> {
        let program = find()?;
        let folder = tempfile::Builder::new().prefix("raw-").tempdir()?;
        let scratch = folder.path().join("tmp");
        std::fs::create_dir(&scratch)?;
        let mut command = Command::new("/bin/sh");
        command
            .arg("-c")
            .arg(r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null"#)
            .arg(program)
            .args(FLAGS)
            .arg(user_data_dir_switch(folder.path()))
            .args(no_sandbox_needed().then_some("--no-sandbox"))
            .args(extra)
            // Whatever Chromium leaves in its TMPDIR goes with our folder.
            .env("TMPDIR", &scratch)
            .env("HOME", folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0);
        let mut child = process::spawn(&mut command)?;
        let pipe = child.stdin.take().zip(child.stdout.take());
        Ok(Self {
            child,
            pipe,
            folder,
        })
    }

    /// Gives our two blocking ends of the debugging pipe. They can be had once.
    ///
    /// # Errors
    /// If they were taken before.
    pub fn pipe(&mut self) -> io::Result<(ChildStdin, ChildStdout)> {
        self.pipe
            .take()
            .ok_or_else(|| io::Error::other("the pipe was taken before"))
    }

    /// Gives the debugging pipe as whole messages. It can be had once.
    ///
    /// # Errors
    /// If it was taken before, or there is no tokio runtime with I/O here.
    pub fn transport(&mut self) -> io::Result<Transport> {
        let (to, from) = self.pipe()?;
        let from = pipe::Receiver::from_owned_fd(from.into())?;
        let to = pipe::Sender::from_owned_fd(to.into())?;
        Ok(Transport::pipe(from, to))
    }

    /// Opens a CDP connection over the pipe. It can be had once.
    ///
    /// # Errors
    /// As for [`RawChromium::transport`].
    pub fn connect(&mut self, tasks: &Tasks) -> io::Result<Connection> {
        Ok(Connection::open(
            self.transport()?,
            Options::default(),
            tasks,
        ))
    }

    /// Returns the id of the browser process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns the folder that holds all of it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for RawChromium {
    fn drop(&mut self) {
        // Helpers may have left the group, but they name the folder or are our descendants.
        let family = process::tree(self.child.id());
        process::kill_group(self.child.id());
        for member in family {
            process::kill(member, process::Signal::KILL);
        }
        if let Err(err) = self.child.wait() {
            eprintln!(
                "raw chromium {} could not be waited for: {err}",
                self.child.id()
            );
        }
        process::forget(self.child.id());
        let gone = process::until(Duration::from_secs(5), || {
            process::naming(self.folder.path()).is_empty()
        });
        if !gone {
            eprintln!("raw chromium {}: a process of it is left", self.child.id());
        }
    }
}

/// Finds Chromium where Debian and the usual packages put it.
///
/// # Errors
/// If there is none.
pub fn find() -> io::Result<PathBuf> {
    const NAMES: &[&str] = &[
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    ];
    let path = std::env::var_os("PATH").unwrap_or_default();
    let named = std::env::var_os("BROWSERD_CHROME").map(PathBuf::from);
    let on_path = std::env::split_paths(&path)
        .flat_map(|folder| NAMES.iter().map(move |name| folder.join(name)));
    named
        .into_iter()
        .chain(on_path)
        .find(|candidate| candidate.is_file())
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no chromium on PATH"))
}

/// Tells whether Chromium's sandbox can't be had here: it refuses to run as root with it.
#[must_use]
pub fn no_sandbox_needed() -> bool {
    rustix::process::geteuid().is_root() || std::env::var_os("BROWSERD_NO_SANDBOX").is_some()
}

fn user_data_dir_switch(folder: &Path) -> OsString {
    let mut switch = OsString::from("--user-data-dir=");
    switch.push(folder.join("profile"));
    switch
}

#[cfg(test)]
mod tests {
    use base::Ctx;
    use cdp::protocol::browser::GetVersion;

    use super::*;

    #[tokio::test]
    async fn a_raw_chromium_answers_and_leaves_nothing() {
        let tasks = Tasks::new();
        let mut chromium = RawChromium::start().unwrap();
        let folder = chromium.folder().to_owned();
        let connection = chromium.connect(&tasks).unwrap();
        let ctx = Ctx::within(Duration::from_secs(30));
        let version = connection
            .root()
            .call(&ctx, &GetVersion::default())
            .await
            .unwrap();
        assert!(version.product.contains("Chrome"), "{version:?}");
        drop(chromium);
        assert!(process::naming(&folder).is_empty());
        assert!(!folder.exists());
        tasks.stop().await;
    }
}
