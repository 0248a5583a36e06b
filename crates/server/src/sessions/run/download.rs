//! Operations: what a session's pages have downloaded.

use api::{
    ApiError, CancelDownload, DeleteDownload, Download, DownloadContent, DownloadDeleted,
    Downloads, GetDownload, InTab, ListDownloads, WaitFor, Waited,
};
use base::{Ctx, SessionId};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use session::{Act, MOST_READ, Outcome};

use super::{Run, other_outcome, session_name};
use crate::sessions::OnSessions;
use crate::sessions::failure::failure;
use crate::sessions::wire::{self, Frame, framed};

/// What is shown of a file whose content nobody has put a limit to: a larger one would be a bill.
const SMALL: u64 = 16 << 10;
/// The fields of a download that a site wrote.
const FROM_SITE: [&str; 6] = ["name", "url", "mime_type", "path", "text", "data"];

impl OnSessions {
    fn show_download(&self, session: SessionId, download: &session::Download) -> Download {
        let path = self.sessions.download_path(session, download);
        wire::download(download, path.as_deref())
    }

    /// `wait_for` with a download.
    pub(super) async fn wait_download(
        &self,
        ctx: &Ctx,
        input: WaitFor,
    ) -> Result<InTab<Waited>, ApiError> {
        let alone = WaitFor {
            session_id: input.session_id.clone(),
            tab_id: input.tab_id.clone(),
            download: input.download.clone(),
            ms: input.ms,
            timeout_ms: input.timeout_ms,
            ..WaitFor::default()
        };
        if alone != input {
            let error = ApiError::invalid("`download` is a condition, and there is another one");
            return Err(error.hint("Wait for one after the other."));
        }
        let limit = input.timeout_ms.or(input.ms);
        let limit = limit.map(std::time::Duration::from_millis);
        let ctx = limit.map_or_else(|| ctx.clone(), |limit| ctx.at_most(limit));
        let act = Act::WaitDownload(input.download.unwrap_or_default());
        let tab = input.tab_id.as_deref();
        let acted = self.act(&ctx, &input.session_id, tab, act).await?;
        let frame = Frame::of(&acted);
        let Outcome::Downloaded(found) = acted.outcome else {
            return Err(other_outcome());
        };
        let who = base::SessionName::Id(acted.session);
        let summary = self.sessions.get(&who).await.map_err(|err| failure(&err))?;
        let fields = Waited {
            url: summary.url.into_exposed(),
            title: summary.title.into_exposed(),
            download: Some(self.show_download(acted.session, &found)),
        };
        Ok(framed(&frame, fields, &["url", "title", "download"]))
    }
}

impl Run<ListDownloads> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: ListDownloads) -> Result<InTab<Downloads>, ApiError> {
        let who = session_name(&input.session_id)?;
        let listed = self.sessions.downloads(ctx, &who).await;
        let (summary, all) = listed.map_err(|err| failure(&err))?;
        let show = |it| self.show_download(summary.id, it);
        let downloads = all.iter().map(show).collect();
        let fields = Downloads { downloads };
        Ok(framed(&Frame::about(&summary), fields, &["downloads"]))
    }
}

impl Run<GetDownload> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: GetDownload) -> Result<InTab<DownloadContent>, ApiError> {
        let as_text = match input.format.as_deref() {
            None => None,
            Some("text") => Some(true),
            Some("base64") => Some(false),
            Some(_) => return Err(ApiError::invalid("`format` is text or base64")),
        };
        let (who, number) = (
            session_name(&input.session_id)?,
            number(&input.download_id)?,
        );
        let offset = input.offset.unwrap_or(0);
        // One more than is shown tells whether that is all.
        let limit = input.limit.unwrap_or(SMALL + 1).min(MOST_READ);
        let read = self
            .sessions
            .read_download(ctx, &who, number, (offset, limit));
        let (summary, read) = read.await.map_err(|err| failure(&err))?;
        let download = self.show_download(summary.id, &read.download);
        let end = offset.saturating_add(read.data.len() as u64);
        let mut fields = DownloadContent {
            next_offset: (end < read.download.bytes).then_some(end),
            download,
            text: None,
            data: None,
        };
        if input.limit.is_none() && SMALL < read.data.len() as u64 {
            fields.next_offset = Some(offset);
        } else {
            match (as_text, String::from_utf8(read.data)) {
                (None | Some(true), Ok(text)) if as_text.is_some() || !text.contains('\0') => {
                    fields.text = Some(text);
                }
                (Some(true), Err(_)) => {
                    let error = ApiError::invalid("`format`: these bytes are no text in UTF-8");
                    return Err(error.hint("Ask for base64, or take the file from its path."));
                }
                (_, Ok(text)) => fields.data = Some(BASE64_STANDARD.encode(text)),
                (_, Err(err)) => fields.data = Some(BASE64_STANDARD.encode(err.as_bytes())),
            }
        }
        Ok(framed(&Frame::about(&summary), fields, &FROM_SITE))
    }
}

impl Run<CancelDownload> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: CancelDownload) -> Result<InTab<Download>, ApiError> {
        let (who, number) = (
            session_name(&input.session_id)?,
            number(&input.download_id)?,
        );
        let canceled = self.sessions.cancel_download(ctx, &who, number).await;
        let (summary, download) = canceled.map_err(|err| failure(&err))?;
        let fields = self.show_download(summary.id, &download);
        Ok(framed(&Frame::about(&summary), fields, &FROM_SITE[..4]))
    }
}

impl Run<DeleteDownload> for OnSessions {
    async fn run(
        &self,
        ctx: &Ctx,
        input: DeleteDownload,
    ) -> Result<InTab<DownloadDeleted>, ApiError> {
        let (who, number) = (
            session_name(&input.session_id)?,
            number(&input.download_id)?,
        );
        let deleted = self.sessions.delete_download(ctx, &who, number).await;
        let summary = deleted.map_err(|err| failure(&err))?;
        let fields = DownloadDeleted { deleted: true };
        Ok(framed(&Frame::about(&summary), fields, &[]))
    }
}

fn number(id: &str) -> Result<u32, ApiError> {
    session::Download::parse_id(id)
        .ok_or_else(|| ApiError::invalid("`download_id`: not an id such as d1"))
}
