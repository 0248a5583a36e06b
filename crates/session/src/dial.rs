//! Finding a browser again whose link dropped, or that stopped answering.

use std::sync::Arc;
use std::time::Duration;

use base::{Backoff, BrowserId, Ctx, TabId};
use cdp::protocol::browser as wire;
use chrome::{ExitCause, ExitRecord, Identity};
use page::PageOptions;
use store::TabRow;
use tokio::sync::mpsc;

use crate::Error;
use crate::adopt::{Adopted, adopt};
use crate::cause::Cause;
use crate::deps::Deps;
use crate::live::{FromLink, Live};
use crate::state::LinkId;

/// How long one try may take.
pub(crate) const ONE_TRY: Duration = Duration::from_secs(10);
/// How long one sign of life is waited for.
pub(crate) const ONE_PROBE: Duration = Duration::from_secs(2);
/// The pause after the first try, and the longest one.
pub(crate) const FIRST_PAUSE: Duration = Duration::from_millis(100);
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What came of it.
pub(crate) enum Dialed {
    /// The link is the old one, and answers.
    Answers,
    /// There is a new link to the same browser.
    Again(Box<Adopted>),
    /// The browser is gone.
    Gone(Cause),
    /// The time is spent; the browser lives and doesn't answer.
    Spent,
}

/// What is dialled.
pub(crate) struct Number {
    /// The browser.
    pub browser: BrowserId,
    /// Its processes.
    pub identity: Identity,
    /// The link that dropped, if this daemon had one.
    pub live: Option<Arc<Live>>,
    /// The session's tabs as they are stored.
    pub known: Vec<TabRow>,
    /// The link the session waits for.
    pub link: LinkId,
}

/// Tries with growing pauses until the browser answers, is gone, or the call ends.
///
/// # Cancel safety
/// Yes: the browser stays as it is.
pub(crate) async fn dial(
    ctx: &Ctx,
    deps: &Deps,
    number: Number,
    options: impl Fn(TabId) -> PageOptions,
    news: &mpsc::Sender<FromLink>,
) -> Dialed {
    let mut pauses = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
    if let Some(live) = &number.live {
        while live.connection.is_lost().is_none() {
            let step = ctx.at_most(ONE_PROBE);
            if live
                .connection
                .root()
                .call(&step, &wire::GetVersion {})
                .await
                .is_ok()
            {
                return Dialed::Answers;
            }
            if ctx.remaining().is_zero() || ctx.cancel.is_cancelled() {
                return Dialed::Spent;
            }
        }
    }
    for pause in &mut pauses {
        let step = ctx.at_most(ONE_TRY);
        let identity = &number.identity;
        match adopt(&step, deps, &number, &options, news).await {
            Ok(adopted) => return Dialed::Again(Box::new(adopted)),
            Err(Error::Chrome(err)) => match &*err {
                chrome::Error::Ended(record) => return Dialed::Gone(cause_of(record)),
                chrome::Error::OtherBrowser | chrome::Error::WrongNonce => {
                    return Dialed::Gone(Cause::DaemonRestarted);
                }
                _ if !chrome::process::is_running(identity.keeper_pid, identity.keeper_start) => {
                    return Dialed::Gone(Cause::KeeperGone);
                }
                err => tracing::debug!(%err, "the keeper can't be reached yet"),
            },
            Err(err) => tracing::debug!(%err, "the browser can't be taken over yet"),
        }
        if ctx.pause(pause).await.is_err() {
            return Dialed::Spent;
        }
    }
    Dialed::Spent
}

/// Returns why a browser that left this record is gone.
pub(crate) const fn cause_of(record: &ExitRecord) -> Cause {
    if record.oom {
        return Cause::OutOfMemory;
    }
    match record.cause {
        ExitCause::Signalled { signal } if is_crash(signal) => Cause::Crashed,
        ExitCause::Signalled { .. } | ExitCause::BufferFull => Cause::Killed,
        ExitCause::Exited { .. }
        | ExitCause::OrphanTimeout
        | ExitCause::Stopped
        | ExitCause::LaunchFailed { .. } => Cause::Exited,
    }
}

/// Tells whether a process dies of this signal by its own fault.
const fn is_crash(signal: i32) -> bool {
    use signals::{ABRT, BUS, FPE, ILL, SEGV, SYS, TRAP};
    matches!(signal, ILL | TRAP | ABRT | BUS | FPE | SEGV | SYS)
}

/// The numbers that Linux and macOS share, but for `BUS` and `SYS`.
mod signals {
    pub(super) const ILL: i32 = 4;
    pub(super) const TRAP: i32 = 5;
    pub(super) const ABRT: i32 = 6;
    pub(super) const FPE: i32 = 8;
    pub(super) const SEGV: i32 = 11;
    #[cfg(target_os = "linux")]
    pub(super) const BUS: i32 = 7;
    #[cfg(not(target_os = "linux"))]
    pub(super) const BUS: i32 = 10;
    #[cfg(target_os = "linux")]
    pub(super) const SYS: i32 = 31;
    #[cfg(not(target_os = "linux"))]
    pub(super) const SYS: i32 = 12;
}
