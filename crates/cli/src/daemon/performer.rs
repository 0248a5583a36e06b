//! The sessions, as what performs the daemon's operations.

use std::sync::Arc;

use api::{ApiError, OperationInfo};
use base::{Clock, Ctx, StateName, Tasks};
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use store::Store;

use crate::config::Config;
use crate::failure::Failure;
use crate::home::Home;

/// What performs operations.
pub struct Performer {}

impl Performer {
    /// Starts the sessions: what the last daemon left is looked after before it returns.
    pub async fn started(
        _home: &Home,
        _config: &Config,
        _store: &Store,
        _clock: Clock,
        _tasks: &Tasks,
    ) -> Result<Self, Failure> {
        Ok(Self {})
    }

    /// Returns it as dispatch needs it.
    pub fn operate(&self) -> Arc<dyn server::Operate> {
        Arc::new(Nothing)
    }

    /// Takes the last checkpoints and lets go of the browsers, or stops them.
    pub async fn shutdown(&self, _ctx: &Ctx, _browsers: bool) {}
}

struct Nothing;

impl server::Operate for Nothing {
    fn operate<'a>(
        &'a self,
        _ctx: &'a Ctx,
        operation: &'static OperationInfo,
        _arguments: Map<String, Value>,
    ) -> BoxFuture<'a, Result<Value, ApiError>> {
        Box::pin(async { Err(ApiError::not_available(operation.name)) })
    }

    fn states<'a>(&'a self, _ctx: &'a Ctx) -> BoxFuture<'a, Result<Vec<StateName>, ApiError>> {
        Box::pin(async { Ok(vec![]) })
    }
}
