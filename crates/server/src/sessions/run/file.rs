//! Operations: checkpoints as files.

use api::{
    ApiError, ExportCheckpoint, ExportedCheckpoint, ImportCheckpoint, ImportedCheckpoint,
    Passphrase,
};
use base::{Code, Ctx};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use session::{Import, Keep};

use super::fork::session_key;
use super::restore::checkpoint_id;
use super::{Run, session_name};
use crate::sessions::OnSessions;
use crate::sessions::failure::failure;
use crate::sessions::wire;

const WARNING: &str = "The file is not sealed: whoever has it has every login, cookie and stored value in it. \
Delete it when it is no longer needed.";

impl Run<ExportCheckpoint> for OnSessions {
    async fn run(
        &self,
        ctx: &Ctx,
        input: ExportCheckpoint,
    ) -> Result<ExportedCheckpoint, ApiError> {
        let who = session_name(&input.session_id)?;
        let from = checkpoint_id(input.checkpoint_id.as_deref())?;
        let keep = kept_by(input.passphrase, input.unsealed)?;
        let sealed = matches!(keep, Keep::Passphrase(_));
        let exported = self.sessions.export(ctx, &who, from, keep).await;
        let exported = exported.map_err(|err| failure(&err))?;
        Ok(ExportedCheckpoint {
            bytes: exported.file.len() as u64,
            file: STANDARD.encode(&exported.file),
            sealed,
            warning: (!sealed).then(|| WARNING.to_owned()),
            checkpoint: wire::checkpoint(&exported.checkpoint),
            session_id: exported.session.id.to_string(),
            generation: exported.session.generation,
        })
    }
}

impl Run<ImportCheckpoint> for OnSessions {
    async fn run(
        &self,
        ctx: &Ctx,
        input: ImportCheckpoint,
    ) -> Result<ImportedCheckpoint, ApiError> {
        let keep = kept_by(input.passphrase, input.unsealed)?;
        let file = STANDARD
            .decode(input.file.as_bytes())
            .map_err(|err| ApiError::invalid(format!("`file` is not base64: {err}")))?;
        let Some(into) = input.session_id else {
            let import = Import {
                file,
                keep,
                key: session_key(input.key.as_deref())?,
                labels: input.labels.map(|labels| labels.into_iter().collect()),
            };
            let made = self.sessions.import(ctx, import).await;
            return Ok(ImportedCheckpoint {
                session: self.show(&made.map_err(|err| failure(&err))?, None),
                imported: None,
            });
        };
        if input.key.is_some() || input.labels.is_some() {
            return Err(ApiError::invalid(
                "`key` and `labels` are for a new session, not for the one of `session_id`",
            ));
        }
        let who = session_name(&into)?;
        let added = self.sessions.import_into(ctx, &who, file, keep).await;
        let (summary, imported) = added.map_err(|err| failure(&err))?;
        Ok(ImportedCheckpoint {
            session: self.show(&summary, None),
            imported: Some(wire::checkpoint(&imported)),
        })
    }
}

/// Reads what keeps a file from others; leaving it bare has to be said.
fn kept_by(passphrase: Option<Passphrase>, unsealed: Option<bool>) -> Result<Keep, ApiError> {
    match (passphrase, unsealed.unwrap_or(false)) {
        (Some(Passphrase(text)), false) => Ok(Keep::Passphrase(text.into())),
        (None, true) => Ok(Keep::Bare),
        (Some(_), true) => Err(ApiError::invalid(
            "give `passphrase` or `unsealed`, not both",
        )),
        (None, false) => Err(
            ApiError::new(Code::InvalidArgument, "there is no `passphrase`")
                .hint("Give one, or say `unsealed` if the file may be read by whoever has it."),
        ),
    }
}
