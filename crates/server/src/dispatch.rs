//! The one funnel: every call of every door comes through [`Dispatch::invoke`].

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use api::{
    ApiError, Caller, DaemonStatus, GetCall, GetStatus, HandleDialog, Invoke, Limits, Operation,
    OperationInfo, StopDaemon, Stopping, arguments,
};
use base::{Clock, Code, Ctx, StateName, Timestamp};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;

use crate::audit::Entry;
use crate::operate::Operate;

/// How much longer than its deadline a call is waited for: who performs it knows better
/// whether anything was sent when the time was over.
const GRACE: Duration = Duration::from_secs(3);
/// Calls that must get through when all others are refused: they answer what others wait for.
const RESERVED: usize = 64;
/// The longest time any call may ask for.
pub(crate) const LONGEST_CALL: Duration = Duration::from_secs(600);

/// What the daemon says about itself.
#[derive(Clone, Debug)]
pub struct Daemon {
    /// Its version.
    pub version: String,
    /// Its process id.
    pub pid: u32,
    /// Where it serves HTTP, if it does.
    pub http_url: Option<String>,
    /// Its unix socket.
    pub socket: String,
    /// Its home.
    pub home: String,
    /// When it started.
    pub started_at: Timestamp,
}

/// The bounds of dispatch.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Calls that may run at one time.
    pub max_calls: usize,
    /// The time a call has unless it asks for another.
    pub call_limit: Duration,
    /// The largest body a request may have.
    pub max_body: usize,
    /// Sessions that may hold a browser at one time; only shown here.
    pub max_sessions: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_calls: 256,
            call_limit: Duration::from_secs(30),
            max_body: 32 * 1024 * 1024,
            max_sessions: 10,
        }
    }
}

/// Runs the calls of every door.
pub struct Dispatch {
    operate: Arc<dyn Operate>,
    daemon: Daemon,
    settings: Settings,
    clock: Clock,
    calls: Semaphore,
    reserved: Semaphore,
    closing: CancellationToken,
    stop: Box<dyn Fn(StopDaemon) + Send + Sync>,
}

impl Dispatch {
    /// Returns a funnel to `operate`. `stop` is told when a caller asks the daemon to end.
    #[must_use]
    pub fn new(
        operate: Arc<dyn Operate>,
        daemon: Daemon,
        settings: Settings,
        stop: impl Fn(StopDaemon) + Send + Sync + 'static,
    ) -> Self {
        Self {
            operate,
            daemon,
            clock: Clock::system(),
            calls: Semaphore::new(settings.max_calls),
            reserved: Semaphore::new(RESERVED),
            settings,
            closing: CancellationToken::new(),
            stop: Box::new(stop),
        }
    }

    /// Returns the bounds in force.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns what the daemon says about itself.
    #[must_use]
    pub const fn daemon(&self) -> &Daemon {
        &self.daemon
    }

    /// Refuses calls from now on. Those that run go on.
    pub fn close(&self) {
        self.closing.cancel();
    }

    /// Waits until no call runs. Call [`Dispatch::close`] first, or it may wait for ever.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn idle(&self) {
        let all = u32::try_from(self.settings.max_calls).unwrap_or(u32::MAX);
        // A semaphore that is never closed has nothing to refuse.
        drop(self.calls.acquire_many(all).await);
    }

    /// Tells whether the daemon can answer.
    ///
    /// # Errors
    /// `shutting_down`, or whatever keeps the sessions from being listed.
    pub async fn ready(&self, ctx: &Ctx) -> Result<(), ApiError> {
        self.refuse_when_closing(GetStatus::NAME)?;
        self.operate.states(ctx).await.map(drop)
    }

    /// Runs one call. Every front door comes through here.
    async fn run(
        &self,
        ctx: &Ctx,
        caller: &Caller,
        name: &str,
        arguments: Value,
    ) -> Result<Value, ApiError> {
        let mut entry = Entry::begin(ctx.call, caller, name, &self.clock);
        if let Some(session) = arguments.get("session_id").and_then(Value::as_str) {
            entry.about(session);
        }
        let result = self.admitted(ctx, name, arguments).await;
        entry.finish(&result);
        result
    }

    async fn admitted(&self, ctx: &Ctx, name: &str, arguments: Value) -> Result<Value, ApiError> {
        let (operation, mut arguments) = arguments::resolve(name, arguments)?;
        self.refuse_when_closing(operation.name)?;
        let _permit = self.enter(operation)?;
        let ctx = limited(ctx, &arguments);
        if operation.name != api::WaitFor::NAME {
            // The deadline is all it means; a wait also has to know it as its own limit.
            arguments.remove("timeout_ms");
        }
        match operation.name {
            GetStatus::NAME => self.status(&ctx).await,
            StopDaemon::NAME => {
                // To be told twice to stop is to be told to stop.
                arguments.remove(api::arguments::IDEMPOTENCY_KEY);
                self.stop(arguments)
            }
            _ => self.perform(&ctx, operation, arguments).await,
        }
    }

    fn refuse_when_closing(&self, name: &str) -> Result<(), ApiError> {
        let always = [GetStatus::NAME, StopDaemon::NAME];
        if self.closing.is_cancelled() && !always.contains(&name) {
            return Err(ApiError::new(Code::ShuttingDown, "the daemon is stopping"));
        }
        Ok(())
    }

    fn enter(&self, operation: &OperationInfo) -> Result<SemaphorePermit<'_>, ApiError> {
        let ordinary = self.calls.try_acquire();
        let permit = match ordinary {
            Err(_) if goes_first(operation.name) => self.reserved.try_acquire(),
            other => other,
        };
        permit.map_err(|_| {
            let limit = self.settings.max_calls;
            ApiError::new(
                Code::LimitReached,
                format!("{limit} calls are running, the most there may be"),
            )
            .hint("Repeat the call when others have ended.")
        })
    }

    /// Runs the operation and survives it: its panic is an error of this call alone.
    async fn perform(
        &self,
        ctx: &Ctx,
        operation: &'static OperationInfo,
        arguments: Map<String, Value>,
    ) -> Result<Value, ApiError> {
        let work = AssertUnwindSafe(self.operate.operate(ctx, operation, arguments)).catch_unwind();
        // Who performs the call watches its deadline and its cancel; this is the net below.
        let net = Ctx {
            deadline: ctx.deadline + GRACE,
            cancel: CancellationToken::new(),
            call: ctx.call,
        };
        match net.race(work).await {
            Ok(Ok(result)) => result,
            Ok(Err(_panic)) => {
                tracing::error!(operation = operation.name, call = %ctx.call, "an operation panicked");
                Err(ApiError::new(
                    Code::Internal,
                    format!("{} failed by a fault of browserd", operation.name),
                ))
            }
            Err(_stopped) => Err(ApiError::new(
                Code::Deadline,
                format!("{} did not end in the time it had", operation.name),
            )),
        }
    }

    async fn status(&self, ctx: &Ctx) -> Result<Value, ApiError> {
        let states = self.operate.states(ctx).await?;
        let mut by_state: BTreeMap<String, u64> = BTreeMap::new();
        for state in &states {
            *by_state.entry(state.as_str().to_owned()).or_default() += 1;
        }
        let open = states
            .iter()
            .filter(|state| **state != StateName::Closed)
            .count();
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let running = self
            .settings
            .max_calls
            .saturating_sub(self.calls.available_permits());
        encode(&DaemonStatus {
            version: self.daemon.version.clone(),
            running: true,
            pid: self.daemon.pid,
            http_url: self.daemon.http_url.clone(),
            socket: self.daemon.socket.clone(),
            home: self.daemon.home.clone(),
            started_at: self.daemon.started_at.to_string(),
            sessions: count(open),
            sessions_by_state: by_state,
            calls: count(running),
            limits: Limits {
                max_sessions: count(self.settings.max_sessions),
                max_calls: count(self.settings.max_calls),
                max_body_bytes: count(self.settings.max_body),
                call_limit_ms: u64::try_from(self.settings.call_limit.as_millis())
                    .unwrap_or(u64::MAX),
            },
        })
    }

    fn stop(&self, arguments: Map<String, Value>) -> Result<Value, ApiError> {
        let request = arguments::parse::<StopDaemon>(arguments)?;
        (self.stop)(request);
        encode(&Stopping {
            stopping: true,
            pid: self.daemon.pid,
        })
    }
}

impl Invoke for Dispatch {
    fn invoke<'a>(
        &'a self,
        ctx: &'a Ctx,
        caller: &'a Caller,
        operation: &'a str,
        arguments: Value,
    ) -> BoxFuture<'a, Result<Value, ApiError>> {
        Box::pin(self.run(ctx, caller, operation, arguments))
    }
}

impl std::fmt::Debug for Dispatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dispatch")
            .field("daemon", &self.daemon)
            .finish_non_exhaustive()
    }
}

/// Returns the time a call gets that says nothing of its deadline but in its arguments.
pub(crate) fn time_of(arguments: &Value, usual: Duration) -> Duration {
    // A wait ends by its own limit, a little before the call that makes it.
    let asked = arguments::time_asked(arguments).map(|asked| asked + Duration::from_secs(5));
    asked
        .map_or(usual, |asked| asked.max(usual))
        .min(LONGEST_CALL)
}

/// Writes an answer as JSON.
pub(crate) fn encode(answer: &impl serde::Serialize) -> Result<Value, ApiError> {
    serde_json::to_value(answer).map_err(|err| {
        ApiError::new(
            Code::Internal,
            format!("the answer can't be written: {err}"),
        )
    })
}

fn limited(ctx: &Ctx, arguments: &Map<String, Value>) -> Ctx {
    let asked = arguments
        .get("timeout_ms")
        .and_then(Value::as_u64)
        .map(Duration::from_millis);
    ctx.at_most(asked.unwrap_or(LONGEST_CALL).min(LONGEST_CALL))
}

/// What others may be waiting for must not wait behind them.
fn goes_first(name: &str) -> bool {
    let first = [
        HandleDialog::NAME,
        GetCall::NAME,
        GetStatus::NAME,
        StopDaemon::NAME,
        api::CloseSession::NAME,
        api::ListSessions::NAME,
        api::GetSession::NAME,
    ];
    first.contains(&name)
}
