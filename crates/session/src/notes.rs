//! The notes a daemon leaves with a keeper for the next one: what can't be asked for.
//!
//! Flat session ids are known to nobody but the client that got them, and a dialog that is
//! open is announced once; which processes held the browser's state when all was well is known to
//! nobody once one of them has died. So they are written down before they are acted on.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::services::Service;

/// How many CDP ids a daemon takes at a time, so that its successor starts above all it used.
pub(crate) const ID_BLOCK: u32 = 100_000;

/// What the next daemon needs to go on with the same pages.
#[derive(Clone, Default, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Notes {
    /// Below this the ids of earlier daemons may lie.
    pub next_id: u32,
    /// The pages in use.
    pub pages: Vec<NotedPage>,
    /// Targets that were made for reading or seeding storage, to be closed.
    pub aside: Vec<String>,
    /// The browser was being made something else, and is neither.
    pub unfinished: bool,
    /// The processes that hold the browser's state.
    pub services: Vec<NotedService>,
}

/// A service's process. Its death is told to nobody but who watches it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NotedService {
    /// Which one.
    pub service: Service,
    /// Its id.
    pub pid: i32,
    /// When it started, which tells it from a later one of the same id.
    pub start: u64,
}

/// One page in use.
#[derive(Clone, Default, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct NotedPage {
    /// The tab's number.
    pub tab: u32,
    /// The target.
    pub target: String,
    /// The flat session it is driven by.
    pub session: String,
    /// It is being made what its tab is to show, and is neither; it may have no target yet.
    pub filling: bool,
    /// The dialog that is open on it.
    pub dialog: Option<NotedDialog>,
}

/// An open dialog.
#[derive(Clone, Default, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct NotedDialog {
    /// `alert`, `confirm`, `prompt` or `beforeunload`.
    pub kind: String,
    /// Its text.
    pub message: String,
    /// What a prompt's field holds at first.
    pub default_text: String,
    /// The URL of the frame that opened it.
    pub url: String,
}

impl Notes {
    /// Reads notes; those of a keeper that has none yet are empty ones.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        if bytes.is_empty() {
            Ok(Self::default())
        } else {
            serde_json::from_slice(bytes)
        }
    }

    pub(crate) fn encode(&self) -> Result<Bytes, serde_json::Error> {
        serde_json::to_vec(self).map(Bytes::from)
    }
}

impl NotedDialog {
    pub(crate) fn of(dialog: &page::Dialog) -> Self {
        Self {
            kind: dialog.kind.as_str().to_owned(),
            message: dialog.message.expose().clone(),
            default_text: dialog.default_text.expose().clone(),
            url: dialog.url.expose().clone(),
        }
    }

    pub(crate) fn dialog(&self) -> page::Dialog {
        let kind = match self.kind.as_str() {
            "confirm" => page::DialogKind::Confirm,
            "prompt" => page::DialogKind::Prompt,
            "beforeunload" => page::DialogKind::BeforeUnload,
            _ => page::DialogKind::Alert,
        };
        page::Dialog {
            kind,
            message: self.message.clone().into(),
            default_text: self.default_text.clone().into(),
            url: self.url.clone().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_of_a_later_version_still_read() {
        let notes = Notes::decode(br#"{"next_id":7,"later":{}}"#).unwrap();
        assert_eq!(notes.next_id, 7);
        assert_eq!(Notes::decode(b"").unwrap(), Notes::default());
    }
}
