//! What a call can come to besides its answer, by how far it came.

use std::io;

use api::ApiError;
use base::{CallId, Code};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No daemon listens there. Nothing was sent.
    #[error("no daemon answers at {address}")]
    Unavailable {
        /// Where it was looked for.
        address: String,
        /// What connecting met.
        #[source]
        source: io::Error,
    },
    /// The connection ended, or the time was over, before the request had left.
    #[error("the call was not sent")]
    NotSent {
        /// What stood in the way.
        #[source]
        source: Cut,
    },
    /// The request was sent and no answer came: `get_call` knows what became of it.
    #[error("the call {call} was sent, and its end is not known")]
    OutcomeUnknown {
        /// The call's id.
        call: CallId,
        /// What cut it off.
        #[source]
        cut: Cut,
    },
    /// The daemon refused the call, or it failed there.
    #[error("{0}")]
    Refused(ApiError),
    /// The arguments can't be written as JSON.
    #[error("the arguments can't be written")]
    Encode {
        /// What is wrong with them.
        #[source]
        source: serde_json::Error,
    },
    /// The answer isn't what this version of the client expects.
    #[error("the answer can't be read")]
    Decode {
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

/// What cut a call off.
#[derive(Debug, thiserror::Error)]
pub enum Cut {
    /// The connection broke.
    #[error("the connection to the daemon broke")]
    Broken(#[source] hyper::Error),
    /// The deadline passed, or the caller cancelled.
    #[error(transparent)]
    Stopped(#[from] base::Stopped),
    /// The answer is larger than a client takes.
    #[error("the answer is over {limit} bytes")]
    TooLarge {
        /// The most it takes.
        limit: usize,
    },
}

impl Error {
    /// Tells whether nothing of the call has left: it may be repeated as it is.
    #[must_use]
    pub const fn is_unsent(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::NotSent { .. })
    }
}

impl From<Error> for ApiError {
    fn from(err: Error) -> Self {
        let told = err.to_string();
        match err {
            Error::Refused(error) => error,
            Error::NotSent {
                source: Cut::Stopped(_),
            } => Self::new(
                Code::Deadline,
                "the deadline passed before the call was sent",
            )
            .retry(api::Retry::Same)
            .hint("Repeat the call with more time."),
            Error::Unavailable { .. } | Error::NotSent { .. } => {
                Self::new(Code::ShuttingDown, told)
                    .hint("Start the daemon with `browserd serve`, then repeat the call.")
            }
            Error::OutcomeUnknown { .. } => Self::new(Code::OutcomeUnknown, told),
            Error::Encode { .. } => Self::invalid(told),
            Error::Decode { .. } => Self::new(Code::Internal, told),
        }
    }
}
