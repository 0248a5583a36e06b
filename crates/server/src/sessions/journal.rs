//! What the journal keeps of a call's end, so that a caller who lost the answer gets it.

use api::{ApiError, Outcome, Retry};
use base::{CallId, Code, TaskKind};
use serde_json::Value;
use session::{CallState, InFlight};

use super::OnSessions;

/// The largest outcome that is kept; of a larger one only its state is.
const LARGEST: usize = 256 * 1024;

impl OnSessions {
    /// Stores what came of a call, and only then stops saying that it runs.
    pub(super) fn keep_outcome(
        &self,
        call: CallId,
        running: InFlight,
        result: &Result<Value, ApiError>,
    ) {
        let state = match result {
            Ok(_) => CallState::Done,
            Err(error) => state_of(error),
        };
        let bytes = kept(result);
        let sessions = self.sessions.clone();
        self.tasks.spawn(TaskKind::StoreWriter, async move {
            if let Err(err) = sessions.finish_call(call, state, bytes.as_deref()).await {
                tracing::warn!(%call, error = %err, "the outcome of a call could not be stored");
            }
            drop(running);
        });
    }
}

/// Returns an outcome as it is kept; `None` if it is too large.
pub(super) fn kept(result: &Result<Value, ApiError>) -> Option<Vec<u8>> {
    let outcome = match result {
        Ok(answer) => Outcome::Answer(answer.clone()),
        Err(error) => Outcome::Error(error.clone()),
    };
    let bytes = serde_json::to_vec(&outcome).ok();
    bytes.filter(|bytes| bytes.len() <= LARGEST)
}

/// Returns how far a call came that ended with this error.
pub(super) fn state_of(error: &ApiError) -> CallState {
    match (error.code, error.retry) {
        (Code::OutcomeUnknown, _) | (Code::Deadline, Retry::CheckFirst) => CallState::Unknown,
        (Code::Deadline | Code::ShuttingDown | Code::DiskFull, _) => CallState::NotStarted,
        _ => CallState::Failed,
    }
}
