//! Playwright's `storageState` from a checkpoint, and a session from one.

use base::{CheckpointId, Ctx, SessionId, SessionKey, SessionName};
use serde_json::Value;
use store::Whose;

use super::Sessions;
use super::forking::Founding;
use crate::Error;
use crate::cause::Cause;
use crate::checkpoint::carry::{Draft, Source};
use crate::checkpoint::{capture, restore, storage_state};
use crate::summary::{CheckpointInfo, Summary};

impl Sessions {
    /// Returns what of a checkpoint Playwright's `storageState` can hold, and by name what it
    /// can't; without an id of what the session is now.
    ///
    /// # Errors
    /// Those of [`Sessions::fork`].
    ///
    /// # Cancel safety
    /// Yes; a living session may have been captured.
    pub async fn storage_state(
        &self,
        ctx: &Ctx,
        who: &SessionName,
        from: Option<CheckpointId>,
    ) -> Result<(Summary, CheckpointInfo, Value, Vec<String>), Error> {
        self.refuse_if_stopping()?;
        let (source, rows) = self.rows_of(ctx, who, from).await?;
        let mut failure = None;
        for row in rows {
            match restore::read_one(self.deps(), row).await {
                Ok(content) => {
                    let (state, left_out) = storage_state::write(&content)?;
                    return Ok((source, capture::info(&content.row), state, left_out));
                }
                Err(err) => failure = failure.or(Some(err)),
            }
        }
        Err(failure.unwrap_or(match from {
            Some(id) => Error::CheckpointNotFound { id },
            None => Error::NothingKept,
        }))
    }

    /// Makes a new session from a `storageState`, at rest; tells what of it was left out.
    ///
    /// # Errors
    /// [`Error::KeyTaken`], and `invalid_argument` for what isn't a `storageState`. There is no
    /// new session then.
    ///
    /// # Cancel safety
    /// The session may be made all the same; it is whole or not there.
    pub async fn from_storage_state(
        &self,
        ctx: &Ctx,
        state: &Value,
        key: Option<SessionKey>,
        labels: Vec<(String, String)>,
    ) -> Result<(Summary, Vec<String>), Error> {
        self.refuse_if_stopping()?;
        let taken = storage_state::read(state)?;
        let id = SessionId::new();
        let mut draft = Draft::new(self.deps(), id, Whose::New, taken.manifest);
        let put = draft.put_all(self.deps(), Source::Given(taken.parts.into_iter()));
        ctx.race(put).await.map_err(Error::not_sent)??;
        let founding = Founding {
            draft,
            key,
            labels,
            cause: Cause::Imported,
            name: None,
            detail: Some("from a Playwright storageState".to_owned()),
            operation: "import_storage_state",
        };
        Ok((self.found(ctx, founding).await?, taken.left_out))
    }
}
