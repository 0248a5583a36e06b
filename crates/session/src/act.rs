//! What can be asked of a session's pages, and what comes of it.

use std::sync::Arc;

use base::{SessionId, TabId};

use crate::downloads::Download;
use crate::login::{Login, PlacedLogin, SaveLogin, SavedLogin};
use crate::summary::{Recovered, TabInfo};

/// One thing to do on a session's pages.
#[derive(Clone, Debug)]
pub enum Act {
    /// Go to a URL.
    Navigate(page::Navigate),
    /// Read the page as text with refs.
    Snapshot(page::SnapshotOptions),
    /// Do something to an element or the page.
    Interact(page::Action),
    /// Wait until something is so.
    WaitFor(page::Wait),
    /// Wait until a download is complete: by its id, a part or pattern of its name, or any.
    WaitDownload(String),
    /// Read the page's content.
    Content(page::ContentOptions),
    /// Print the page.
    Pdf(page::Pdf),
    /// Run JavaScript.
    Evaluate(page::Evaluate),
    /// Take a picture.
    Screenshot(page::Screenshot),
    /// List the tabs.
    ListTabs,
    /// Open a tab.
    NewTab {
        /// Where it goes, `about:blank` if nowhere.
        url: Option<String>,
    },
    /// Close a tab.
    CloseTab,
    /// Make a tab the one meant when none is named.
    ActivateTab,
    /// Answer an open dialog.
    HandleDialog {
        /// OK or Cancel.
        accept: bool,
        /// The answer to a prompt.
        text: Option<String>,
    },
    /// Keep the login of the origin the tab is on.
    SaveLogin(SaveLogin),
    /// Put a login in place.
    RestoreLogin(Arc<Login>),
}

/// What an [`Act`] came to.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Of [`Act::Navigate`].
    Navigated(page::Navigated),
    /// Of [`Act::Snapshot`].
    Snapshot(page::Snapshot),
    /// Of [`Act::Interact`].
    Interacted(page::Interacted),
    /// Of [`Act::WaitFor`].
    Waited(page::Waited),
    /// Of [`Act::WaitDownload`].
    Downloaded(Download),
    /// Of [`Act::Content`].
    Content(page::Content),
    /// Of [`Act::Evaluate`].
    Evaluated(page::Evaluated),
    /// Of [`Act::Pdf`].
    Pdf(page::Bytes),
    /// Of [`Act::Screenshot`].
    Image(page::Image),
    /// Of [`Act::ListTabs`].
    Tabs(Vec<TabInfo>),
    /// Of [`Act::NewTab`] and [`Act::ActivateTab`].
    Tab(TabInfo),
    /// Of [`Act::SaveLogin`].
    LoginSaved(SavedLogin),
    /// Of [`Act::RestoreLogin`].
    LoginPlaced(PlacedLogin),
    /// Of [`Act::CloseTab`] and [`Act::HandleDialog`].
    Done,
}

/// An outcome with what every answer says beside it.
#[derive(Clone, Debug)]
pub struct Acted {
    /// The session that answered.
    pub session: SessionId,
    /// The tab it was done on.
    pub tab: Option<TabId>,
    /// The session's generation.
    pub generation: u64,
    /// The last recovery, if no answer has told it yet.
    pub recovered: Option<Recovered>,
    /// Downloads that began or ended, and that no answer has told of.
    pub downloads: Vec<Download>,
    /// What came of it.
    pub outcome: Outcome,
}

/// How an act is let through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Lane {
    /// In order with the session's other calls.
    Ordered,
    /// At once: it must not wait behind a call that waits for it.
    Express,
}

impl Act {
    /// Tells whether the act can change a page, and so is journalled.
    #[must_use]
    pub const fn mutates(&self) -> bool {
        match self {
            Self::Navigate(_)
            | Self::Interact(_)
            | Self::Evaluate(_)
            | Self::NewTab { .. }
            | Self::CloseTab
            | Self::ActivateTab
            | Self::RestoreLogin(_)
            | Self::HandleDialog { .. } => true,
            Self::Snapshot(_)
            | Self::SaveLogin(_)
            | Self::WaitFor(_)
            | Self::WaitDownload(_)
            | Self::Content(_)
            | Self::Pdf(_)
            | Self::Screenshot(_)
            | Self::ListTabs => false,
        }
    }

    /// Returns the operation's name, as the journal keeps it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Navigate(_) => "navigate",
            Self::Snapshot(_) => "snapshot",
            Self::Interact(_) => "interact",
            Self::WaitFor(_) | Self::WaitDownload(_) => "wait_for",
            Self::Content(_) => "get_content",
            Self::Pdf(_) => "pdf",
            Self::Evaluate(_) => "evaluate",
            Self::Screenshot(_) => "screenshot",
            Self::ListTabs => "list_tabs",
            Self::NewTab { .. } => "new_tab",
            Self::CloseTab => "close_tab",
            Self::ActivateTab => "activate_tab",
            Self::HandleDialog { .. } => "handle_dialog",
            Self::SaveLogin(_) => "save_snapshot",
            Self::RestoreLogin(_) => "restore_snapshot",
        }
    }

    pub(crate) const fn lane(&self) -> Lane {
        match self {
            Self::ListTabs | Self::HandleDialog { .. } | Self::ActivateTab => Lane::Express,
            Self::Navigate(_)
            | Self::Snapshot(_)
            | Self::Interact(_)
            | Self::WaitFor(_)
            | Self::WaitDownload(_)
            | Self::Content(_)
            | Self::Pdf(_)
            | Self::Evaluate(_)
            | Self::Screenshot(_)
            | Self::NewTab { .. }
            | Self::SaveLogin(_)
            | Self::RestoreLogin(_)
            | Self::CloseTab => Lane::Ordered,
        }
    }
}
