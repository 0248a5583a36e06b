//! The back/forward history of a tab, with `history.state`.
//!
//! ```text
//! entry     /a      /a2     /a#x   │  /b   │  /c
//! document  └── 0 ──┴── 0 ──┴─ 0   │   1   │   2       back within 0: popstate, no load
//! ```
//!
//! The browser lists the entries. Which of them are places of one document, and what their
//! state is, only a document that shows them can tell: so it is read whenever a tab has come
//! to another entry, and remembered of the others ([`follow`], [`merge`]). On restore each
//! document is a stub that makes its own entries; the real one is loaded when it is shown
//! ([`rebuild`]).
//!
//! What it can't bring back: the body of a POST, states that were passed too quickly to be
//! read or hold what CDP doesn't serialize (binary data, files, errors), entries of frames,
//! scroll positions of other entries, what `navigation.updateCurrentEntry` kept.

mod follow;
mod merge;
mod rebuild;
mod shared;

use serde::{Deserialize, Serialize};

pub(crate) use follow::{Following, follow};
pub(crate) use rebuild::{Rebuilt, Way, is_there, rebuild, reset};

/// The most entries of a tab; Chromium has no more.
const MOST_ENTRIES: usize = 50;
/// The longest URL of an entry.
const MOST_URL: usize = 32 * 1024;
/// How much one state may come to, as text.
const MOST_STATE: usize = 64 * 1024;
/// How much the states of a tab may come to.
const MOST_STATES: usize = 512 * 1024;
/// The text of a state that is `null`.
const NULL: &str = r#"{"type":"null"}"#;

/// A tab's entries.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct HistoryPart {
    /// Oldest first; none if it was never read.
    pub entries: Vec<EntryPart>,
    /// Which of them is shown.
    pub current: usize,
    /// Nothing of it is missing but what an entry says itself.
    pub whole: bool,
}

/// One entry.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct EntryPart {
    /// The browser's number for it, as long as that browser lives.
    pub id: i64,
    /// Where it leads.
    pub url: String,
    /// The document it is a place of, counted from the oldest.
    pub document: u32,
    /// `history.state` as CDP serializes it deeply; `None` if it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Whether its document was asked for by POST; `None` if that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub posted: Option<bool>,
    /// Whether it may be a place of a document beside it, of which nobody knows.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unsure: bool,
}

impl HistoryPart {
    /// Tells whether it was never read; such a part isn't stored.
    pub(crate) const fn is_unread(&self) -> bool {
        self.entries.is_empty()
    }

    /// Tells whether a document would come back without the body it was asked for with.
    pub(crate) fn has_post(&self) -> bool {
        self.is_unread() || self.entries.iter().any(|entry| entry.posted != Some(false))
    }

    /// Returns the entry that is shown.
    fn shown(&self) -> Option<&EntryPart> {
        self.entries.get(self.current)
    }

    /// Returns it without this many of its oldest entries; never without the document that is
    /// shown.
    fn without(&self, left_out: usize) -> Self {
        let shown = self.shown().map(|entry| entry.document);
        let of_shown = |entry: &EntryPart| Some(entry.document) == shown;
        let left_out = left_out.min(self.entries.iter().position(of_shown).unwrap_or(0));
        Self {
            entries: self.entries.iter().skip(left_out).cloned().collect(),
            current: self.current - left_out,
            whole: self.whole && left_out == 0,
        }
    }

    /// Returns it as it is once another document was come to, by which way isn't known.
    fn gone_on(&self, url: &str) -> Self {
        let mut entries: Vec<_> = self
            .entries
            .iter()
            .take(self.current + 1)
            .cloned()
            .collect();
        let document = entries.last().map_or(0, |last| last.document + 1);
        entries.push(EntryPart {
            url: url.to_owned(),
            document,
            unsure: true,
            ..EntryPart::default()
        });
        let current = entries.len() - 1;
        Self {
            entries,
            current,
            whole: false,
        }
    }
}

impl EntryPart {
    fn is_plain(&self) -> bool {
        self.state.as_deref() == Some(NULL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tab_that_has_gone_on_has_what_it_came_from_behind_it() {
        let entry = |document| EntryPart {
            url: format!("http://a.test/{document}"),
            document,
            state: Some(NULL.to_owned()),
            ..EntryPart::default()
        };
        let history = HistoryPart {
            entries: (0..3).map(entry).collect(),
            current: 1,
            whole: true,
        };
        let there = history.gone_on("http://b.test/");
        assert_eq!(there.entries[..2], history.entries[..2]);
        let shown = there.shown().unwrap();
        assert_eq!((&*shown.url, shown.document), ("http://b.test/", 2));
        assert!(there.entries.len() == 3 && !there.whole && there.has_post());
    }

    #[test]
    fn what_is_left_out_is_oldest_and_never_of_the_document_that_is_shown() {
        let entry = |(n, document): (usize, u32)| EntryPart {
            url: format!("http://a.test/{n}"),
            document,
            ..EntryPart::default()
        };
        let documents = [0, 1, 1, 2, 3, 3];
        let history = |current| HistoryPart {
            entries: documents.into_iter().enumerate().map(entry).collect(),
            current,
            whole: true,
        };
        let kept = |current, left_out| {
            let part = history(current).without(left_out);
            (part.entries.len(), part.current, part.whole)
        };
        assert_eq!(kept(5, 0), (6, 5, true));
        assert_eq!(kept(5, 3), (3, 2, false));
        assert_eq!(kept(4, 6), (2, 0, false));
        assert_eq!(kept(2, 6), (5, 1, false));
        assert_eq!(kept(0, 6), (6, 0, true));
    }
}
