//! Launching a browser under a new keeper.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use base::{BrowserId, Ctx, Tasks};

use crate::{Error, Hello, Link, Welcome};

/// Whether Chromium's sandbox is on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sandbox {
    /// As Chromium means it to be. Refused for root, for whom it can't work.
    On,
    /// `--no-sandbox`.
    Off,
}

/// The program that becomes the keeper: `program args… RUN`.
#[derive(Clone, Debug)]
pub struct KeeperProgram {
    /// The program, usually this one.
    pub program: PathBuf,
    /// The arguments before the run folder, usually `keeper`.
    pub args: Vec<OsString>,
}

/// What to launch, and where.
#[derive(Clone, Debug)]
pub struct LaunchSpec {
    /// The browser's id.
    pub browser: BrowserId,
    /// The run folder, `run/<browser>/`; made with mode 0700 if it isn't there.
    pub run: PathBuf,
    /// Chromium, as found by [`crate::find`].
    pub program: PathBuf,
    /// The profile's folder; for an unnamed browser `run/<browser>/profile`.
    pub user_data_dir: PathBuf,
    /// Without a window.
    pub headless: bool,
    /// Whether Chromium's sandbox is on.
    pub sandbox: Sandbox,
    /// The user's own flags; lists of features are merged with ours.
    pub extra_args: Vec<String>,
    /// Flags for the network guard.
    pub guard: bool,
    /// How long, in awake time, the browser lives without a daemon; `None` for ever.
    pub orphan_timeout: Option<Duration>,
    /// The program that becomes the keeper.
    pub keeper: KeeperProgram,
}

/// Starts a keeper, has it start the browser, and waits until the browser answers.
///
/// # Errors
/// Every failure says what the browser last wrote to its standard error. Nothing that was
/// started is left running.
///
/// # Cancel safety
/// If it is dropped, the keeper ends its browser and then itself.
pub async fn launch(
    ctx: &Ctx,
    spec: &LaunchSpec,
    hello: &Hello,
    tasks: &Tasks,
) -> Result<(Link, Welcome), Error> {
    let _later = (ctx, spec, hello, tasks);
    Err(Error::LinkClosed)
}
