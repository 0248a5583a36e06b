//! Operations: checkpoints, the journal, and what dispatch answers itself.

use api::{
    ApiError, Call, Checkpoints, CollectGarbage, CollectedGarbage, GetCall, GetStatus, InTab,
    ListSessionCheckpoints, SaveSessionCheckpoint, SavedCheckpoint, StopDaemon,
};
use base::{Ctx, SessionName};
use session::CallState;

use super::{Run, session_name};
use crate::sessions::OnSessions;
use crate::sessions::failure::failure;
use crate::sessions::wire::{self, Frame, framed};

impl Run<SaveSessionCheckpoint> for OnSessions {
    async fn run(
        &self,
        ctx: &Ctx,
        input: SaveSessionCheckpoint,
    ) -> Result<InTab<SavedCheckpoint>, ApiError> {
        let who = session_name(&input.session_id)?;
        let taken = self.sessions.checkpoint(ctx, &who, input.name).await;
        let checkpoint = wire::checkpoint(&taken.map_err(|err| failure(&err))?);
        let summary = self.sessions.get(&who).await.map_err(|err| failure(&err))?;
        Ok(framed(
            &Frame::about(&summary),
            SavedCheckpoint { checkpoint },
            &[],
        ))
    }
}

impl Run<ListSessionCheckpoints> for OnSessions {
    async fn run(
        &self,
        _ctx: &Ctx,
        input: ListSessionCheckpoints,
    ) -> Result<Checkpoints, ApiError> {
        let who = session_name(&input.session_id)?;
        let summary = self.sessions.get(&who).await.map_err(|err| failure(&err))?;
        let listed = self
            .sessions
            .checkpoints(&SessionName::Id(summary.id))
            .await;
        let checkpoints = listed.map_err(|err| failure(&err))?;
        Ok(Checkpoints {
            checkpoints: checkpoints.iter().map(wire::checkpoint).collect(),
            session_id: summary.id.to_string(),
            generation: summary.generation,
        })
    }
}

impl Run<GetCall> for OnSessions {
    async fn run(&self, _ctx: &Ctx, input: GetCall) -> Result<Call, ApiError> {
        let id = input.call_id.parse();
        let id = id.map_err(|err| ApiError::invalid(format!("`call_id`: {err}")))?;
        let record = self.sessions.call(id).await.map_err(|err| failure(&err))?;
        if record.state == CallState::NotStarted
            && let Some((operation, outcome)) = self.kv_outcome(id).await?
        {
            return Ok(Call {
                call_id: input.call_id,
                operation: Some(operation.to_owned()),
                // A claim or renewal without its answer may be repeated under its id: it is
                // done once, and answered from what is stored.
                state: match outcome {
                    Some(_) => api::CallState::Done,
                    None => api::CallState::NotStarted,
                },
                outcome,
            });
        }
        Ok(Call {
            call_id: input.call_id,
            operation: record.operation,
            state: match record.state {
                CallState::NotStarted => api::CallState::NotStarted,
                // Taken and still running: its end is to be waited for.
                CallState::Accepted | CallState::Sent => api::CallState::Sent,
                CallState::Done => api::CallState::Done,
                CallState::Failed => api::CallState::Failed,
                CallState::Unknown => api::CallState::Unknown,
            },
            outcome: record
                .outcome
                .and_then(|bytes| serde_json::from_slice(&bytes).ok()),
        })
    }
}

impl Run<GetStatus> for OnSessions {
    async fn run(&self, _ctx: &Ctx, _input: GetStatus) -> Result<api::DaemonStatus, ApiError> {
        // Dispatch answers for the daemon; sessions know nothing of it.
        Err(ApiError::not_available(
            "the status of the daemon, asked of its sessions,",
        ))
    }
}

impl Run<CollectGarbage> for OnSessions {
    async fn run(&self, _ctx: &Ctx, _input: CollectGarbage) -> Result<CollectedGarbage, ApiError> {
        let collected = self.sessions.collect().await;
        let collected = collected.map_err(|err| failure(&err))?;
        Ok(CollectedGarbage {
            checkpoints: collected.checkpoints,
            sessions: collected.sessions,
            logins: collected.logins,
            results: collected.results,
            leftovers: collected.leftovers,
        })
    }
}

impl Run<StopDaemon> for OnSessions {
    async fn run(&self, _ctx: &Ctx, _input: StopDaemon) -> Result<api::Stopping, ApiError> {
        Err(ApiError::not_available(
            "the end of the daemon, asked of its sessions,",
        ))
    }
}
