//! Operations: Playwright's `storageState`, both ways.

use api::{
    ApiError, ExportStorageState, ExportedStorageState, ImportStorageState, ImportedStorageState,
};
use base::Ctx;

use super::fork::session_key;
use super::restore::checkpoint_id;
use super::{Run, session_name};
use crate::sessions::OnSessions;
use crate::sessions::failure::failure;
use crate::sessions::wire;

impl Run<ExportStorageState> for OnSessions {
    async fn run(
        &self,
        ctx: &Ctx,
        input: ExportStorageState,
    ) -> Result<ExportedStorageState, ApiError> {
        let who = session_name(&input.session_id)?;
        let from = checkpoint_id(input.checkpoint_id.as_deref())?;
        let written = self.sessions.storage_state(ctx, &who, from).await;
        let (summary, checkpoint, storage_state, left_out) =
            written.map_err(|err| failure(&err))?;
        Ok(ExportedStorageState {
            storage_state,
            left_out,
            checkpoint: wire::checkpoint(&checkpoint),
            session_id: summary.id.to_string(),
            generation: summary.generation,
        })
    }
}

impl Run<ImportStorageState> for OnSessions {
    async fn run(
        &self,
        ctx: &Ctx,
        input: ImportStorageState,
    ) -> Result<ImportedStorageState, ApiError> {
        let key = session_key(input.key.as_deref())?;
        let labels = input.labels.unwrap_or_default().into_iter().collect();
        let made = self
            .sessions
            .from_storage_state(ctx, &input.storage_state, key, labels)
            .await;
        let (summary, left_out) = made.map_err(|err| failure(&err))?;
        Ok(ImportedStorageState {
            session: self.show(&summary, None),
            left_out,
        })
    }
}
