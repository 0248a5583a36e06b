//! What is so of a session's downloads, and what follows from what is said of them. No I/O.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use base::{BrowserId, TabId};
use store::DownloadRow;

use super::folder::{Found, Moved, NotMoved, is_plain};
use super::row::{Counter, Download, DownloadState};
use super::{DownloadLimits, Published, name};

/// How many that have no file are kept: the newest.
const MOST_ENDED: usize = 50;
/// How many ids of what is gone are known, so that a late word of it begins nothing.
const MOST_GONE: usize = 4096;
/// How long nothing may be seen of one after it began, in milliseconds.
const UNSEEN: i64 = 10_000;
/// How many an answer tells of.
const MOST_TOLD: usize = 5;

/// What has to be done, once what is so is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Then {
    /// End it in its browser, and remove what is there of it.
    Cancel(Download),
    /// Give its whole file its place.
    Place(Download),
    /// Remove what is there of it.
    Discard(Download),
    /// Remove its file, then forget it.
    Remove(Download),
}

/// Who says something of a download.
#[derive(Clone, Copy)]
pub(crate) struct Saying<'a> {
    /// The browser.
    pub browser: BrowserId,
    /// The bounds.
    pub limits: &'a DownloadLimits,
    /// How much is free on the disk.
    pub free: Option<u64>,
    /// Now, in milliseconds.
    pub now: i64,
}

/// What begins.
pub(crate) struct Beginning {
    pub guid: String,
    pub url: String,
    pub name: String,
    pub tab: Option<TabId>,
}

/// How one goes on.
#[derive(Clone, Copy)]
pub(crate) struct Going {
    pub bytes: u64,
    pub total: Option<u64>,
    /// How it ended, if it did: whole, or not.
    pub ended: Option<bool>,
}

/// A session's downloads.
#[derive(Default)]
pub(crate) struct Held {
    all: BTreeMap<u32, Download>,
    begun: u32,
    since: u32,
    /// What has to be stored.
    put: BTreeSet<u32>,
    gone: BTreeSet<u32>,
    counted: bool,
    /// What is only to be told.
    moved: bool,
    /// Those whose files are being placed or removed.
    placing: HashSet<u32>,
    removing: HashSet<u32>,
    /// Browsers whose leavings are being looked at.
    sweeping: HashSet<String>,
    ended_guids: HashSet<String>,
    /// Those that their browser is asked to end.
    unwanted: HashSet<u32>,
    then: Vec<Then>,
}

impl Held {
    /// Takes what was stored; returns the ids of rows that don't read back.
    pub(crate) fn load(&mut self, rows: &[DownloadRow]) -> Vec<u32> {
        let mut unread = vec![];
        for row in rows {
            if row.number == 0 {
                self.begun = Counter::of_row(row).begun;
                continue;
            }
            match Download::of_row(row) {
                Ok(download) => {
                    self.all.insert(row.number, download);
                }
                Err(_) => unread.push(row.number),
            }
        }
        let newest = rows.last().map_or(0, |row| row.number);
        self.begun = self.begun.max(newest);
        self.since = self.begun;
        self.moved = true;
        for download in self.all.values().filter(|it| it.is_removed()) {
            self.removing.insert(download.number);
            self.then.push(Then::Remove(download.clone()));
        }
        unread
    }

    /// Tells whether there is anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Tells whether one is under way.
    pub(crate) fn has_under_way(&self) -> bool {
        self.all.values().any(Download::is_under_way)
    }

    /// Tells whether one is under way in another browser than this.
    pub(crate) fn has_under_way_beside(&self, browser: Option<BrowserId>) -> bool {
        let browser = browser.map(|browser| browser.to_string());
        let mut under_way = self.all.values().filter(|it| it.is_under_way());
        under_way.any(|it| Some(&it.browser) != browser.as_ref())
    }

    pub(crate) fn get(&self, number: u32) -> Option<&Download> {
        self.all.get(&number).filter(|it| !it.is_removed())
    }

    /// A call begins that may start a download.
    pub(crate) const fn acts(&mut self) {
        if self.since != self.begun {
            self.since = self.begun;
            self.moved = true;
        }
    }

    /// A browser says that one begins.
    pub(crate) fn begins(&mut self, by: Saying<'_>, beginning: Beginning) {
        let Beginning {
            guid,
            url,
            name,
            tab,
        } = beginning;
        if !is_plain(&guid) || self.knows(&guid) {
            return;
        }
        self.begun += 1;
        self.counted = true;
        let number = self.begun;
        let plain = name::plain(&name);
        let download = Download {
            number,
            guid,
            browser: by.browser.to_string(),
            tab: tab.map(|tab| tab.0),
            url,
            name: self.free_name(number, &plain),
            began_at: by.now,
            ..Download::default()
        };
        self.all.insert(number, download);
        self.put.insert(number);
        let files = self.all.values().filter(|it| it.has_file()).count();
        let most = by.limits.count;
        let refused = (0 < most && most < files).then(|| {
            format!(
                "the session has {most} downloads already (downloads.max_count): delete_download makes room"
            )
        });
        if let Some(reason) = refused.or_else(|| self.over(number, by)) {
            self.cancel(number, by.now, reason);
        }
    }

    /// A browser says how one goes on.
    pub(crate) fn goes(&mut self, by: Saying<'_>, guid: &str, going: Going) {
        let Going {
            bytes,
            total,
            ended,
        } = going;
        if !self.knows(guid) && ended != Some(false) {
            // Its beginning was missed.
            let beginning = Beginning {
                guid: guid.to_owned(),
                url: String::new(),
                name: String::new(),
                tab: None,
            };
            self.begins(by, beginning);
        }
        let Some(download) = self.all.values_mut().find(|it| it.guid == guid) else {
            return;
        };
        let number = download.number;
        if !download.is_under_way() || self.placing.contains(&number) {
            return;
        }
        // One that ended without its file says that nothing is there.
        if ended != Some(false) {
            (download.bytes, download.total_bytes) = (bytes, total.or(download.total_bytes));
        }
        self.moved = true;
        if let Some(reason) = self.over(number, by).filter(|_| ended != Some(false)) {
            self.cancel(number, by.now, reason);
            return;
        }
        match ended {
            Some(true) => self.place(number),
            // Its end may be heard of before the answer to who asked for it.
            Some(false) if self.unwanted.contains(&number) => self.canceled(number, by.now),
            Some(false) => {
                let reason = "it was cut off: by its server, its page or the browser";
                self.end(
                    number,
                    DownloadState::Interrupted,
                    by.now,
                    reason.to_owned(),
                );
            }
            None => {}
        }
    }

    /// Says which mime type its server gave it.
    pub(crate) fn is_of_type(&mut self, number: u32, mime_type: String) {
        if let Some(download) = self.all.get_mut(&number)
            && download.mime_type.is_none()
            && !mime_type.is_empty()
        {
            download.mime_type = Some(mime_type);
            self.put.insert(number);
        }
    }

    /// Its file was given its place, or wasn't.
    pub(crate) fn placed(&mut self, number: u32, result: Result<Moved, NotMoved>, now: i64) {
        self.placing.remove(&number);
        let Some(download) = self.all.get_mut(&number) else {
            return;
        };
        if !download.is_under_way() {
            return;
        }
        match result {
            Ok(Moved { bytes, sha256 }) => {
                download.state = DownloadState::Completed;
                download.ended_at = Some(now);
                (download.bytes, download.total_bytes) = (bytes, Some(bytes));
                download.sha256 = Some(sha256);
                self.put.insert(number);
            }
            Err(NotMoved::Taken) => {
                let name = download.name.clone();
                let taken =
                    |other: &str| name::is_same(other, &name) || self.has_name(number, other);
                let next = name::free(&name, taken);
                if let Some(download) = self.all.get_mut(&number) {
                    download.name = next;
                }
                self.put.insert(number);
                self.place(number);
            }
            Err(NotMoved::Gone) => {
                let reason = "its file was not there when it ended";
                self.end(number, DownloadState::Interrupted, now, reason.to_owned());
            }
            Err(NotMoved::Failed(err)) => {
                let reason = format!("its file could not be kept: {err}");
                self.end(number, DownloadState::Interrupted, now, reason);
            }
        }
    }

    /// Its browser is asked to end it, or would not.
    pub(crate) fn unwanted(&mut self, number: u32, unwanted: bool) {
        if unwanted {
            self.unwanted.insert(number);
        } else {
            self.unwanted.remove(&number);
        }
    }

    /// It was ended in its browser on request.
    pub(crate) fn canceled(&mut self, number: u32, now: i64) {
        self.unwanted.remove(&number);
        let under_way = self.get(number).is_some_and(Download::is_under_way);
        if under_way && !self.placing.contains(&number) {
            let reason = "on request".to_owned();
            self.end(number, DownloadState::Canceled, now, reason);
        }
    }

    /// Begins to remove one that is not under way.
    pub(crate) fn remove(&mut self, number: u32) {
        if let Some(download) = self.all.get_mut(&number) {
            download.remove();
            self.put.insert(number);
            if self.removing.insert(number) {
                self.then.push(Then::Remove(download.clone()));
            }
        }
    }

    /// Its file is removed.
    pub(crate) fn removed(&mut self, number: u32) {
        self.removing.remove(&number);
        self.forget(number);
    }

    /// A wait was answered with it.
    pub(crate) fn awaited(&mut self, number: u32) {
        if let Some(download) = self.all.get_mut(&number) {
            download.awaited = true;
            download.told = Some(download.state);
            self.put.insert(number);
        }
    }

    /// Returns what no answer has told of, and takes it for told.
    pub(crate) fn news(&mut self, stored: &[Download]) -> Vec<Download> {
        let mut news = vec![];
        for known in stored {
            if let Some(download) = self.all.get_mut(&known.number)
                && news.len() < MOST_TOLD
                && download.told != Some(known.state)
                && !download.is_removed()
            {
                download.told = Some(known.state);
                self.put.insert(known.number);
                news.push(known.clone());
            }
        }
        news
    }

    /// Returns the browsers that are not the session's any more and had something under way,
    /// with what that was.
    pub(crate) fn of_ended(&mut self, current: Option<BrowserId>) -> Vec<(String, Vec<Download>)> {
        let current = current.map(|browser| browser.to_string());
        let mut ended = BTreeMap::<String, Vec<Download>>::new();
        for download in self.all.values().filter(|it| it.is_under_way()) {
            if Some(&download.browser) != current.as_ref()
                && !self.sweeping.contains(&download.browser)
                && !self.placing.contains(&download.number)
            {
                let of_it = ended.entry(download.browser.clone()).or_default();
                of_it.push(download.clone());
            }
        }
        self.sweeping.extend(ended.keys().cloned());
        ended.into_iter().collect()
    }

    /// What an ended browser left was looked at.
    pub(crate) fn swept(
        &mut self,
        browser: &str,
        saved: Vec<(u32, Result<Moved, NotMoved>)>,
        now: i64,
    ) {
        self.sweeping.remove(browser);
        for (number, saved) in saved {
            match saved {
                Err(NotMoved::Gone) => {
                    let reason = "its browser ended before it was whole".to_owned();
                    self.end(number, DownloadState::Interrupted, now, reason);
                }
                saved => self.placed(number, saved, now),
            }
        }
    }

    /// Returns what a browser has under way.
    pub(crate) fn under_way(&self, browser: BrowserId) -> Vec<Download> {
        let browser = browser.to_string();
        let under_way = self.all.values().filter(|it| it.is_under_way());
        under_way
            .filter(|it| it.browser == browser)
            .cloned()
            .collect()
    }

    /// The files of what is under way were looked at.
    pub(crate) fn seen(&mut self, by: Saying<'_>, found: Vec<(u32, Found)>, strange: Vec<String>) {
        for (number, found) in found {
            let Some(download) = self.all.get_mut(&number) else {
                continue;
            };
            if !download.is_under_way() || self.placing.contains(&number) {
                continue;
            }
            match found {
                Found::Whole => self.place(number),
                Found::Partial(bytes) => {
                    download.bytes = download.bytes.max(bytes);
                    self.moved = true;
                }
                Found::Nothing if UNSEEN < by.now.saturating_sub(download.began_at) => {
                    let reason = "it ended unheard, and its file is not there".to_owned();
                    self.end(number, DownloadState::Interrupted, by.now, reason);
                }
                Found::Nothing => {}
            }
        }
        for guid in strange {
            let going = Going {
                bytes: 0,
                total: None,
                ended: Some(true),
            };
            if !self.knows(&guid) {
                self.goes(by, &guid, going);
            }
        }
    }

    /// Forgets all of them. Their numbers are not given again.
    pub(crate) fn clear(&mut self) {
        for number in self.all.keys().copied().collect::<Vec<_>>() {
            self.forget(number);
        }
        self.then.clear();
        self.placing.clear();
        self.removing.clear();
        self.sweeping.clear();
    }

    /// Returns what has to be stored: rows, and numbers of those that are gone. `None` if
    /// nothing has to.
    pub(crate) fn unstored(&self) -> Option<(Vec<DownloadRow>, Vec<u32>)> {
        if self.put.is_empty() && self.gone.is_empty() && !self.counted {
            return None;
        }
        let counter = Counter::to_row(self.begun).filter(|_| self.counted);
        let rows = self.put.iter().filter_map(|number| self.all.get(number));
        let rows = counter.into_iter().chain(rows.filter_map(Download::to_row));
        Some((rows.collect(), self.gone.iter().copied().collect()))
    }

    /// What had to be stored is.
    pub(crate) fn stored(&mut self) {
        self.put.clear();
        self.gone.clear();
        (self.counted, self.moved) = (false, true);
    }

    /// Returns what is to be told from now on, if that is something else.
    pub(crate) fn told(&mut self) -> Option<Published> {
        std::mem::take(&mut self.moved).then(|| Published {
            all: self
                .all
                .values()
                .filter(|it| !it.is_removed())
                .cloned()
                .collect(),
            since: self.since,
        })
    }

    /// Takes what has to be done.
    pub(crate) fn then(&mut self) -> Vec<Then> {
        std::mem::take(&mut self.then)
    }

    /// Takes what has to be ended or removed.
    pub(crate) fn ends(&mut self) -> Vec<Then> {
        let ends = |it: &mut Then| matches!(it, Then::Cancel(_) | Then::Discard(_));
        self.then.extract_if(.., ends).collect()
    }

    fn knows(&self, guid: &str) -> bool {
        self.ended_guids.contains(guid) || self.all.values().any(|it| it.guid == guid)
    }

    fn has_name(&self, number: u32, name: &str) -> bool {
        let others = self
            .all
            .values()
            .filter(|it| it.number != number && it.has_file());
        others.into_iter().any(|it| name::is_same(&it.name, name))
    }

    fn free_name(&self, number: u32, plain: &str) -> String {
        name::free(plain, |name| self.has_name(number, name))
    }

    /// Returns the bound that a download goes over.
    fn over(&self, number: u32, by: Saying<'_>) -> Option<String> {
        let download = self.all.get(&number)?;
        let DownloadLimits {
            file_bytes,
            session_bytes,
            free_bytes,
            ..
        } = *by.limits;
        let all: u64 = self.all.values().map(Download::room).sum();
        let left = download.room().saturating_sub(download.bytes);
        if 0 < file_bytes && file_bytes < download.room() {
            Some(format!(
                "it is larger than {file_bytes} bytes (downloads.max_file_bytes)"
            ))
        } else if 0 < session_bytes && session_bytes < all {
            Some(format!(
                "the session's downloads would be more than {session_bytes} bytes \
                 (downloads.max_session_bytes): delete_download makes room"
            ))
        } else if by
            .free
            .is_some_and(|free| free.saturating_sub(left) < free_bytes)
        {
            Some(format!(
                "less than {free_bytes} bytes would stay free on the disk (downloads.min_free_bytes)"
            ))
        } else {
            None
        }
    }

    fn place(&mut self, number: u32) {
        if let Some(download) = self.all.get(&number)
            && self.placing.insert(number)
        {
            self.then.push(Then::Place(download.clone()));
        }
    }

    fn cancel(&mut self, number: u32, now: i64, reason: String) {
        tracing::warn!(download = number, reason, "a download is refused");
        let end = |download: &mut Download| {
            download.state = DownloadState::Canceled;
            download.ended_at = Some(now);
            download.reason = Some(reason);
        };
        if let Some(download) = self.all.get_mut(&number) {
            end(download);
            self.then.push(Then::Cancel(download.clone()));
            self.put.insert(number);
        }
        self.prune();
    }

    fn end(&mut self, number: u32, state: DownloadState, now: i64, reason: String) {
        if let Some(download) = self.all.get_mut(&number) {
            download.state = state;
            download.ended_at = Some(now);
            download.reason = Some(reason);
            self.then.push(Then::Discard(download.clone()));
            self.put.insert(number);
        }
        self.prune();
    }

    /// Lets the oldest go of those that have no file.
    fn prune(&mut self) {
        let ended = self
            .all
            .values()
            .filter(|it| !it.has_file() && !it.is_removed());
        let ended: Vec<u32> = ended.map(|it| it.number).collect();
        for number in ended.iter().take(ended.len().saturating_sub(MOST_ENDED)) {
            self.forget(*number);
        }
    }

    fn forget(&mut self, number: u32) {
        let Some(download) = self.all.remove(&number) else {
            return;
        };
        if MOST_GONE <= self.ended_guids.len() {
            self.ended_guids.clear();
        }
        self.ended_guids.insert(download.guid);
        self.put.remove(&number);
        self.gone.insert(number);
        self.moved = true;
    }
}

#[cfg(test)]
mod tests;
