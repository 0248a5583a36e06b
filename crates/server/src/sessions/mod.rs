//! Operations performed on the daemon's sessions: wire types to [`session`]'s own and back.
//!
//! ```text
//!   run      one short function per operation
//!   action   interact and the waits: from flat arguments to a page's action
//!   wire     what is answered
//!   failure  what went wrong
//!   journal  a mutating call is known while it runs, and its outcome after it
//!   reading  parts of what was kept of large answers
//!   keyed    a call with an idempotency key is done once
//! ```

mod action;
mod canonical;
mod failure;
mod journal;
mod keyed;
mod reading;
mod run;
mod wire;

use api::arguments::{self, IDEMPOTENCY_KEY};
use api::{ApiError, Effect, Operation, OperationInfo};
use base::{CallId, Clock, Code, Ctx, StateName, Tasks};
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use session::{Filter, InFlight, Sessions};

use crate::Operate;
use crate::dispatch::encode;
use failure::failure;
pub(crate) use reading::head;
use run::Run;

/// Performs operations on the sessions of a home.
#[derive(Clone)]
pub struct OnSessions {
    sessions: Sessions,
    clock: Clock,
    tasks: Tasks,
    under_way: keyed::UnderWay,
}

impl OnSessions {
    /// Returns what performs operations on `sessions`.
    #[must_use]
    pub fn new(sessions: Sessions, clock: Clock, tasks: Tasks) -> Self {
        Self {
            sessions,
            clock,
            tasks,
            under_way: keyed::UnderWay::default(),
        }
    }

    async fn typed<O>(&self, ctx: &Ctx, arguments: Map<String, Value>) -> Result<Value, ApiError>
    where
        O: Operation,
        Self: Run<O>,
    {
        let input = arguments::parse::<O>(arguments)?;
        encode(&self.run(ctx, input).await?)
    }

    /// Performs an operation, and tells nobody of it but its caller.
    fn plain<'a>(
        &'a self,
        ctx: &'a Ctx,
        operation: &'static OperationInfo,
        arguments: Map<String, Value>,
    ) -> BoxFuture<'a, Result<Value, ApiError>> {
        macro_rules! by_name {
            ($($operation:ident,)*) => {
                match operation.name {
                    $(<api::$operation as Operation>::NAME => {
                        Box::pin(self.typed::<api::$operation>(ctx, arguments))
                    })*
                    name => Box::pin(async move { Err(ApiError::not_available(name)) }),
                }
            };
        }
        // An operation of the list that has no `Run` does not compile.
        api::each_operation!(by_name)
    }

    /// Performs an operation that changes something; the journal knows of it by the call's id.
    async fn journalled(
        &self,
        ctx: &Ctx,
        operation: &'static OperationInfo,
        arguments: Map<String, Value>,
    ) -> Result<Value, ApiError> {
        let running = self.enter(ctx.call)?;
        let result = self.plain(ctx, operation, arguments).await;
        // The answer doesn't wait for its record: a crash in between leaves `sent`, which the
        // next daemon turns into the truth or into `unknown`.
        self.keep_outcome(ctx.call, running, &result);
        result
    }

    fn enter(&self, call: CallId) -> Result<InFlight, ApiError> {
        self.sessions.enter_call(call).ok_or_else(|| {
            ApiError::new(
                Code::OutcomeUnknown,
                format!("the call {call} is running already"),
            )
            .hint("Ask get_call what came of it.")
        })
    }
}

impl Operate for OnSessions {
    fn operate<'a>(
        &'a self,
        ctx: &'a Ctx,
        operation: &'static OperationInfo,
        mut arguments: Map<String, Value>,
    ) -> BoxFuture<'a, Result<Value, ApiError>> {
        // What only reads may be repeated anyhow, and then tells what is so now.
        match (operation.effect, arguments.remove(IDEMPOTENCY_KEY)) {
            (Effect::Read, _) => self.plain(ctx, operation, arguments),
            (_, Some(Value::String(key))) => {
                Box::pin(async move { self.once(ctx, operation, arguments, &key).await })
            }
            _ => Box::pin(self.journalled(ctx, operation, arguments)),
        }
    }

    fn states<'a>(&'a self, _ctx: &'a Ctx) -> BoxFuture<'a, Result<Vec<StateName>, ApiError>> {
        Box::pin(async {
            let all = self
                .sessions
                .list(&Filter::All)
                .await
                .map_err(|err| failure(&err))?;
            Ok(all.sessions.iter().map(|session| session.state).collect())
        })
    }
}

impl std::fmt::Debug for OnSessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OnSessions").finish_non_exhaustive()
    }
}
