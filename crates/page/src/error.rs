//! What can go wrong on a page, each with its code and a hint that can be acted on.

use std::fmt;

use base::{Code, Stopped};

use crate::Dialog;

/// Why a page call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The ref's element is gone; no other is taken in its stead.
    #[error("@e{number} is stale: {reason}")]
    RefStale {
        /// The ref's number.
        number: u64,
        /// What became of its element.
        reason: String,
    },
    /// The element did not become ready for the action in time.
    #[error("gave up after {tries} tries; last: {last}")]
    NotActionable {
        /// How often it was tried.
        tries: u32,
        /// What the last try came to.
        last: Attempt,
    },
    /// A dialog is open and holds the page.
    #[error("a {} dialog is open on the page", .0.kind.as_str())]
    DialogOpen(Dialog),
    /// No dialog is open.
    #[error("no dialog is open on the page")]
    NoDialog,
    /// The page did not load.
    #[error("the page did not load: {reason}")]
    NavigationFailed {
        /// The network error, as `net::ERR_…`, or what happened instead.
        reason: String,
    },
    /// The URL is a download: it has begun, and the page is the one before.
    #[error("the URL is a download and no page; the page is still the one before")]
    BecameDownload,
    /// The URL can't be opened.
    #[error("the URL can't be opened: {reason}")]
    BadUrl {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An argument can't be used.
    #[error("{argument}: {reason}")]
    InvalidArgument {
        /// Which one.
        argument: &'static str,
        /// Why.
        reason: String,
    },
    /// What was waited for did not come in time.
    #[error("{what} did not come in time; last: {last}")]
    NotMet {
        /// What was waited for.
        what: &'static str,
        /// How it stood when it was last looked at.
        last: String,
    },
    /// The script's value has no JSON form. The script has run.
    #[error("the script ran, but its value has no JSON form: {reason}")]
    NoJson {
        /// What the browser said.
        reason: String,
    },
    /// The call was stopped after its first effect may have reached the page.
    #[error("the call was stopped when it may already have taken effect: {0}")]
    OutcomeUnknown(Stopped),
    /// The call was stopped; it has changed nothing.
    #[error("{0}; nothing was changed")]
    Stopped(Stopped),
    /// The renderer of the page has crashed.
    #[error("the page has crashed")]
    Crashed,
    /// The page's target or its CDP session is gone.
    #[error("the page is gone")]
    Gone,
    /// The owner refused the effect, for example because it could not be journalled.
    #[error("{message}")]
    Refused {
        /// The refusal's code.
        code: Code,
        /// The refusal's text.
        message: String,
    },
    /// The script of ours in the page failed: a fault of browserd's own.
    #[error("the page script failed: {reason}")]
    Script {
        /// What it threw.
        reason: String,
    },
    /// The browser refused or could not be reached.
    #[error("the browser did not do it")]
    Cdp(#[source] cdp::Error),
}

impl Error {
    /// Returns the stable code of this error.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::RefStale { .. } => Code::RefStale,
            Self::NotActionable { .. } => Code::NotActionable,
            Self::DialogOpen(_) => Code::DialogOpen,
            Self::NavigationFailed { .. } | Self::BecameDownload => Code::NavigationFailed,
            Self::BadUrl { .. } => Code::BadUrl,
            Self::NoDialog | Self::InvalidArgument { .. } | Self::NoJson { .. } => {
                Code::InvalidArgument
            }
            Self::NotMet { .. } | Self::Stopped(_) => Code::Deadline,
            // What was asked of a page that went may have been done before.
            Self::OutcomeUnknown(_) | Self::Crashed | Self::Gone => Code::OutcomeUnknown,
            Self::Refused { code, .. } => *code,
            Self::Script { .. } => Code::Internal,
            Self::Cdp(err) => err.code(),
        }
    }

    /// Returns what the caller can do about it, as a full sentence.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::RefStale { .. } => "Take a snapshot and use a ref from it.",
            Self::NotActionable { last, .. } => return last.hint(),
            Self::DialogOpen(_) => {
                "Answer it with handle_dialog (accept or dismiss), then look at the page."
            }
            Self::NoDialog => "Nothing has to be answered; go on.",
            Self::NavigationFailed { .. } => "Check the URL and whether its server answers.",
            Self::BecameDownload => "Look at it with list_downloads.",
            Self::BadUrl { .. } => "Give a whole URL, such as https://example.com/.",
            Self::NoJson { .. } => {
                "Return plain data from the script, for example by JSON.stringify(…)."
            }
            Self::NotMet { .. } => "Take a snapshot to see how the page stands.",
            Self::OutcomeUnknown(_) => "Take a snapshot to see whether it was done.",
            Self::InvalidArgument { .. }
            | Self::Stopped(_)
            | Self::Crashed
            | Self::Gone
            | Self::Refused { .. }
            | Self::Script { .. }
            | Self::Cdp(_) => return None,
        };
        Some(hint.to_owned())
    }
}

/// What one try at an action came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Attempt {
    /// No element matches the locator.
    NotFound,
    /// Several elements match it; how many, and the first of them with their refs.
    Several(String),
    /// The element has no visible box.
    NotVisible,
    /// The element is moving.
    Moving,
    /// The element is disabled.
    Disabled,
    /// The element can't be edited.
    ReadOnly,
    /// The element lies outside what can be scrolled into view.
    OutOfView,
    /// Another element would get the input; its description.
    CoveredBy(String),
    /// The list lacks the option, or it can't be chosen.
    NoOption(String),
    /// The element takes no files, or not these; why.
    NoFiles(String),
    /// The page gave the focus to something else.
    FocusTaken,
    /// The element left the document during the try.
    Detached,
    /// The page did not keep what was put in; what is there instead.
    NotKept(String),
}

impl Attempt {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotFound => "Take a snapshot and use a ref from it.",
            Self::Several(_) => "Use one of the refs, or say which by nth (0 is the first).",
            Self::NoFiles(_) => "Name the file field, or the button that opens a file chooser.",
            Self::CoveredBy(_) => "Close or move what covers it, then try again.",
            Self::OutOfView => "Scroll the container it is in, then try again.",
            Self::Disabled => "Fill in what the page asks for first; then it may become enabled.",
            Self::NotVisible => "Open the menu, tab or section it is in, then take a snapshot.",
            Self::NoOption(_) => "Take a snapshot: it lists the options.",
            Self::FocusTaken
            | Self::ReadOnly
            | Self::Moving
            | Self::Detached
            | Self::NotKept(_) => "Take a snapshot to see how the page stands.",
        };
        Some(hint.to_owned())
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("no element matches"),
            Self::NotVisible => f.write_str("the element is not visible"),
            Self::Moving => f.write_str("the element is moving"),
            Self::Disabled => f.write_str("the element is disabled"),
            Self::ReadOnly => f.write_str("the element can't be edited"),
            Self::OutOfView => f.write_str("the element can't be scrolled into view"),
            Self::CoveredBy(what) => write!(f, "{what} covers the element"),
            Self::NoOption(what) | Self::Several(what) | Self::NoFiles(what) => f.write_str(what),
            Self::FocusTaken => f.write_str("the page moved the focus elsewhere"),
            Self::Detached => f.write_str("the element left the document"),
            Self::NotKept(what) => write!(f, "{what}"),
        }
    }
}

impl Error {
    /// Reads an error of the connection as one of the page.
    pub(crate) fn from_cdp(err: cdp::Error) -> Self {
        match err {
            cdp::Error::Stopped(stopped) | cdp::Error::NotSent(stopped) => Self::Stopped(stopped),
            cdp::Error::Ended(cdp::Ended::Crashed) => Self::Crashed,
            cdp::Error::Ended(_) => Self::Gone,
            err => Self::Cdp(err),
        }
    }

    /// Says the same of a call whose first effect may have been sent.
    pub(crate) fn after_effects(self) -> Self {
        match self {
            Self::Stopped(stopped) => Self::OutcomeUnknown(stopped),
            err => err,
        }
    }
}
