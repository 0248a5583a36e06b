//! What the journal knows of calls, and which of them are under way.

use base::{CallId, SessionId};
use store::{CallRow, CallState};

use super::Sessions;
use crate::Error;

/// What the journal knows of a call.
#[derive(Clone, Debug)]
pub struct CallRecord {
    /// How far it came.
    pub state: CallState,
    /// Its operation.
    pub operation: Option<String>,
    /// What [`Sessions::finish_call`] was given.
    pub outcome: Option<Vec<u8>>,
}

/// A call under way; until it is dropped the journal says so.
pub struct InFlight {
    sessions: Sessions,
    call: CallId,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.sessions.in_flight().remove(&self.call);
    }
}

impl Sessions {
    pub(super) async fn record(
        &self,
        call: CallId,
        session: Option<SessionId>,
        operation: &str,
    ) -> Result<(), Error> {
        let row = CallRow {
            id: call,
            session,
            operation: operation.to_owned(),
            state: CallState::Sent,
            epoch: self.deps().config.epoch,
            cdp_id: None,
            cdp_session: None,
            at: self.deps().clock.wall(),
            outcome: None,
        };
        Ok(self.deps().store.calls().record(&row).await?)
    }

    /// Stores that a call is about to have effects which no page's gate will tell of.
    ///
    /// # Errors
    /// Those of the store.
    ///
    /// # Cancel safety
    /// Yes: it is stored or not.
    pub async fn begin_call(&self, call: CallId, operation: &str) -> Result<(), Error> {
        self.record(call, None, operation).await
    }

    /// Says that a call is under way, so that nobody takes it for lost.
    ///
    /// Returns `None` if a call of that id is under way already.
    #[must_use]
    pub fn enter_call(&self, call: CallId) -> Option<InFlight> {
        let new = self.in_flight().insert(call);
        new.then(|| InFlight {
            sessions: self.clone(),
            call,
        })
    }

    /// Returns what the journal knows of a call.
    ///
    /// # Errors
    /// Those of the store.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn call(&self, call: CallId) -> Result<CallRecord, Error> {
        let under_way = self.in_flight().contains(&call);
        let row = self.deps().store.calls().get(call).await?;
        let mut record = match row {
            Some(row) => CallRecord {
                state: row.state,
                operation: Some(row.operation),
                outcome: row.outcome,
            },
            None if under_way => CallRecord {
                state: CallState::Accepted,
                operation: None,
                outcome: None,
            },
            // Never recorded, and nobody has it: not a byte of it was sent.
            None => CallRecord {
                state: CallState::NotStarted,
                operation: None,
                outcome: None,
            },
        };
        // Whoever had it is gone, and no reply to it was kept.
        if record.state.is_open() && !under_way {
            record.state = match record.state {
                CallState::Accepted => CallState::NotStarted,
                _ => CallState::Unknown,
            };
        }
        Ok(record)
    }

    /// Stores what came of a call, if it was recorded at all.
    ///
    /// # Errors
    /// Those of the store.
    ///
    /// # Cancel safety
    /// It may be stored all the same.
    pub async fn finish_call(
        &self,
        call: CallId,
        state: CallState,
        outcome: Option<&[u8]>,
    ) -> Result<(), Error> {
        match self.deps().store.calls().finish(call, state, outcome).await {
            Ok(_) | Err(store::Error::NotFound { .. }) => Ok(()),
            Err(err) => Err(err.into()),
        }
    }
}
