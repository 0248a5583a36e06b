//! Operations performed on the daemon's sessions: wire types to [`session`]'s own and back.
//!
//! ```text
//!   run      one short function per operation
//!   action   interact and the waits: from flat arguments to a page's action
//!   wire     what is answered
//!   failure  what went wrong
//!   journal  a mutating call is known while it runs, and its outcome after it
//! ```

mod action;
mod failure;
mod journal;
mod run;
mod wire;

use api::{ApiError, Effect, Operation, OperationInfo, arguments};
use base::{Clock, Code, Ctx, StateName, Tasks};
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use session::{Filter, Sessions};

use crate::Operate;
use crate::dispatch::encode;
use failure::failure;
use run::Run;

/// Performs operations on the sessions of a home.
#[derive(Clone)]
pub struct OnSessions {
    sessions: Sessions,
    clock: Clock,
    tasks: Tasks,
}

impl OnSessions {
    /// Returns what performs operations on `sessions`.
    #[must_use]
    pub const fn new(sessions: Sessions, clock: Clock, tasks: Tasks) -> Self {
        Self {
            sessions,
            clock,
            tasks,
        }
    }

    async fn typed<O>(&self, ctx: &Ctx, arguments: Map<String, Value>) -> Result<Value, ApiError>
    where
        O: Operation,
        Self: Run<O>,
    {
        let input = arguments::parse::<O>(arguments)?;
        if O::EFFECT == Effect::Read {
            return encode(&self.run(ctx, input).await?);
        }
        let running = self.sessions.enter_call(ctx.call).ok_or_else(|| {
            ApiError::new(
                Code::OutcomeUnknown,
                format!("the call {} is running already", ctx.call),
            )
            .hint("Ask get_call what came of it.")
        })?;
        let result = match self.run(ctx, input).await {
            Ok(output) => encode(&output),
            Err(error) => Err(error),
        };
        // The answer doesn't wait for its record: a crash in between leaves `sent`, which the
        // next daemon turns into the truth or into `unknown`.
        self.keep_outcome(ctx.call, running, &result);
        result
    }
}

impl Operate for OnSessions {
    fn operate<'a>(
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
