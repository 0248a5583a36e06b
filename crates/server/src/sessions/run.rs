//! Each operation, in a few lines.

mod batch;
mod download;
mod file;
mod fork;
mod kv;
mod lifecycle;
mod login;
mod logs;
mod page;
mod pdf;
mod record;
mod requests;
mod restore;
mod result;
mod settings;
mod storage_state;
mod tab;
mod view;

use api::{ApiError, Operation, Session};
use base::{Code, Ctx, SessionName, TabId};
use session::{Act, Acted, Recovered, Summary};

use super::failure::failure;
use super::{OnSessions, wire};

/// Performs one operation. Who performs operations has one for each.
pub(super) trait Run<O: Operation> {
    /// Runs it.
    fn run(&self, ctx: &Ctx, input: O) -> impl Future<Output = Result<O::Output, ApiError>> + Send;
}

impl OnSessions {
    async fn act(
        &self,
        ctx: &Ctx,
        who: &str,
        tab: Option<&str>,
        act: Act,
    ) -> Result<Acted, ApiError> {
        let (who, tab) = (session_name(who)?, tab.map(tab_id).transpose()?);
        self.sessions
            .act(ctx, &who, tab, act)
            .await
            .map_err(|err| failure(&err))
    }

    fn show(&self, summary: &Summary, recovered: Option<&Recovered>) -> Session {
        let mut session = wire::session(summary, self.clock.wall());
        session.recovered = recovered.map(wire::recovered);
        session
    }
}

fn session_name(text: &str) -> Result<SessionName, ApiError> {
    text.parse()
        .map_err(|err| ApiError::invalid(format!("`session_id`: {err}")))
}

fn tab_id(text: &str) -> Result<TabId, ApiError> {
    text.parse()
        .map_err(|err| ApiError::invalid(format!("`tab_id`: {err}")))
}

/// An act came to something else than it can: a fault of ours.
fn other_outcome() -> ApiError {
    ApiError::new(
        Code::Internal,
        "the session answered with something else than was asked",
    )
}
