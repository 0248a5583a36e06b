//! One download, as it is stored and told.

use std::fmt;

use base::{TabId, Timestamp};
use serde::{Deserialize, Serialize};
use store::DownloadRow;

/// How far a download has come.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DownloadState {
    /// It is under way.
    #[default]
    InProgress,
    /// Its file is whole.
    Completed,
    /// It was ended on request, or for a limit.
    Canceled,
    /// It was cut off: by its server, its browser's end or a fault.
    Interrupted,
}

impl DownloadState {
    /// Returns the state in a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Canceled => "canceled",
            Self::Interrupted => "interrupted",
        }
    }
}

/// A file that a page had downloaded, whole or not.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Download {
    /// Its number in the session; never given twice.
    pub number: u32,
    /// Chromium's id of it.
    pub guid: String,
    /// The browser that loads it.
    pub browser: String,
    /// The tab whose page began it, if that is known.
    pub tab: Option<u32>,
    /// Where it comes from, without secrets.
    pub url: String,
    /// The name of its file: what the site called it, made harmless.
    pub name: String,
    /// What its server said it is.
    pub mime_type: Option<String>,
    /// When it began, in milliseconds.
    pub began_at: i64,
    /// When it ended.
    pub ended_at: Option<i64>,
    /// How much of it is there.
    pub bytes: u64,
    /// How much it will be, if that is known.
    pub total_bytes: Option<u64>,
    /// How far it has come.
    pub state: DownloadState,
    /// Why it is no whole file.
    pub reason: Option<String>,
    /// The SHA-256 of the whole file, in hexadecimal digits.
    pub sha256: Option<String>,
    /// In which state it stood when an answer last told of it.
    pub told: Option<DownloadState>,
    /// A wait was answered with it.
    pub awaited: bool,
    /// Its file is being removed; it is told of no more.
    pub(crate) removed: bool,
}

impl Download {
    /// Returns its id, `d1` and so on.
    #[must_use]
    pub fn id(&self) -> String {
        format!("d{}", self.number)
    }

    /// Returns the number that an id stands for.
    #[must_use]
    pub fn parse_id(id: &str) -> Option<u32> {
        let number = id.strip_prefix('d').unwrap_or(id);
        let plain = number.bytes().all(|byte| byte.is_ascii_digit());
        number.parse().ok().filter(|number| plain && *number != 0)
    }

    /// Tells whether it is still under way.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        self.state == DownloadState::InProgress
    }

    /// Tells whether it is being removed.
    pub(crate) const fn is_removed(&self) -> bool {
        self.removed
    }

    pub(crate) const fn remove(&mut self) {
        self.removed = true;
    }

    /// Tells whether it has a place on the disk.
    pub(crate) fn has_file(&self) -> bool {
        matches!(
            self.state,
            DownloadState::InProgress | DownloadState::Completed
        )
    }

    /// Returns how much room it takes, or will.
    pub(crate) fn room(&self) -> u64 {
        match self.state {
            DownloadState::InProgress => self.bytes.max(self.total_bytes.unwrap_or(0)),
            DownloadState::Completed => self.bytes,
            DownloadState::Canceled | DownloadState::Interrupted => 0,
        }
    }

    /// Returns the tab whose page began it.
    #[must_use]
    pub fn tab(&self) -> Option<TabId> {
        self.tab.map(TabId)
    }

    /// Returns a time of it.
    #[must_use]
    pub fn time(at: i64) -> Timestamp {
        Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    pub(crate) fn of_row(row: &DownloadRow) -> Result<Self, serde_json::Error> {
        let read: Self = serde_json::from_slice(&row.content)?;
        Ok(Self {
            number: row.number,
            ..read
        })
    }

    pub(crate) fn to_row(&self) -> Option<DownloadRow> {
        Some(DownloadRow {
            number: self.number,
            content: serde_json::to_vec(self).ok()?,
        })
    }
}

/// Names and URLs are the page's: a log gets none.
impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Download(d{}, {}, {} bytes)",
            self.number,
            self.state.as_str(),
            self.bytes
        )
    }
}

/// The row 0: which numbers were given.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Counter {
    /// The highest.
    pub begun: u32,
}

impl Counter {
    pub(crate) fn of_row(row: &DownloadRow) -> Self {
        serde_json::from_slice(&row.content).unwrap_or_default()
    }

    pub(crate) fn to_row(begun: u32) -> Option<DownloadRow> {
        Some(DownloadRow {
            number: 0,
            content: serde_json::to_vec(&Self { begun }).ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_number_behind_a_letter() {
        let check = |id: &str, expect| assert_eq!(Download::parse_id(id), expect, "{id}");
        check("d12", Some(12));
        check("12", Some(12));
        check("d0", None);
        check("d+1", None);
        check("d", None);
        check("report.pdf", None);
        check("d99999999999", None);
    }

    #[test]
    fn a_row_of_a_later_version_reads_back() {
        let row = DownloadRow {
            number: 3,
            content: br#"{"number": 9, "name": "a", "more": 1}"#.to_vec(),
        };
        let read = Download::of_row(&row).unwrap();
        assert_eq!((read.number, read.name.as_str()), (3, "a"));
        assert!(!format!("{read:?}").contains("\"a\""));
    }
}
