//! What can go wrong with a session, each with its code and a hint that can be acted on.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base::{CheckpointId, Code, ResultId, SessionId, SessionKey, SessionName, Stopped, TabId};

use crate::downloads::DownloadState;
use crate::services::Service;
use crate::state::Denied;

/// Why a call on a session has no result.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No session of that id or key.
    #[error("there is no session {name}")]
    NotFound {
        /// As the caller named it.
        name: SessionName,
    },
    /// No tab of that id, or no tab at all.
    #[error("the session has no {}", tab.map_or("tab".to_owned(), |tab| format!("tab {tab}")))]
    TabNotFound {
        /// The tab asked for; `None` for the active one.
        tab: Option<TabId>,
        /// The tabs there are.
        open: Vec<TabId>,
    },
    /// No checkpoint of that id in the session.
    #[error("the session has no checkpoint {id}")]
    CheckpointNotFound {
        /// The checkpoint asked for.
        id: CheckpointId,
    },
    /// No result was ever kept under that handle.
    #[error("no result was ever kept under {id}")]
    ResultNotFound {
        /// The handle.
        id: ResultId,
    },
    /// What was kept under the handle is gone.
    #[error("the result {id} is gone: {}", gone_by(*over))]
    ResultExpired {
        /// The handle.
        id: ResultId,
        /// Whether its time is over; else something took it before.
        over: bool,
    },
    /// The session's state doesn't admit the call.
    #[error("session {id} {}{}", said(*denied), why(.detail))]
    Denied {
        /// The session.
        id: SessionId,
        /// What its state says.
        denied: Denied,
        /// What led there, if it is known.
        detail: Option<String>,
    },
    /// A session that isn't closed holds the key.
    #[error("the key {key} belongs to session {holder}")]
    KeyTaken {
        /// The key.
        key: SessionKey,
        /// Who holds it.
        holder: SessionId,
    },
    /// A session holds the named profile's browser.
    #[error("the profile {profile} is in use by session {holder}")]
    ProfileBusy {
        /// The profile.
        profile: String,
        /// Who holds it.
        holder: SessionId,
    },
    /// A `cdp_url` that is none, or leads elsewhere.
    #[error("`cdp_url`: {reason}")]
    CdpUrl {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Nobody answers as a browser there.
    #[error("no browser answers at {address}: {reason}")]
    NoBrowserAt {
        /// The debugging port.
        address: SocketAddr,
        /// What came in the place of an answer.
        reason: String,
    },
    /// Another browser than the one that is meant answers there.
    #[error("another browser answers at {address}")]
    OtherBrowser {
        /// The debugging port.
        address: SocketAddr,
    },
    /// A session drives that browser already.
    #[error("the browser at {address} is driven by session {holder}")]
    BrowserTaken {
        /// The debugging port.
        address: String,
        /// Who drives it.
        holder: SessionId,
    },
    /// The key's session has another browser than the one the caller names.
    #[error("session {id} has another browser than the one at `cdp_url`")]
    AnotherBrowser {
        /// The session.
        id: SessionId,
    },
    /// The browser a session was attached to is not there any more.
    #[error("session {id} is without its browser{}", why(.detail))]
    AttachedLost {
        /// The session.
        id: SessionId,
        /// What is known of it.
        detail: Option<String>,
    },
    /// A session that has left the browser it was attached to.
    #[error("session {id} is closed and has left its browser")]
    AttachedLeft {
        /// The session.
        id: SessionId,
    },
    /// Something that needs a browser of browserd's own.
    #[error("{what} is not to be had for a browser that browserd did not start")]
    NotOfAttached {
        /// What.
        what: &'static str,
    },
    /// Something this version does not have.
    #[error("{what} is not available in this version")]
    NotHere {
        /// What.
        what: &'static str,
        /// What to do in its place.
        hint: &'static str,
    },
    /// As many of a thing as there may be.
    #[error("{what}: the limit of {limit} is reached")]
    LimitReached {
        /// What is limited.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// The daemon is stopping.
    #[error("the daemon is stopping")]
    ShuttingDown,
    /// The call ended before anything was sent to a page.
    #[error("{0}; nothing was changed")]
    NotSent(Stopped),
    /// The call may have taken effect.
    #[error("the call may have taken effect: {reason}")]
    OutcomeUnknown {
        /// What cut it off.
        reason: String,
    },
    /// An argument that can't be.
    #[error("{argument}: {reason}")]
    InvalidArgument {
        /// Which.
        argument: &'static str,
        /// Why.
        reason: String,
    },
    /// The page refused or failed.
    #[error(transparent)]
    Page(Arc<page::Error>),
    /// The browser could not be found, started, adopted or stopped.
    #[error(transparent)]
    Chrome(Arc<chrome::Error>),
    /// The browser didn't do what was asked of it.
    #[error("the browser did not do it: {0}")]
    Cdp(Arc<cdp::Error>),
    /// Stored data could not be read or written.
    #[error(transparent)]
    Store(Arc<store::Error>),
    /// A checkpoint's content doesn't read back.
    #[error("the checkpoint can't be used: {reason}")]
    Checkpoint {
        /// What is wrong with it.
        reason: String,
    },
    /// A restore that was asked for failed, and the session is what it was before.
    #[error("checkpoint {id} could not be restored; the session is what it was before")]
    NotRestored {
        /// The checkpoint asked for.
        id: CheckpointId,
    },
    /// The session has no kept checkpoint.
    #[error("the session has no kept checkpoint")]
    NothingKept,
    /// The only checkpoint that a session without a browser can come back from.
    #[error("{id} is the only checkpoint the session can come back from")]
    LastCheckpoint {
        /// The checkpoint.
        id: CheckpointId,
    },
    /// The checkpoint that a session without a browser would come back to.
    #[error("{id} is the newest checkpoint; without it the session comes back to an older one")]
    NewestCheckpoint {
        /// The checkpoint.
        id: CheckpointId,
    },
    /// The tab doesn't show the origin whose storage is wanted.
    #[error("{}", elsewhere(.wanted.as_deref(), .here.as_deref()))]
    OtherOrigin {
        /// The origin asked for.
        wanted: Option<String>,
        /// The one the tab is on, if it is on one.
        here: Option<String>,
    },
    /// No login of that origin is kept under that profile.
    #[error("no login of {origin} is kept under the profile {profile}")]
    NoLogin {
        /// The profile.
        profile: String,
        /// The origin.
        origin: String,
    },
    /// No login of that id.
    #[error("there is no login {id}")]
    LoginNotFound {
        /// The login asked for.
        id: CheckpointId,
    },
    /// A login could not be put in place, and the session is what it was before.
    #[error("the login could not be put in place; the session comes back as it was before")]
    LoginNotPlaced,
    /// The tab came back with an earlier page than the call was meant for.
    #[error(
        "tab {tab} came back with an earlier page than the one the call was meant for; nothing was done"
    )]
    PageMoved {
        /// The tab.
        tab: TabId,
    },
    /// No download of that number in the session.
    #[error("the session has no download d{number}")]
    DownloadNotFound {
        /// The download asked for.
        number: u32,
    },
    /// A download that is no whole file, or not yet.
    #[error("the download d{number} is {}{}", state.as_str().replace('_', " "), why(.reason))]
    DownloadIncomplete {
        /// The download.
        number: u32,
        /// How far it has come.
        state: DownloadState,
        /// Why it ended like that, if it did.
        reason: Option<String>,
    },
    /// A download's file can't be read or removed, or isn't what was downloaded.
    #[error("the file of download d{number} is not as it was downloaded: {reason}")]
    DownloadFile {
        /// The download.
        number: u32,
        /// What is wrong.
        reason: String,
    },
    /// What was waited for was not downloaded in time.
    #[error("no such download was complete in time; last: {last}")]
    NoDownload {
        /// How it stood at last.
        last: String,
    },
    /// The URL that was to be opened is a download.
    #[error("the URL is a download and no page: {}; the page is still the one before", begun(*.number))]
    BecameDownload {
        /// The download, if it is one of the session's.
        number: Option<u32>,
    },
    /// A service of the browser died, and what it held with it; the call is done again.
    #[error("the browser has lost its state meanwhile")]
    StateLost {
        /// The service.
        service: Service,
    },
    /// The session's own task ended; a fault of ours.
    #[error("the session's task has ended")]
    TaskEnded,
}

impl Error {
    /// Returns the error's public code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::NotFound { .. } => Code::SessionNotFound,
            Self::PageMoved { .. } => Code::PageMoved,
            Self::TabNotFound { .. } => Code::TabNotFound,
            Self::CheckpointNotFound { .. } => Code::CheckpointNotFound,
            Self::ResultNotFound { .. } => Code::ResultNotFound,
            Self::ResultExpired { .. } => Code::ResultExpired,
            Self::Denied { denied, .. } => match denied {
                Denied::Stale => Code::Stale,
                Denied::Failed => Code::Failed,
                Denied::NoCheckpoint => Code::NoCheckpoint,
                Denied::Closed => Code::Closed,
            },
            Self::KeyTaken { .. } => Code::KeyTaken,
            Self::ProfileBusy { .. } => Code::ProfileBusy,
            Self::CdpUrl { .. } => Code::InvalidArgument,
            Self::NoBrowserAt { .. } => Code::BrowserMissing,
            Self::OtherBrowser { .. } | Self::AnotherBrowser { .. } => Code::Conflict,
            Self::BrowserTaken { .. } => Code::ProfileBusy,
            Self::AttachedLost { .. } => Code::Failed,
            Self::AttachedLeft { .. } => Code::Closed,
            Self::NotOfAttached { .. } | Self::NotHere { .. } => Code::NotAvailable,
            Self::LimitReached { .. } => Code::LimitReached,
            Self::ShuttingDown => Code::ShuttingDown,
            Self::NotSent(_) => Code::Deadline,
            Self::OutcomeUnknown { .. } => Code::OutcomeUnknown,
            Self::InvalidArgument { .. } => Code::InvalidArgument,
            Self::Page(err) => err.code(),
            Self::Chrome(err) => err.code(),
            Self::Cdp(err) => err.code(),
            Self::Store(err) => err.code(),
            Self::Checkpoint { .. } => Code::Corrupt,
            Self::NotRestored { .. } => Code::Failed,
            Self::NothingKept => Code::CheckpointNotFound,
            Self::LastCheckpoint { .. } | Self::NewestCheckpoint { .. } => Code::Conflict,
            Self::OtherOrigin { .. } => Code::InvalidArgument,
            Self::DownloadNotFound { .. } => Code::DownloadNotFound,
            Self::DownloadIncomplete { .. } => Code::DownloadIncomplete,
            Self::DownloadFile { .. } => Code::Corrupt,
            Self::NoDownload { .. } => Code::Deadline,
            Self::BecameDownload { .. } => Code::NavigationFailed,
            Self::NoLogin { .. } | Self::LoginNotFound { .. } => Code::CheckpointNotFound,
            Self::LoginNotPlaced => Code::Failed,
            Self::StateLost { .. } | Self::TaskEnded => Code::Internal,
        }
    }

    /// Returns what the reader can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotFound { .. } => {
                Some("List the sessions with list_sessions, or open one with open_session.".into())
            }
            Self::TabNotFound { open, .. } if open.is_empty() => {
                Some("Open a tab with new_tab.".into())
            }
            Self::TabNotFound { open, .. } => {
                let open: Vec<_> = open.iter().map(ToString::to_string).collect();
                Some(format!("The open tabs are {}.", open.join(", ")))
            }
            Self::CheckpointNotFound { .. } => {
                Some("List them with list_session_checkpoints.".into())
            }
            Self::Denied { id, denied, .. } => match denied {
                Denied::Stale | Denied::Failed | Denied::Closed => Some(format!(
                    "Run `browserd session resume {id}` to bring it back."
                )),
                Denied::NoCheckpoint => {
                    Some("It can't be brought back; close it and open a new session.".into())
                }
            },
            Self::KeyTaken { holder, .. } => Some(format!(
                "Close session {holder} first, or leave this one closed."
            )),
            Self::ProfileBusy { holder, .. } => Some(format!(
                "Close session {holder} first, or use another profile."
            )),
            Self::CdpUrl { .. } => Some(
                "Give http://127.0.0.1:PORT, or the ws:// URL that /json/version tells there. To \
                 reach another machine, forward its port to this one (`ssh -L`)."
                    .into(),
            ),
            Self::NoBrowserAt { .. } => Some(
                "Start it with --remote-debugging-port=PORT and a --user-data-dir of its own: with \
                 its default folder Chrome opens no port."
                    .into(),
            ),
            Self::OtherBrowser { .. } => Some(
                "It was started anew. To drive the new one, give http://ADDRESS as `cdp_url`."
                    .into(),
            ),
            Self::BrowserTaken { holder, .. } => {
                Some(format!("Use session {holder}, or close it first."))
            }
            Self::AnotherBrowser { id } => Some(format!(
                "Use another key, or close session {id} first."
            )),
            Self::AttachedLost { id, .. } => Some(format!(
                "If that same browser answers again, `browserd session resume {id}` links to it. \
                 Otherwise close the session and open one with the `cdp_url` of a browser that runs."
            )),
            Self::AttachedLeft { .. } => {
                Some("Open a session with that browser's `cdp_url` again.".into())
            }
            Self::NotHere { hint, .. } => Some((*hint).into()),
            Self::NotOfAttached { .. } => Some(
                "What such a browser holds is its owner's. Open a session without `cdp_url` to \
                 have its state kept."
                    .into(),
            ),
            Self::LimitReached { .. } => {
                Some("Close a session with close_session, or raise MAX_SESSIONS.".into())
            }
            Self::ShuttingDown => Some("Call again when the next daemon has started.".into()),
            Self::NotSent(_) => Some("Call again, with a longer deadline if need be.".into()),
            Self::OutcomeUnknown { .. } => {
                Some("Take a snapshot to see whether it was done, before doing it again.".into())
            }
            Self::Page(err) => err.hint(),
            Self::Chrome(err) => err.hint(),
            Self::Store(err) => err.hint(),
            Self::Checkpoint { .. } => {
                Some("An older one may do: list them with list_session_checkpoints.".into())
            }
            Self::NotRestored { .. } => Some("The daemon's log says why.".into()),
            Self::NothingKept => Some(
                "Take one with save_session_checkpoint, or name one of list_session_checkpoints."
                    .into(),
            ),
            Self::LastCheckpoint { .. } => Some(
                "Resume the session first: then what it holds is kept before this one goes.".into(),
            ),
            Self::NewestCheckpoint { .. } => Some(
                "Give `force` to lose what it holds, or resume the session first, so that what it \
                 holds is kept anew."
                    .into(),
            ),
            Self::OtherOrigin { wanted, .. } => Some(match wanted {
                Some(wanted) => format!("Open a page of {wanted} in the tab first."),
                None => "Open a page of the site in the tab first.".into(),
            }),
            Self::NoLogin { .. } | Self::LoginNotFound { .. } => {
                Some("List them with list_snapshots, or keep one with save_snapshot.".into())
            }
            Self::DownloadNotFound { .. } => Some("List them with list_downloads.".into()),
            Self::DownloadIncomplete { number, state, .. } => Some(match state {
                DownloadState::InProgress => {
                    format!("wait_for {{\"download\": \"d{number}\"}} waits until it is complete.")
                }
                _ => "What there was of it is gone; start it again.".to_owned(),
            }),
            Self::DownloadFile { .. } => {
                Some("Somebody else changed it; delete_download, and download it again.".into())
            }
            Self::NoDownload { .. } => {
                Some("Call again to go on waiting; list_downloads shows how they stand.".into())
            }
            Self::BecameDownload { number } => Some(match number {
                Some(number) => {
                    format!("wait_for {{\"download\": \"d{number}\"}} waits until it is complete.")
                }
                None => "list_downloads shows the session's downloads.".to_owned(),
            }),
            Self::LoginNotPlaced => Some("The daemon's log says why.".into()),
            Self::PageMoved { .. } => {
                Some("Take a snapshot to see where it is, and go on from there.".to_owned())
            }
            // The code's own hint says it.
            Self::ResultNotFound { .. }
            | Self::ResultExpired { .. }
            | Self::InvalidArgument { .. }
            | Self::Cdp(_)
            | Self::StateLost { .. }
            | Self::TaskEnded => None,
        }
    }

    /// Returns how long to wait before the same call may succeed, where that is known.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::LimitReached { .. } => Some(Duration::from_secs(5)),
            Self::ShuttingDown => Some(Duration::from_secs(1)),
            Self::Store(err) if matches!(**err, store::Error::Leased { .. }) => {
                Some(Duration::from_secs(1))
            }
            _ => None,
        }
    }

    /// Tells whether the error only says that the browser or its page went away meanwhile.
    #[must_use]
    pub(crate) fn is_loss(&self) -> bool {
        let lost = |err: &cdp::Error| matches!(err, cdp::Error::Lost(_) | cdp::Error::Ended(_));
        match self {
            Self::Cdp(err) => lost(err),
            Self::Page(err) => match &**err {
                page::Error::Cdp(err) => lost(err),
                page::Error::Crashed | page::Error::Gone => true,
                _ => false,
            },
            _ => false,
        }
    }

    /// Returns `word` of a stopped wait in which nothing was sent.
    pub(crate) const fn not_sent(stopped: Stopped) -> Self {
        Self::NotSent(stopped)
    }
}

impl From<page::Error> for Error {
    fn from(err: page::Error) -> Self {
        Self::Page(Arc::new(err))
    }
}

impl From<chrome::Error> for Error {
    fn from(err: chrome::Error) -> Self {
        Self::Chrome(Arc::new(err))
    }
}

impl From<cdp::Error> for Error {
    fn from(err: cdp::Error) -> Self {
        Self::Cdp(Arc::new(err))
    }
}

impl From<store::Error> for Error {
    fn from(err: store::Error) -> Self {
        match err {
            store::Error::KeyTaken { key, holder } => Self::KeyTaken { key, holder },
            err => Self::Store(Arc::new(err)),
        }
    }
}

const fn said(denied: Denied) -> &'static str {
    match denied {
        Denied::Stale => "is stale: its checkpoint is too old to come back unasked",
        Denied::Failed => "has failed and does not come back by itself",
        Denied::NoCheckpoint => "has no checkpoint it could come back from",
        Denied::Closed => "is closed",
    }
}

const fn gone_by(over: bool) -> &'static str {
    if over {
        "its time is over"
    } else {
        "it had to make room for newer ones, or its session was closed"
    }
}

fn elsewhere(wanted: Option<&str>, here: Option<&str>) -> String {
    match (wanted, here) {
        (Some(wanted), Some(here)) => format!(
            "the tab is on {here}: what {wanted} holds can't be read there, and isn't kept under \
             a wrong name"
        ),
        (Some(wanted), None) => format!("the tab shows no page that has storage of {wanted}"),
        (None, _) => "the tab shows no page of a site".to_owned(),
    }
}

fn why(detail: &Option<String>) -> String {
    detail
        .as_deref()
        .map(|detail| format!(" ({detail})"))
        .unwrap_or_default()
}

fn begun(number: Option<u32>) -> String {
    match number {
        Some(number) => format!("it has begun as d{number}"),
        None => "it has begun".to_owned(),
    }
}
