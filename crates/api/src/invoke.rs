//! The one thing a front needs: something that runs operations by name.

use base::Ctx;
use futures_util::future::BoxFuture;
use serde_json::Value;

use crate::{ApiError, Caller};

/// Runs operations. The daemon's dispatch is one, the client of a daemon another.
pub trait Invoke: Send + Sync {
    /// Runs `operation` with `arguments` (an object) and returns its answer (an object).
    ///
    /// Dropping the future takes the caller away: the call ends where it stands, and what it
    /// has sent to the browser may still take effect.
    fn invoke<'a>(
        &'a self,
        ctx: &'a Ctx,
        caller: &'a Caller,
        operation: &'a str,
        arguments: Value,
    ) -> BoxFuture<'a, Result<Value, ApiError>>;
}

/// The header that names a call, so that it can be looked up when its answer was lost.
pub const CALL_ID_HEADER: &str = "browserd-call-id";
/// The header that says what `idempotency_key` does among the arguments.
pub const IDEMPOTENCY_HEADER: &str = "idempotency-key";
/// The header that carries the time a call still has, in milliseconds.
pub const DEADLINE_HEADER: &str = "browserd-deadline-ms";
