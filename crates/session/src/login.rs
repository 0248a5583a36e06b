//! Logins: one origin's cookies and storage, kept by profile and origin apart from any session.
//!
//! ```text
//!   origin   which origin a text or a page means, and which cookies are its own
//!   content  what is stored of a login: parts and manifest
//!   save     from a tab that shows the origin to the store
//!   restore  from the store into a living browser
//! ```
//!
//! What it can't bring back: service workers and their caches, storage of frames of other
//! sites, and what a capture can't take either (`docs/design/checkpoints.md`).

mod content;
mod origin;
mod restore;
mod save;

use base::{CheckpointId, Part, Private, TabId, Timestamp};

pub use content::Login;
pub(crate) use content::{find, info, read};
pub(crate) use origin::origin;
pub(crate) use restore::restore;
pub(crate) use save::save;

/// The profile under which a session without one keeps its logins.
pub const DEFAULT_PROFILE: &str = "default";

/// What is to be saved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SaveLogin {
    /// The profile it is kept under.
    pub profile: String,
    /// The origin that the caller means; `None` for the one the tab is on.
    pub origin: Option<Private<String>>,
    /// A name: it then goes only by deletion or age.
    pub name: Option<String>,
}

/// A login without its content.
#[derive(Clone, Debug)]
pub struct LoginInfo {
    /// Its id.
    pub id: CheckpointId,
    /// The profile it is kept under.
    pub profile: String,
    /// Its origin.
    pub origin: Private<String>,
    /// The name its saver gave it.
    pub name: Option<Private<String>>,
    /// When it was saved.
    pub taken_at: Timestamp,
    /// Its size, unsealed, shared parts counted in full.
    pub bytes: u64,
}

/// What a save came to.
#[derive(Clone, Debug)]
pub struct SavedLogin {
    /// The login.
    pub login: LoginInfo,
    /// How many cookies are in it.
    pub cookies: usize,
    /// What the origin has that isn't in it.
    pub lost: Vec<Part>,
}

/// What putting a login in place came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlacedLogin {
    /// What was put in place and read back.
    pub restored: Vec<Part>,
    /// What of it wasn't, and what the pages that were loaded again have lost.
    pub lost: Vec<Part>,
    /// Cookies that had expired meanwhile, and were left out.
    pub expired: usize,
    /// Tabs whose page was loaded again.
    pub reloaded: Vec<TabId>,
}
