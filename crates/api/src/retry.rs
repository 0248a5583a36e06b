//! What a code means over HTTP and to a caller who thinks of trying again. Both tables are
//! total: a new code does not compile before it is decided here.

use base::Code;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a caller who got an error should do before asking again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// The same call will fail the same way.
    Never,
    /// The call did nothing; it may be repeated unchanged.
    Same,
    /// Take a new snapshot, then ask again with a new ref.
    AfterSnapshot,
    /// The call may have taken effect; look before repeating it.
    CheckFirst,
    /// The call did nothing; repeat it after `retry_after_ms`.
    After,
}

impl Retry {
    /// Returns the answer as it is printed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Same => "same",
            Self::AfterSnapshot => "after_snapshot",
            Self::CheckFirst => "check_first",
            Self::After => "after",
        }
    }
}

/// Returns the HTTP status of a code.
#[must_use]
pub const fn http_status(code: Code) -> u16 {
    match code {
        Code::InvalidArgument | Code::BadUrl => 400,
        Code::Unauthorized => 401,
        Code::SessionNotFound
        | Code::TabNotFound
        | Code::CheckpointNotFound
        | Code::DownloadNotFound
        | Code::ResultNotFound => 404,
        Code::RefStale
        | Code::PageMoved
        | Code::NotActionable
        | Code::Stale
        | Code::Failed
        | Code::Closed
        | Code::NoCheckpoint
        | Code::KeyTaken
        | Code::ProfileBusy
        | Code::Conflict
        | Code::LeaseLost
        | Code::DialogOpen
        | Code::OutcomeUnknown
        | Code::DownloadIncomplete => 409,
        Code::ResultExpired => 410,
        Code::BodyTooLarge => 413,
        Code::IdempotencyMismatch => 422,
        Code::LimitReached => 429,
        Code::Internal | Code::Corrupt | Code::WrongKey => 500,
        Code::NotAvailable => 501,
        Code::NavigationFailed => 502,
        // The last two are met at start-up only, by a daemon that then ends.
        Code::ShuttingDown | Code::BrowserMissing | Code::HomeLocked | Code::PortInUse => 503,
        Code::Deadline => 504,
        Code::DiskFull => 507,
    }
}

/// Returns what a code says about trying again, unless the error at hand knows better.
#[must_use]
pub const fn retry(code: Code) -> Retry {
    match code {
        Code::InvalidArgument
        | Code::BadUrl
        | Code::Unauthorized
        | Code::SessionNotFound
        | Code::TabNotFound
        | Code::CheckpointNotFound
        | Code::DownloadNotFound
        | Code::ResultNotFound
        | Code::ResultExpired
        | Code::Stale
        | Code::Failed
        | Code::Closed
        | Code::NoCheckpoint
        | Code::KeyTaken
        | Code::ProfileBusy
        | Code::Conflict
        | Code::LeaseLost
        | Code::IdempotencyMismatch
        | Code::BodyTooLarge
        | Code::Corrupt
        | Code::WrongKey
        | Code::NotAvailable
        | Code::BrowserMissing
        | Code::HomeLocked
        | Code::PortInUse => Retry::Never,
        Code::RefStale | Code::PageMoved | Code::NotActionable => Retry::AfterSnapshot,
        Code::DialogOpen
        | Code::OutcomeUnknown
        | Code::DownloadIncomplete
        | Code::Internal
        | Code::NavigationFailed
        | Code::Deadline => Retry::CheckFirst,
        Code::LimitReached | Code::ShuttingDown => Retry::After,
        Code::DiskFull => Retry::Same,
    }
}
