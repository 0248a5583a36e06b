//! Operations: new sessions from checkpoints, and checkpoints that are deleted.

use api::{ApiError, DeleteSessionCheckpoint, DeletedCheckpoint, ForkSession, ForkedSession};
use base::{CheckpointId, Ctx, SessionKey};
use session::Fork;

use super::restore::checkpoint_id;
use super::{Run, session_name};
use crate::sessions::OnSessions;
use crate::sessions::failure::failure;
use crate::sessions::wire;

impl Run<ForkSession> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: ForkSession) -> Result<ForkedSession, ApiError> {
        let who = session_name(&input.session_id)?;
        let fork = Fork {
            from: checkpoint_id(input.checkpoint_id.as_deref())?,
            key: session_key(input.key.as_deref())?,
            labels: input.labels.map(|labels| labels.into_iter().collect()),
        };
        let forked = self.sessions.fork(ctx, &who, fork).await;
        let forked = forked.map_err(|err| failure(&err))?;
        Ok(ForkedSession {
            session: self.show(&forked.session, None),
            forked_from: forked.source.to_string(),
            from_checkpoint: wire::checkpoint(&forked.checkpoint),
            skipped: forked.skipped.iter().map(ToString::to_string).collect(),
        })
    }
}

impl Run<DeleteSessionCheckpoint> for OnSessions {
    async fn run(
        &self,
        ctx: &Ctx,
        input: DeleteSessionCheckpoint,
    ) -> Result<DeletedCheckpoint, ApiError> {
        let who = session_name(&input.session_id)?;
        let id: CheckpointId = input
            .checkpoint_id
            .parse()
            .map_err(|err| ApiError::invalid(format!("`checkpoint_id`: {err}")))?;
        let force = input.force.unwrap_or(false);
        let deleted = self.sessions.delete_checkpoint(ctx, &who, id, force).await;
        let (summary, deleted) = deleted.map_err(|err| failure(&err))?;
        let now = self.clock.wall();
        Ok(DeletedCheckpoint {
            deleted: wire::checkpoint(&deleted.checkpoint),
            checkpoint: deleted
                .newest
                .as_ref()
                .map(|newest| wire::latest(newest, now)),
            session_id: summary.id.to_string(),
            generation: summary.generation,
        })
    }
}

/// Reads the key of a session that is to be made.
pub(super) fn session_key(text: Option<&str>) -> Result<Option<SessionKey>, ApiError> {
    let key = text.map(str::parse).transpose();
    key.map_err(|err| ApiError::invalid(format!("`key`: {err}")))
}
