//! Calls with an idempotency key: done once, and every repeat gets what the first one came to.
//!
//! ```text
//!   under way here? ── yes ─▶ wait for it                      (same arguments, else mismatch)
//!        │ no
//!   begin (durable) ─▶ held: its outcome, or outcome_unknown
//!        │ to be done
//!   a task of its own: run ─▶ store the outcome (durable) ─▶ tell everybody who waits
//! ```
//!
//! The task outlives its caller: who hangs up and repeats the call waits for the first one and
//! gets its answer. It ends by its own deadline.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::{ApiError, Operation, OperationInfo, Outcome, Retry};
use base::{Code, Ctx, TaskKind};
use serde_json::{Map, Value};
use session::{Begun, CallPrint, CallRow, CallState, Unsent};
use tokio::sync::watch;

use super::failure::failure;
use super::journal::{kept, state_of};
use super::{OnSessions, canonical};

/// Calls with a key that may be under way at a time, their callers gone or not.
const MOST: usize = 256;
/// How long a call's own end may come after its deadline: it knows better what it sent.
const AFTER_DEADLINE: Duration = Duration::from_millis(2500);

type Told = Option<Result<Value, ApiError>>;

/// The calls with a key that are under way.
#[derive(Clone, Default)]
pub(super) struct UnderWay(Arc<Mutex<HashMap<[u8; 32], First>>>);

struct First {
    arguments: [u8; 32],
    operation: &'static str,
    told: watch::Receiver<Told>,
}

/// The first call of a key, on its way. Dropped, the key is nobody's here.
struct Turn {
    under_way: UnderWay,
    key: [u8; 32],
    tell: watch::Sender<Told>,
}

enum Entered {
    First(Turn),
    Behind(watch::Receiver<Told>),
}

impl UnderWay {
    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], First>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, print: &CallPrint, operation: &'static str) -> Result<Entered, ApiError> {
        let mut calls = self.lock();
        if let Some(first) = calls.get(&print.key) {
            if first.arguments != print.arguments {
                return Err(mismatch(first.operation));
            }
            return Ok(Entered::Behind(first.told.clone()));
        }
        if MOST <= calls.len() {
            return Err(ApiError::new(
                Code::LimitReached,
                format!("{MOST} calls with an idempotency key are running, the most there may be"),
            )
            .hint("Repeat the call when others have ended."));
        }
        let (tell, told) = watch::channel(None);
        let first = First {
            arguments: print.arguments,
            operation,
            told,
        };
        calls.insert(print.key, first);
        Ok(Entered::First(Turn {
            under_way: self.clone(),
            key: print.key,
            tell,
        }))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.under_way.lock().remove(&self.key);
    }
}

impl OnSessions {
    /// Does a call once, whoever else asks for it with the same key, and whenever.
    pub(super) async fn once(
        &self,
        ctx: &Ctx,
        operation: &'static OperationInfo,
        arguments: Map<String, Value>,
        key: &str,
    ) -> Result<Value, ApiError> {
        let call = format!("{} {}", operation.name, canonical::text(&arguments));
        let print = self.sessions.print_call(key, &call).await;
        let print = print.map_err(|err| failure(&err))?;
        let mut told = match self.under_way.enter(&print, operation.name)? {
            Entered::Behind(told) => told,
            Entered::First(turn) => {
                let told = turn.tell.subscribe();
                let first = Ctx {
                    cancel: self.tasks.shutdown().child_token(),
                    ..ctx.clone()
                };
                let this = self.clone();
                self.tasks.spawn(TaskKind::Call, async move {
                    let result = this.first(&first, operation, arguments, print).await;
                    turn.tell.send_replace(Some(result));
                });
                told
            }
        };
        let patient = Ctx {
            deadline: ctx.deadline + AFTER_DEADLINE,
            ..ctx.clone()
        };
        match patient.race(told.wait_for(Option::is_some)).await {
            Ok(Ok(told)) => told.clone().unwrap_or_else(|| Err(broken(operation.name))),
            Ok(Err(_panicked)) => Err(broken(operation.name)),
            Err(_stopped) => Err(ApiError::new(
                Code::Deadline,
                format!(
                    "the first {} of this idempotency key has not ended yet",
                    operation.name
                ),
            )
            .hint("Repeat the call with the same key to get its outcome.")),
        }
    }

    async fn first(
        &self,
        ctx: &Ctx,
        operation: &'static OperationInfo,
        arguments: Map<String, Value>,
        print: CallPrint,
    ) -> Result<Value, ApiError> {
        let begun = self.sessions.begin_keyed(ctx.call, print, operation.name);
        let call = match begun.await.map_err(|err| failure(&err))? {
            Begun::Do(call) => call,
            Begun::Held(row) => return self.outcome_of(ctx, &row).await,
            Begun::Other(other) => return Err(mismatch(&other)),
        };
        let ctx = Ctx {
            call,
            ..ctx.clone()
        };
        let marked = !tells_itself(operation.name);
        // Until its end is stored nobody may take it for lost.
        let running = self.enter(call)?;
        let sent = match marked {
            true => self.sessions.send_keyed(call, operation.name).await,
            false => Ok(()),
        };
        let result = match sent {
            Ok(()) => self.plain(&ctx, operation, arguments).await,
            Err(err) => Err(failure(&err)),
        };
        let (state, unsent) = end_of(operation.name, marked, &result);
        let outcome = kept(&result);
        let ended = self
            .sessions
            .end_keyed(call, state, outcome.as_deref(), unsent);
        if let Err(err) = ended.await {
            // It stays as it is known: sent, so never done again.
            tracing::error!(%call, error = %err, "the outcome of a call with a key could not be stored");
        }
        drop(running);
        result
    }

    /// Returns what a call came to that held the key before.
    async fn outcome_of(&self, ctx: &Ctx, row: &CallRow) -> Result<Value, ApiError> {
        let mut state = row.state;
        let mut outcome = row.outcome.clone();
        if state == CallState::Sent {
            // Its daemon died. The reply its browser gave meanwhile may still be on its way.
            if let Some(session) = row.session {
                let settled = self.sessions.settled(ctx, session).await;
                settled.map_err(|err| failure(&err))?;
            }
            let record = self.sessions.call(row.id).await;
            let record = record.map_err(|err| failure(&err))?;
            (state, outcome) = (record.state, record.outcome);
        }
        let outcome = outcome.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        match outcome {
            Some(Outcome::Answer(answer)) => Ok(answer),
            Some(Outcome::Error(error)) => Err(error),
            None => Err(untold(row, state)),
        }
    }
}

/// Tells whether an operation's call says itself when it has its first effect, or may be
/// repeated without harm. Of all others a call that was cut off is of unknown outcome.
fn tells_itself(operation: &str) -> bool {
    let journalled = [
        // The journal's gate stands before the first byte that can change a page.
        api::Navigate::NAME,
        api::Interact::NAME,
        api::Evaluate::NAME,
        api::NewTab::NAME,
        api::CloseTab::NAME,
        api::HandleDialog::NAME,
        // It says so before its first step.
        api::Batch::NAME,
        // Its session's row says it.
        api::OpenSession::NAME,
        // Their changes are stored with the call's id, and done once by it.
        api::KvSet::NAME,
        api::KvDelete::NAME,
        api::KvClear::NAME,
        api::KvClaim::NAME,
        api::KvRenew::NAME,
        api::KvFinish::NAME,
        api::KvRelease::NAME,
    ];
    let harmless = [
        api::ActivateTab::NAME,
        api::CloseSession::NAME,
        api::ParkSession::NAME,
        api::Keepalive::NAME,
        api::Emulate::NAME,
        api::SetViewport::NAME,
        api::SetGeolocation::NAME,
        api::SetDialogPolicy::NAME,
        api::SetHeaders::NAME,
        api::RecordBodies::NAME,
        api::SetHttpCredentials::NAME,
        api::CollectGarbage::NAME,
        api::StopDaemon::NAME,
    ];
    journalled.contains(&operation) || harmless.contains(&operation)
}

/// Returns how a call ended, and what becomes of its key if nothing of it was sent.
fn end_of(operation: &str, marked: bool, result: &Result<Value, ApiError>) -> (CallState, Unsent) {
    let Err(error) = result else {
        return (CallState::Done, Unsent::Free);
    };
    let mut state = state_of(error);
    if state == CallState::NotStarted {
        if marked && error.code == Code::Deadline {
            // It was asked for, and may come to its end by itself.
            state = CallState::Unknown;
        } else if operation == api::OpenSession::NAME {
            // The session may have been made all the same; if not, nothing was recorded.
            state = CallState::Failed;
        }
    }
    // Who doesn't know what came of it can't say that nothing did.
    let unsure = state == CallState::Unknown || error.code == Code::Internal;
    let unsent = if unsure { Unsent::Stays } else { Unsent::Free };
    (state, unsent)
}

fn mismatch(operation: &str) -> ApiError {
    ApiError::new(
        Code::IdempotencyMismatch,
        format!("the idempotency key came before, with another call of {operation}"),
    )
}

fn broken(operation: &str) -> ApiError {
    ApiError::new(
        Code::Internal,
        format!("{operation} failed by a fault of browserd"),
    )
}

/// Says what is known of a call whose outcome isn't kept.
fn untold(row: &CallRow, state: CallState) -> ApiError {
    let told = match state {
        CallState::Done => "was done; its answer is not kept: it was too large, or was lost",
        CallState::Failed => "failed; its error was lost",
        _ => "was sent, and its end was not seen",
    };
    let operation = &row.operation;
    let error = ApiError::new(
        Code::OutcomeUnknown,
        format!("the first {operation} of this idempotency key {told}"),
    )
    .retry(Retry::CheckFirst);
    match row.session {
        Some(session) => error.hint(format!(
            "Look at session {session} before you do it again, under another key."
        )),
        None => error.hint("Look whether it was done before you do it again, under another key."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINT: CallPrint = CallPrint {
        key: [1; 32],
        arguments: [2; 32],
    };

    #[test]
    fn the_second_call_of_a_key_waits_for_the_first_and_another_is_refused() {
        let under_way = UnderWay::default();
        let Ok(Entered::First(turn)) = under_way.enter(&PRINT, "interact") else {
            panic!("it is the first");
        };
        let Ok(Entered::Behind(told)) = under_way.enter(&PRINT, "interact") else {
            panic!("it comes behind");
        };
        let other = CallPrint {
            arguments: [3; 32],
            ..PRINT
        };
        let refused = under_way.enter(&other, "navigate").err().unwrap();
        assert_eq!(refused.code, Code::IdempotencyMismatch);
        assert!(refused.message.contains("interact"), "{refused}");
        turn.tell.send_replace(Some(Ok(Value::from(7))));
        drop(turn);
        assert_eq!(*told.borrow(), Some(Ok(Value::from(7))));
        assert!(matches!(
            under_way.enter(&other, "navigate"),
            Ok(Entered::First(_))
        ));
    }

    #[test]
    fn no_more_than_so_many_are_under_way() {
        let under_way = UnderWay::default();
        let print = |n: usize| {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&n.to_le_bytes());
            CallPrint { key, ..PRINT }
        };
        let turns: Vec<_> = (0..MOST)
            .map(|n| under_way.enter(&print(n), "interact"))
            .collect();
        assert!(turns.iter().all(Result::is_ok));
        let refused = under_way.enter(&print(MOST), "interact").err().unwrap();
        assert_eq!(refused.code, Code::LimitReached);
    }

    #[test]
    fn only_a_call_that_surely_did_nothing_frees_its_key() {
        let check = |operation, marked, error, expect| {
            assert_eq!(
                end_of(operation, marked, &Err(error)),
                expect,
                "{operation}"
            );
        };
        let refused = || ApiError::new(Code::RefStale, "gone");
        check(
            "interact",
            false,
            refused(),
            (CallState::Failed, Unsent::Free),
        );
        let late = || ApiError::new(Code::Deadline, "late").retry(Retry::Same);
        check(
            "interact",
            false,
            late(),
            (CallState::NotStarted, Unsent::Free),
        );
        check(
            "open_session",
            false,
            late(),
            (CallState::Failed, Unsent::Free),
        );
        check(
            "save_session_checkpoint",
            true,
            late(),
            (CallState::Unknown, Unsent::Stays),
        );
        let fault = ApiError::new(Code::Internal, "a fault");
        check("kv_set", false, fault, (CallState::Failed, Unsent::Stays));
        let unknown = ApiError::new(Code::OutcomeUnknown, "who knows");
        check(
            "interact",
            false,
            unknown,
            (CallState::Unknown, Unsent::Stays),
        );
    }
}
