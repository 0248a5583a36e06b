//! Downloads: files that a session's pages had downloaded, in a folder of the session's own.
//!
//! ```text
//! $BROWSERD_HOME/downloads/<session>/          0700
//!   report.pdf                                 0600, whole, under a name of ours
//!   .incoming/<browser>/<guid>[.crdownload]    what a browser writes, under Chromium's id
//!
//! browser ─▶ Inbox ─▶ Held (what is so) ─▶ store ─▶ published ─▶ list, wait, next answer
//!                       └─▶ cancel in the browser, move a whole file into its place
//! ```
//!
//! A browser writes under its own id, so no name of a site's leads anywhere, and a file gets
//! its name when it is whole: what has a name in the folder is never half. The name is chosen
//! and stored when the download begins, so a crash between the move and its record is told from
//! a file that isn't there. What is under way when its browser ends is interrupted.

mod folder;
mod held;
mod inbox;
mod name;
mod row;
mod wanted;

use std::sync::Arc;

use base::{Ctx, SessionId};
use cdp::protocol::browser as wire;
use tokio::sync::watch;

use crate::Error;
use crate::deps::Deps;
use crate::live::Live;

pub(crate) use folder::{Found, Moved, NotMoved};
pub(crate) use held::{Beginning, Going, Held, Saying, Then};
pub(crate) use inbox::{Inbox, Said};
pub use row::{Download, DownloadState};
pub(crate) use wanted::{Chosen, WantedDownload};

pub(crate) use folder::{
    discard, incoming, look, move_into_place, of_session, read, remove, remove_all, rescue,
};

/// The bounds of downloads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DownloadLimits {
    /// How large one file may be.
    pub file_bytes: u64,
    /// How large all of a session may be together.
    pub session_bytes: u64,
    /// How many files a session may have.
    pub count: usize,
    /// What stays free on the disk.
    pub free_bytes: u64,
}

impl Default for DownloadLimits {
    fn default() -> Self {
        Self {
            file_bytes: 256 << 20,
            session_bytes: 1 << 30,
            count: 100,
            free_bytes: 256 << 20,
        }
    }
}

/// A session's downloads as they are stored, for whoever asks or waits. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Downloads(watch::Sender<Arc<Published>>);

/// What is told of a session's downloads.
#[derive(Debug, Default)]
pub(crate) struct Published {
    /// All of them, oldest first.
    pub all: Vec<Download>,
    /// The newest one when the last call began that may start one.
    pub since: u32,
}

impl Downloads {
    /// Returns what is so.
    pub(crate) fn now(&self) -> Arc<Published> {
        Arc::clone(&self.0.borrow())
    }

    /// Tells what is so from now on. It is stored.
    pub(crate) fn publish(&self, published: Published) {
        self.0.send_replace(Arc::new(published));
    }

    /// Waits until a download is as wanted, and returns its number.
    ///
    /// # Errors
    /// [`Error::DownloadIncomplete`] if it ended otherwise, [`Error::NoDownload`] if there is
    /// none of that id or none came in time.
    ///
    /// # Cancel safety
    /// Yes.
    pub(crate) async fn wait(&self, ctx: &Ctx, wanted: &WantedDownload) -> Result<u32, Error> {
        let mut published = self.0.subscribe();
        loop {
            let chosen = wanted.choose(&published.borrow_and_update());
            match chosen {
                Chosen::Done(number) => return Ok(number),
                Chosen::Failed(download) => return Err(incomplete(&download)),
                Chosen::NoSuch(number) => return Err(Error::DownloadNotFound { number }),
                Chosen::Later(last) => {
                    let changed = ctx.race(published.changed()).await;
                    if !matches!(changed, Ok(Ok(()))) {
                        return Err(Error::NoDownload { last });
                    }
                }
            }
        }
    }

    /// Waits for one to begin that is newer than `after`.
    ///
    /// # Cancel safety
    /// Yes.
    pub(crate) async fn begins(&self, ctx: &Ctx, after: u32) -> Option<Download> {
        let mut published = self.0.subscribe();
        let newer = |published: &Arc<Published>| published.all.iter().any(|it| after < it.number);
        let came = ctx.race(published.wait_for(newer)).await.ok()?.ok()?;
        came.all.iter().find(|it| after < it.number).cloned()
    }

    /// Returns the newest one's number.
    pub(crate) fn newest(&self) -> u32 {
        self.now().all.last().map_or(0, |it| it.number)
    }
}

/// Returns what is said of a download that is no whole file.
pub(crate) fn incomplete(download: &Download) -> Error {
    Error::DownloadIncomplete {
        number: download.number,
        state: download.state,
        reason: download.reason.clone(),
    }
}

/// Has a browser put what is downloaded into the session's folder, and tell of it. Without a
/// folder nothing is downloaded.
///
/// # Errors
/// Those of the link.
///
/// # Cancel safety
/// Yes: prepare it again.
pub(crate) async fn prepare(
    ctx: &Ctx,
    deps: &Deps,
    live: &Live,
    session: SessionId,
) -> Result<(), Error> {
    if live.is_attached() {
        // Where its owner's files go is its owner's business.
        return Ok(());
    }
    let folder = incoming(&deps.config.home, session, live.id);
    let path = folder.to_string_lossy().into_owned();
    let made = deps.tasks.blocking(move || folder::make(&folder)).await;
    let made = matches!(made, Ok(Ok(())));
    if !made {
        tracing::error!("there is no folder for downloads; they are refused");
    }
    let behavior = wire::SetDownloadBehavior {
        behavior: if made {
            wire::SetDownloadBehaviorBehavior::AllowAndName
        } else {
            wire::SetDownloadBehaviorBehavior::Deny
        },
        download_path: made.then_some(path),
        events_enabled: Some(true),
        ..Default::default()
    };
    live.connection.root().call(ctx, &behavior).await?;
    Ok(())
}
