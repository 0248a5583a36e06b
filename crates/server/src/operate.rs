//! What dispatch needs from whatever performs operations.

use api::{ApiError, OperationInfo};
use base::{Ctx, StateName};
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};

/// Performs the operations that are about sessions.
pub trait Operate: Send + Sync {
    /// Performs one operation. Its arguments are in their plain form
    /// ([`api::arguments::resolve`]) and not yet read as its input.
    fn operate<'a>(
        &'a self,
        ctx: &'a Ctx,
        operation: &'static OperationInfo,
        arguments: Map<String, Value>,
    ) -> BoxFuture<'a, Result<Value, ApiError>>;

    /// Returns the state of every session there is.
    fn states<'a>(&'a self, ctx: &'a Ctx) -> BoxFuture<'a, Result<Vec<StateName>, ApiError>>;
}
