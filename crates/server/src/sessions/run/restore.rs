//! Operations: back to a chosen checkpoint.

use api::{ApiError, RestoreSessionCheckpoint, RestoredSession};
use base::{CheckpointId, Ctx};

use super::{Run, session_name};
use crate::sessions::OnSessions;
use crate::sessions::failure::failure;
use crate::sessions::wire;

impl Run<RestoreSessionCheckpoint> for OnSessions {
    async fn run(
        &self,
        ctx: &Ctx,
        input: RestoreSessionCheckpoint,
    ) -> Result<RestoredSession, ApiError> {
        let who = session_name(&input.session_id)?;
        let from = checkpoint_id(input.checkpoint_id.as_deref())?;
        let restored = self.sessions.restore(ctx, &who, from).await;
        let (summary, restored) = restored.map_err(|err| failure(&err))?;
        Ok(RestoredSession {
            session: self.show(&summary, restored.recovered.as_ref()),
            restored_from: wire::checkpoint(&restored.checkpoint),
            skipped: restored.skipped.iter().map(ToString::to_string).collect(),
        })
    }
}

/// Reads the id of a checkpoint.
pub(super) fn checkpoint_id(text: Option<&str>) -> Result<Option<CheckpointId>, ApiError> {
    let id = text.map(str::parse).transpose();
    id.map_err(|err| ApiError::invalid(format!("`checkpoint_id`: {err}")))
}
