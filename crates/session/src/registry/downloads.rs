//! What a session's pages have downloaded: listed, read, ended, removed.

use std::path::PathBuf;

use base::{Ctx, SessionId, SessionName};

use super::Sessions;
use crate::Error;
use crate::command::{AskDownload, Command};
use crate::downloads::{self, Download, DownloadState};
use crate::summary::Summary;

/// The most of a file that one call reads.
pub const MOST_READ: u64 = 4 << 20;

/// A part of a download's file.
#[derive(Clone)]
pub struct DownloadRead {
    /// What is known of it.
    pub download: Download,
    /// Its file.
    pub path: PathBuf,
    /// The bytes that were asked for.
    pub data: Vec<u8>,
}

impl Sessions {
    /// Returns a session's downloads, oldest first.
    ///
    /// # Errors
    /// Those of finding the session and of the store; [`Error::NotOfAttached`].
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn downloads(
        &self,
        ctx: &Ctx,
        who: &SessionName,
    ) -> Result<(Summary, Vec<Download>), Error> {
        self.ask_download(ctx, who, AskDownload::List).await
    }

    /// Returns a download and reads a part of its file: up to `limit` bytes, and never more
    /// than [`MOST_READ`].
    ///
    /// # Errors
    /// [`Error::DownloadNotFound`], [`Error::DownloadIncomplete`] if it isn't whole,
    /// [`Error::DownloadFile`] if its file isn't what it was, and those of
    /// [`Sessions::downloads`].
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn read_download(
        &self,
        ctx: &Ctx,
        who: &SessionName,
        number: u32,
        (offset, limit): (u64, u64),
    ) -> Result<(Summary, DownloadRead), Error> {
        let (summary, all) = self.downloads(ctx, who).await?;
        let download = of_number(all, number)?;
        if download.state != DownloadState::Completed {
            return Err(downloads::incomplete(&download));
        }
        let path = downloads::of_session(&self.deps().config.home, summary.id);
        let path = path.join(&download.name);
        let (file, bytes) = (path.clone(), download.bytes);
        let read = move || downloads::read(&file, bytes, offset, limit.min(MOST_READ));
        let read = ctx.race(self.deps().tasks.blocking(read)).await;
        let read = read.map_err(Error::not_sent)?;
        let read = read.map_err(|_| Error::TaskEnded)?;
        let data = read.map_err(|err| Error::DownloadFile {
            number,
            reason: err.to_string(),
        })?;
        let read = DownloadRead {
            download,
            path,
            data,
        };
        Ok((summary, read))
    }

    /// Ends a download that is under way. One that has ended stays as it is.
    ///
    /// # Errors
    /// [`Error::DownloadNotFound`] and those of [`Sessions::downloads`].
    ///
    /// # Cancel safety
    /// It may be ended all the same.
    pub async fn cancel_download(
        &self,
        ctx: &Ctx,
        who: &SessionName,
        number: u32,
    ) -> Result<(Summary, Download), Error> {
        self.refuse_if_stopping()?;
        let ask = AskDownload::Cancel(number);
        let (summary, all) = self.ask_download(ctx, who, ask).await?;
        Ok((summary, of_number(all, number)?))
    }

    /// Removes a download that is not under way, with its file.
    ///
    /// # Errors
    /// [`Error::DownloadNotFound`], [`Error::InvalidArgument`] if it is under way,
    /// [`Error::DownloadFile`] if its file can't be removed, and those of
    /// [`Sessions::downloads`].
    ///
    /// # Cancel safety
    /// It may be removed all the same.
    pub async fn delete_download(
        &self,
        ctx: &Ctx,
        who: &SessionName,
        number: u32,
    ) -> Result<Summary, Error> {
        self.refuse_if_stopping()?;
        let ask = AskDownload::Delete(number);
        Ok(self.ask_download(ctx, who, ask).await?.0)
    }

    /// Returns where a download's file is, once it is whole.
    #[must_use]
    pub fn download_path(&self, session: SessionId, download: &Download) -> Option<PathBuf> {
        let folder = downloads::of_session(&self.deps().config.home, session);
        let is_whole = download.state == DownloadState::Completed;
        is_whole.then(|| folder.join(&download.name))
    }

    /// Removes the folders of downloads whose sessions are closed or gone.
    pub(super) async fn sweep_downloads(&self) {
        let folder = self.deps().config.home.join("downloads");
        let tasks = &self.deps().tasks;
        let list = move || -> Vec<SessionId> {
            let folders = std::fs::read_dir(folder).into_iter().flatten().flatten();
            let names = folders.filter_map(|entry| entry.file_name().into_string().ok());
            // What has another name isn't ours.
            names.filter_map(|name| name.parse().ok()).collect()
        };
        for session in tasks.blocking(list).await.unwrap_or_default() {
            if self.live_handle(session).is_some() {
                continue;
            }
            let row = self.deps().store.sessions().get(session).await;
            // One whose row can't be read keeps what it has.
            let Ok(row) = row else { continue };
            if row.is_some_and(|row| !row.is_closed()) || self.live_handle(session).is_some() {
                continue;
            }
            let folder = downloads::of_session(&self.deps().config.home, session);
            let removed = tasks.blocking(move || downloads::remove_all(&folder)).await;
            if let Ok(Err(err)) = removed {
                tracing::warn!(%session, %err, "downloads of a closed session were not removed");
            }
        }
    }

    async fn ask_download(
        &self,
        ctx: &Ctx,
        who: &SessionName,
        ask: AskDownload,
    ) -> Result<(Summary, Vec<Download>), Error> {
        let handle = self.find(who).await?;
        let ask = |reply| Command::Download { ask, reply };
        let all = handle.ask(ctx, ask).await??;
        Ok((handle.summary(), all))
    }
}

fn of_number(all: Vec<Download>, number: u32) -> Result<Download, Error> {
    let found = all.into_iter().find(|it| it.number == number);
    found.ok_or(Error::DownloadNotFound { number })
}
