//! An [`Invoke`] that outlives the daemon: it starts or joins the next one, and looks up
//! what became of a call that was cut off.
//!
//! ```text
//!   send ──▶ answered ─────────────────────────────▶ the answer
//!    ▲  ├──▶ not sent, or shutting down ─▶ start or join ─┐
//!    │  └──▶ cut off: a read ────────────▶ start or join ─┤
//!    │        else get_call: not_started ─────────────────┤
//!    └────────────────────────────────────────────────────┘
//!             done, failed ▶ what was recorded    sent ▶ ask again    unknown ▶ outcome_unknown
//! ```
//!
//! Everything happens within the call's own deadline. A mutating call is repeated only when
//! the journal says that nothing of it had begun.

use std::time::Duration;

use api::{ApiError, Call, CallState, Caller, Effect, GetCall, Invoke, Operation as _, Outcome};
use base::{CallId, Code, Ctx};
use futures_util::future::BoxFuture;
use serde_json::Value;

use crate::{Client, Error};

/// The pause before something is tried again that just didn't work.
const PAUSE: Duration = Duration::from_millis(20);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Makes sure that a daemon runs.
pub trait Start: Send + Sync {
    /// Starts the daemon, or finds that another has started it, and returns when it answers.
    fn start<'a>(&'a self, ctx: &'a Ctx) -> BoxFuture<'a, Result<(), ApiError>>;
}

/// A client that starts or joins the daemon whenever there is none.
#[derive(Debug)]
pub struct Rejoin<S> {
    client: Client,
    start: S,
}

impl<S: Start> Rejoin<S> {
    /// Returns an [`Invoke`] over `client` that makes daemons appear by `start`.
    #[must_use]
    pub const fn new(client: Client, start: S) -> Self {
        Self { client, start }
    }

    async fn run(&self, ctx: &Ctx, operation: &str, arguments: &Value) -> Result<Value, ApiError> {
        let mut pause = PAUSE;
        loop {
            match self.client.send(ctx, operation, arguments).await {
                Ok(answer) => return Ok(answer),
                Err(Error::Refused(error)) if error.code == Code::ShuttingDown => {
                    tracing::debug!(
                        operation,
                        "the daemon is stopping; the next one is waited for"
                    );
                }
                Err(err) if err.is_unsent() => {
                    tracing::debug!(operation, error = %err, "no daemon; one is started or joined");
                    if ctx.remaining().is_zero() {
                        return Err(err.into());
                    }
                    self.start.start(ctx).await?;
                }
                Err(Error::OutcomeUnknown { .. }) if ctx.remaining().is_zero() => {
                    return Err(too_late(operation));
                }
                Err(Error::OutcomeUnknown { call, cut }) => {
                    tracing::info!(operation, %call, %cut, "a call was cut off");
                    if let Some(outcome) = self.what_became(ctx, operation, call).await {
                        return outcome;
                    }
                }
                Err(err) => return Err(err.into()),
            }
            // Only waiting is left of the call, so its own deadline is the bound.
            if ctx.pause(pause).await.is_err() {
                return Err(not_sent_in_time());
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Returns what became of a call that was cut off; `None` if it may be repeated.
    async fn what_became(
        &self,
        ctx: &Ctx,
        operation: &str,
        call: CallId,
    ) -> Option<Result<Value, ApiError>> {
        if effect(operation) == Some(Effect::Read) {
            return None;
        }
        let mut pause = PAUSE;
        loop {
            match self.look_up(ctx, call).await {
                Ok(Call {
                    state: CallState::NotStarted,
                    ..
                }) => return None,
                Ok(Call {
                    outcome: Some(Outcome::Answer(answer)),
                    ..
                }) => return Some(Ok(answer)),
                Ok(Call {
                    outcome: Some(Outcome::Error(error)),
                    ..
                }) => return Some(Err(error)),
                // It runs on, or the daemon is still asking the browser what became of it.
                Ok(Call {
                    state: CallState::Sent,
                    ..
                }) => {}
                Ok(Call { state, .. }) => return Some(Err(cut_off(operation, state))),
                Err(error) => {
                    tracing::debug!(%call, %error, "a call that was cut off can't be looked up yet");
                }
            }
            if ctx.pause(pause).await.is_err() {
                return Some(Err(cut_off(operation, CallState::Unknown)));
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn look_up(&self, ctx: &Ctx, call: CallId) -> Result<Call, ApiError> {
        // The question is a call of its own, within the same time.
        let ctx = Ctx {
            call: CallId::new(),
            ..ctx.clone()
        };
        let question = GetCall {
            call_id: call.to_string(),
        };
        match self.client.call(&ctx, &question).await {
            Err(err) if err.is_unsent() => {
                self.start.start(&ctx).await?;
                Ok(self.client.call(&ctx, &question).await?)
            }
            answer => Ok(answer?),
        }
    }
}

impl<S: Start> Invoke for Rejoin<S> {
    fn invoke<'a>(
        &'a self,
        ctx: &'a Ctx,
        _caller: &'a Caller,
        operation: &'a str,
        arguments: Value,
    ) -> BoxFuture<'a, Result<Value, ApiError>> {
        Box::pin(async move { self.run(ctx, operation, &arguments).await })
    }
}

fn effect(operation: &str) -> Option<Effect> {
    if operation == GetCall::NAME {
        return Some(Effect::Read);
    }
    let name = api::alias(operation).map_or(operation, |alias| alias.operation);
    api::find(name).map(|operation| operation.effect)
}

fn cut_off(operation: &str, state: CallState) -> ApiError {
    let told = match state {
        CallState::Done => "was done, and its answer was lost with the daemon",
        CallState::Failed => "failed, and its error was lost with the daemon",
        CallState::Sent | CallState::Unknown | CallState::NotStarted => {
            "was sent when the daemon went away, and its end was not seen"
        }
    };
    ApiError::new(Code::OutcomeUnknown, format!("{operation} {told}"))
}

fn too_late(operation: &str) -> ApiError {
    ApiError::new(
        Code::Deadline,
        format!("{operation} was sent, and no answer came in time"),
    )
}

fn not_sent_in_time() -> ApiError {
    ApiError::new(
        Code::Deadline,
        "no daemon could be reached in the time there was",
    )
    .retry(api::Retry::Same)
    .hint("Run `browserd doctor`; the daemon's own log is daemon.log in its home.")
}
