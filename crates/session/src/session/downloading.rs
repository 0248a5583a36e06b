//! What a session's pages have downloaded: heard, stored, told, then acted on.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base::{Ctx, Part, StateName, TabId, TaskKind};
use cdp::protocol::browser as wire;
use tokio::sync::oneshot;

use super::done::Done;
use super::{Session, own};
use crate::Error;
use crate::command::AskDownload;
use crate::downloads::{
    self, Beginning, Download, Found, Going, Held, Inbox, Moved, NotMoved, Said, Saying, Then,
};
use crate::live::Live;
use crate::state::LinkId;

/// How long a browser may take to end a download.
const CANCEL_LIMIT: Duration = Duration::from_secs(5);

/// Who waits for the downloads.
pub(super) type Asking = oneshot::Sender<Result<Vec<Download>, Error>>;

/// A session's downloads, and who waits for what is done with them.
#[derive(Default)]
pub(super) struct Downloading {
    held: Held,
    /// Why they could not be read.
    unread: Option<Error>,
    /// The folder of a closed session is gone.
    cleared: bool,
    /// One ended with its browser, and no recovery has told of it.
    cut_off: bool,
    /// The link over which the browser was last told where to write.
    linked: Option<LinkId>,
    /// Who waits for one to be removed.
    removing: Vec<(u32, Asking)>,
}

/// What came of work on the files of downloads.
pub(super) enum FileDone {
    /// One got its place, or didn't.
    Placed(u32, Result<Moved, NotMoved>),
    /// One is removed, or isn't.
    Removed(u32, Result<(), Error>),
    /// What an ended browser left was looked at.
    Swept(String, Vec<(u32, Result<Moved, NotMoved>)>),
    /// What a running one has written was looked at.
    Seen {
        live: Arc<Live>,
        found: Vec<(u32, Found)>,
        strange: Vec<String>,
    },
    /// One was ended in its browser, or wasn't.
    Canceled {
        number: u32,
        result: Result<(), Error>,
        reply: Asking,
    },
    /// Nothing is to be told of it.
    Nothing,
}

/// Waits until a browser says something of downloads; for ever if there is none.
pub(super) async fn said(inbox: Option<&Inbox>) {
    match inbox {
        Some(inbox) => inbox.raised().await,
        None => std::future::pending().await,
    }
}

impl Session {
    fn downloads_folder(&self) -> PathBuf {
        downloads::of_session(&self.deps.config.home, self.row.id)
    }

    pub(super) async fn load_downloads(&mut self) {
        match self.deps.store.downloads().list(self.row.id).await {
            Ok(listed) => {
                self.downloading.unread = None;
                for damaged in listed.damaged {
                    tracing::error!(number = %damaged.id, reason = %damaged.reason, "a download's row is damaged");
                }
                let unread = self.downloading.held.load(&listed.rows);
                if !unread.is_empty() {
                    tracing::error!(?unread, "rows of downloads can't be read");
                }
            }
            Err(err) => {
                tracing::error!(%err, "the session's downloads can't be read");
                self.downloading.unread = Some(err.into());
            }
        }
    }

    /// Returns where the words of the session's browser about downloads wait.
    pub(super) fn inbox(&self) -> Option<Inbox> {
        // What isn't read is not known, and would be written over.
        let live = self.live.as_ref();
        let live = live.filter(|_| self.downloading.unread.is_none());
        live.map(|live| live.downloads.clone())
    }

    /// Takes what the browser said.
    pub(super) fn on_downloads(&mut self) {
        let Some(live) = self.live.clone() else {
            return;
        };
        let (said, missed) = live.downloads.take();
        for said in said {
            match said {
                Said::Begins {
                    guid,
                    url,
                    name,
                    frame,
                } => {
                    let tab = self.tab_of_frame(&frame);
                    let beginning = Beginning {
                        guid,
                        url,
                        name,
                        tab,
                    };
                    self.say(&live, |held, by| held.begins(by, beginning));
                }
                Said::Goes {
                    guid,
                    bytes,
                    total,
                    ended,
                } => {
                    let going = Going {
                        bytes,
                        total,
                        ended,
                    };
                    self.say(&live, |held, by| held.goes(by, &guid, going));
                }
            }
        }
        if missed {
            tracing::warn!("what the browser said of downloads was lost");
            self.look_for_downloads(&live);
        }
    }

    fn say(&mut self, live: &Live, said: impl FnOnce(&mut Held, Saying<'_>)) {
        let config = &self.deps.config;
        let free = base::free_space(&config.home).map(|free| free.0);
        let by = Saying {
            browser: live.id,
            limits: &config.downloads,
            free,
            now: self.deps.clock.wall().as_millisecond(),
        };
        said(&mut self.downloading.held, by);
    }

    /// Returns the tab whose main frame this is.
    fn tab_of_frame(&self, frame: &str) -> Option<TabId> {
        let all = self.tabs.all().into_iter();
        // A main frame is called as its target is (Chromium 156).
        let mut of_frame = all.filter(|(_, tab)| tab.target == frame);
        of_frame.next().map(|(id, _)| id)
    }

    /// Looks at the files of what is under way: its end may have gone unheard.
    pub(super) fn look_for_downloads(&mut self, live: &Arc<Live>) {
        if live.is_attached() {
            return;
        }
        let under_way = self.downloading.held.under_way(live.id);
        let (folder, live) = (self.downloads_folder(), Arc::clone(live));
        let (deps, session) = (Arc::clone(&self.deps), self.row.id);
        self.spawn_work(TaskKind::PageWork, async move {
            // A daemon of an earlier version may not have said where to write.
            if let Err(err) = downloads::prepare(&own(CANCEL_LIMIT), &deps, &live, session).await {
                tracing::debug!(%err, "the browser could not be told where downloads go");
            }
            let browser = live.id.to_string();
            let look = move || downloads::look(&folder, &browser, &under_way);
            let done = match deps.tasks.blocking(look).await {
                Ok((found, strange)) => FileDone::Seen {
                    live,
                    found,
                    strange,
                },
                Err(_) => FileDone::Nothing,
            };
            Done::OfFile(done)
        });
    }

    /// A call begins that may start a download.
    pub(super) const fn note_act(&mut self) {
        self.downloading.held.acts();
    }

    /// Returns what no answer has told of the downloads.
    pub(super) fn news_of_downloads(&mut self) -> Vec<Download> {
        let stored = self.downloads.now();
        self.downloading.held.news(&stored.all)
    }

    /// A wait was answered with a download.
    pub(super) fn note_awaited(&mut self, number: u32) {
        self.downloading.held.awaited(number);
    }

    /// Returns what a loss took, without the downloads if none was under way.
    pub(super) fn lost_with_downloads(&mut self, mut lost: Vec<Part>) -> Vec<Part> {
        let browser = self.live.as_ref().map(|live| live.id);
        let left = self.downloading.held.has_under_way_beside(browser);
        let cut_off = std::mem::take(&mut self.downloading.cut_off) || left;
        let known = !self.is_attached() && self.downloading.unread.is_none();
        if known && !cut_off {
            lost.retain(|part| *part != Part::Downloads);
        }
        lost
    }

    pub(super) fn ask_download(&mut self, ask: AskDownload, reply: Asking) {
        let refused = match (&self.downloading.unread, self.is_attached()) {
            (_, true) => Some(Error::NotOfAttached {
                what: "a folder of downloads",
            }),
            (Some(err), _) => Some(err.clone()),
            (None, false) => None,
        };
        if let Some(refused) = refused {
            self.reply(reply, Err(refused));
            return;
        }
        match ask {
            AskDownload::List => {
                if let Some(live) = self
                    .live
                    .clone()
                    .filter(|_| self.downloading.held.has_under_way())
                {
                    self.look_for_downloads(&live);
                }
                self.reply_downloads(reply);
            }
            AskDownload::Cancel(number) => self.cancel_download(number, reply),
            AskDownload::Delete(number) => self.delete_download(number, reply),
        }
    }

    fn reply_downloads(&mut self, reply: Asking) {
        let downloads = self.downloads.clone();
        // What is so is stored, and told, before anybody is answered.
        self.replies.push(Box::new(move || {
            if reply.send(Ok(downloads.now().all.clone())).is_err() {
                tracing::debug!("a caller left before its answer came");
            }
        }));
    }

    fn cancel_download(&mut self, number: u32, reply: Asking) {
        let Some(download) = self.downloading.held.get(number).cloned() else {
            self.reply(reply, Err(Error::DownloadNotFound { number }));
            return;
        };
        let live = self.live.clone().filter(|_| download.is_under_way());
        let Some(live) = live else {
            // It has ended, or will be told as ended: nothing goes on.
            self.reply_downloads(reply);
            return;
        };
        self.downloading.held.unwanted(number, true);
        self.spawn_work(TaskKind::PageWork, async move {
            let result = cancel(&live, &download.guid).await;
            Done::OfFile(FileDone::Canceled {
                number,
                result,
                reply,
            })
        });
    }

    fn delete_download(&mut self, number: u32, reply: Asking) {
        match self.downloading.held.get(number) {
            None => self.reply(reply, Err(Error::DownloadNotFound { number })),
            Some(download) if download.is_under_way() => {
                let refused = Error::InvalidArgument {
                    argument: "download_id",
                    reason: "the download is under way: cancel_download ends it".to_owned(),
                };
                self.reply(reply, Err(refused));
            }
            Some(_) => {
                self.downloading.removing.push((number, reply));
                self.downloading.held.remove(number);
            }
        }
    }

    pub(super) fn on_file_done(&mut self, done: FileDone) {
        let now = self.deps.clock.wall().as_millisecond();
        match done {
            FileDone::Placed(number, result) => {
                self.note_mime_type(number);
                self.downloading.held.placed(number, result, now);
            }
            FileDone::Removed(number, result) => self.on_removed(number, result),
            FileDone::Swept(browser, saved) => {
                self.downloading.cut_off |=
                    !self.is_alive() && saved.iter().any(|(_, saved)| saved.is_err());
                self.downloading.held.swept(&browser, saved, now);
            }
            FileDone::Seen {
                live,
                found,
                strange,
            } => self.say(&live, |held, by| held.seen(by, found, strange)),
            FileDone::Canceled {
                number,
                result,
                reply,
            } => match result {
                Ok(()) => {
                    self.downloading.held.canceled(number, now);
                    self.reply_downloads(reply);
                }
                // With its browser gone it ends, too.
                Err(err) if err.is_loss() => self.reply_downloads(reply),
                Err(err) => {
                    self.downloading.held.unwanted(number, false);
                    self.reply(reply, Err(err));
                }
            },
            FileDone::Nothing => {}
        }
    }

    fn on_removed(&mut self, number: u32, result: Result<(), Error>) {
        let waiting = std::mem::take(&mut self.downloading.removing);
        let (of_it, others) = waiting.into_iter().partition(|(of, _)| *of == number);
        self.downloading.removing = others;
        let of_it: Vec<(u32, Asking)> = of_it;
        if result.is_ok() {
            self.downloading.held.removed(number);
        }
        for (_, reply) in of_it {
            match &result {
                Ok(()) => self.reply_downloads(reply),
                Err(err) => self.reply(reply, Err(err.clone())),
            }
        }
    }

    /// Takes from the network's records what the server said the file is.
    fn note_mime_type(&mut self, number: u32) {
        let Some(download) = self.downloading.held.get(number) else {
            return;
        };
        let url = download.url.clone();
        let of_data = url.strip_prefix("data:").map(|rest| {
            let end = rest.find([',', ';']).unwrap_or(0);
            rest[..end].to_owned()
        });
        let mime_type = of_data.or_else(|| self.records.mime_type_of(&url));
        if let Some(mime_type) = mime_type {
            self.downloading.held.is_of_type(number, mime_type);
        }
    }

    /// Stores what was decided about downloads, tells it, and does what follows.
    pub(super) async fn settle_downloads(&mut self) {
        if self.downloading.unread.is_some() {
            self.load_downloads().await;
        }
        if self.downloading.unread.is_some() {
            return;
        }
        self.look_at_new_link();
        self.clear_if_closed().await;
        self.sweep_ended_browsers();
        if let Some((rows, gone)) = self.downloading.held.unstored() {
            let table = self.deps.store.downloads();
            if let Err(err) = table.change(self.row.id, &rows, &gone).await {
                // Kept in memory and tried again; until then nobody is told.
                tracing::error!(%err, "downloads could not be stored");
                // What is to end ends all the same: it may be what fills the disk.
                for then in self.downloading.held.ends() {
                    self.do_then(then);
                }
                return;
            }
            self.downloading.held.stored();
        }
        if let Some(published) = self.downloading.held.told() {
            self.downloads.publish(published);
        }
        for then in self.downloading.held.then() {
            self.do_then(then);
        }
    }

    fn do_then(&mut self, then: Then) {
        let (folder, tasks) = (self.downloads_folder(), self.deps.tasks.clone());
        let live = self.live.clone();
        self.spawn_work(TaskKind::Background, async move {
            Done::OfFile(match then {
                Then::Place(download) => {
                    let number = download.number;
                    let place = move || downloads::move_into_place(&folder, &download);
                    let placed = tasks.blocking(place).await;
                    let broken = |_| Err(NotMoved::Failed("its work broke off".to_owned()));
                    FileDone::Placed(number, placed.unwrap_or_else(broken))
                }
                Then::Remove(download) => {
                    let number = download.number;
                    let file = folder.join(&download.name);
                    let is_whole = download.has_file();
                    let remove = move || match is_whole {
                        true => downloads::remove(&file),
                        false => Ok(()),
                    };
                    let removed = match tasks.blocking(remove).await {
                        Ok(Ok(())) => Ok(()),
                        Ok(Err(err)) => Err(Error::DownloadFile {
                            number,
                            reason: err.to_string(),
                        }),
                        Err(_) => Err(Error::TaskEnded),
                    };
                    FileDone::Removed(number, removed)
                }
                Then::Cancel(download) => {
                    let of_it = |live: &Arc<Live>| live.id.to_string() == download.browser;
                    if let Some(live) = live.filter(of_it)
                        && let Err(err) = cancel(&live, &download.guid).await
                    {
                        tracing::warn!(%err, download = download.number, "a download could not be ended");
                    }
                    discard(&tasks, folder, download).await
                }
                Then::Discard(download) => discard(&tasks, folder, download).await,
            })
        });
    }

    /// What was said while there was no link, or got lost with it, is seen by the files.
    fn look_at_new_link(&mut self) {
        let Some(live) = self.live.clone() else {
            return;
        };
        let link = Some(live.link);
        if std::mem::replace(&mut self.downloading.linked, link) != link {
            self.look_for_downloads(&live);
        }
    }

    /// What a browser had under way that is the session's no more has ended with it.
    fn sweep_ended_browsers(&mut self) {
        // One that is being ended may yet write.
        if 0 < self.stops || !self.downloading.held.has_under_way() {
            return;
        }
        let claimed = self.claimed.as_ref().map(|(browser, _)| browser.id);
        let current = self.live.as_ref().map(|live| live.id).or(claimed);
        for (browser, under_way) in self.downloading.held.of_ended(current) {
            let (folder, tasks) = (self.downloads_folder(), self.deps.tasks.clone());
            self.spawn_work(TaskKind::Background, async move {
                let of = browser.clone();
                let rescue = move || downloads::rescue(&folder, &of, &under_way);
                let saved = tasks.blocking(rescue).await.unwrap_or_default();
                Done::OfFile(FileDone::Swept(browser, saved))
            });
        }
    }

    /// A closed session has no downloads.
    async fn clear_if_closed(&mut self) {
        let is_closed = self.state.name() == StateName::Closed;
        if !is_closed || 0 < self.stops || self.live.is_some() {
            // A browser that is being launched or ended makes a folder, too.
            self.downloading.cleared = false;
            return;
        }
        if self.downloading.cleared {
            return;
        }
        self.downloading.cleared = true;
        if !self.downloading.held.is_empty() {
            self.downloading.held.clear();
        }
        let folder = self.downloads_folder();
        let removed = self
            .deps
            .tasks
            .blocking(move || downloads::remove_all(&folder));
        if let Ok(Err(err)) = removed.await {
            tracing::error!(%err, "the session's downloads could not be removed");
        }
        for (_, reply) in std::mem::take(&mut self.downloading.removing) {
            self.reply_downloads(reply);
        }
    }
}

async fn cancel(live: &Live, guid: &str) -> Result<(), Error> {
    let ctx: Ctx = own(CANCEL_LIMIT);
    let cancel = wire::CancelDownload {
        guid: guid.to_owned(),
        ..Default::default()
    };
    match live.connection.root().call(&ctx, &cancel).await {
        Ok(_) => Ok(()),
        // It knows of no such download: that one goes on no more.
        Err(cdp::Error::Protocol { .. }) => Ok(()),
        Err(err) => Err(err.into()),
    }
}

async fn discard(tasks: &base::Tasks, folder: PathBuf, download: Download) -> FileDone {
    let discard = move || downloads::discard(&folder, &download.browser, &download.guid);
    if tasks.blocking(discard).await.is_err() {
        tracing::warn!("what is left of a download was not removed");
    }
    FileDone::Nothing
}
