//! One line in the log for each call: who, what, how it ended, how long it took. No values.

use std::time::Duration;

use api::{ApiError, Caller};
use base::{CallId, Clock, Instant};

/// A call on its way. Dropped unfinished it is written as *abandoned*: the caller hung up.
#[derive(Debug)]
pub(crate) struct Entry {
    call: CallId,
    caller: Caller,
    operation: String,
    session: Option<String>,
    clock: Clock,
    begun: Instant,
    finished: bool,
}

impl Entry {
    /// Begins the entry of a call.
    pub(crate) fn begin(call: CallId, caller: &Caller, operation: &str, clock: &Clock) -> Self {
        Self {
            call,
            caller: caller.clone(),
            operation: operation.chars().take(64).collect(),
            session: None,
            clock: clock.clone(),
            begun: clock.instant(),
            finished: false,
        }
    }

    /// Says which session the call is about, as the caller named it.
    pub(crate) fn about(&mut self, session: &str) {
        self.session = Some(session.chars().take(128).collect());
    }

    /// Writes how the call ended.
    pub(crate) fn finish<T>(mut self, result: &Result<T, ApiError>) {
        self.finished = true;
        self.write(match result {
            Ok(_) => "done",
            Err(err) => err.code.as_str(),
        });
    }

    fn write(&self, outcome: &str) {
        let took: Duration = self.clock.instant().saturating_duration_since(self.begun);
        tracing::info!(
            target: "browserd::audit",
            operation = %self.operation,
            session = self.session.as_deref().unwrap_or("-"),
            call = %self.call,
            door = self.caller.door.as_str(),
            caller = %self.caller.name,
            outcome,
            took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            "call"
        );
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if !self.finished {
            self.write("abandoned");
        }
    }
}
