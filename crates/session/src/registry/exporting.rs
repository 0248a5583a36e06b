//! A checkpoint as one file, and a session or a checkpoint from one.

use base::{CheckpointId, Ctx, Private, SessionId, SessionKey, SessionName};
use store::Whose;
use store::file::{self, Cover};
use tokio::sync::Semaphore;

use super::Sessions;
use super::forking::Founding;
use crate::Error;
use crate::cause::Cause;
use crate::checkpoint::carry::{Draft, Finished, Source};
use crate::checkpoint::{capture, export};
use crate::summary::{CheckpointInfo, Exported, Summary};

/// Files that are made or read at once: each holds its content in memory, and a key's cost.
static TURN: Semaphore = Semaphore::const_new(1);

/// What keeps a file from others.
#[derive(Clone, Debug)]
pub enum Keep {
    /// It is sealed under a passphrase.
    Passphrase(Private<String>),
    /// Nothing does.
    Bare,
}

/// What becomes of a file that is imported.
#[derive(Clone, Debug)]
pub struct Import {
    /// The file.
    pub file: Vec<u8>,
    /// What keeps it from others.
    pub keep: Keep,
    /// The key of the new session.
    pub key: Option<SessionKey>,
    /// The labels of the new session; `None` for those in the file.
    pub labels: Option<Vec<(String, String)>>,
}

impl Keep {
    fn cover(&self) -> Cover<'_> {
        match self {
            Self::Passphrase(text) => Cover::Passphrase(text.expose()),
            Self::Bare => Cover::Bare,
        }
    }
}

impl Sessions {
    /// Returns a checkpoint of a session as one file; without an id what the session is now.
    ///
    /// # Errors
    /// Those of [`Sessions::fork`], and those of `store::file`: too large, or a passphrase too
    /// short.
    ///
    /// # Cancel safety
    /// Yes; a living session may have been captured.
    pub async fn export(
        &self,
        ctx: &Ctx,
        who: &SessionName,
        from: Option<CheckpointId>,
        keep: Keep,
    ) -> Result<Exported, Error> {
        self.refuse_if_stopping()?;
        let (source, rows) = self.rows_of(ctx, who, from).await?;
        let mut failure = None;
        let _turn = ctx
            .race(TURN.acquire())
            .await
            .map_err(Error::not_sent)?
            .map_err(|_| Error::TaskEnded)?;
        for row in rows {
            let written = export::write(self.deps(), &row, &source.labels);
            match ctx.race(written).await.map_err(Error::not_sent)? {
                Ok(content) => {
                    let pack = move || file::pack(&content, keep.cover());
                    return Ok(Exported {
                        file: self.aside(ctx, pack).await?,
                        checkpoint: capture::info(&row),
                        session: source,
                    });
                }
                Err(err) => {
                    tracing::error!(checkpoint = %row.id, %err, "a checkpoint can't be exported");
                    failure.get_or_insert(err);
                }
            }
        }
        Err(failure.unwrap_or(match from {
            Some(id) => Error::CheckpointNotFound { id },
            None => Error::NothingKept,
        }))
    }

    /// Makes a new session from a file, at rest.
    ///
    /// # Errors
    /// Those of `store::file`, [`Error::KeyTaken`], and those of the store. There is no new
    /// session then.
    ///
    /// # Cancel safety
    /// The session may be made all the same; it is whole or not there.
    pub async fn import(&self, ctx: &Ctx, import: Import) -> Result<Summary, Error> {
        self.refuse_if_stopping()?;
        let turn = ctx.race(TURN.acquire()).await.map_err(Error::not_sent)?;
        let _turn = turn.map_err(|_| Error::TaskEnded)?;
        let Import {
            file,
            keep,
            key,
            labels,
        } = import;
        let imported = self.unpacked(ctx, file, keep).await?;
        let about = imported.about;
        let manifest = imported.manifest;
        let mut draft = Draft::new(self.deps(), SessionId::new(), Whose::New, manifest);
        let given = Source::Given(imported.parts.into_iter());
        let put = draft.put_all(self.deps(), given);
        ctx.race(put).await.map_err(Error::not_sent)??;
        let founding = Founding {
            draft,
            key,
            labels: labels.unwrap_or_else(|| about.labels.into_iter().collect()),
            cause: Cause::Imported,
            name: about.name,
            detail: Some(format!(
                "from a file with a checkpoint of {}",
                about.taken_at
            )),
            operation: "import_checkpoint",
        };
        self.found(ctx, founding).await
    }

    /// Adds the checkpoint in a file to those of a session. The session goes on as it is: it
    /// comes back to what it came back to before, and to this one if that is asked for.
    ///
    /// # Errors
    /// [`Error::NotFound`], those of `store::file` and of the store.
    ///
    /// # Cancel safety
    /// It may be added all the same.
    pub async fn import_into(
        &self,
        ctx: &Ctx,
        who: &SessionName,
        file: Vec<u8>,
        keep: Keep,
    ) -> Result<(Summary, CheckpointInfo), Error> {
        self.refuse_if_stopping()?;
        let summary = self.get(who).await?;
        let turn = ctx.race(TURN.acquire()).await.map_err(Error::not_sent)?;
        let _turn = turn.map_err(|_| Error::TaskEnded)?;
        let imported = self.unpacked(ctx, file, keep).await?;
        let deps = self.deps();
        let mut draft = Draft::new(deps, summary.id, Whose::Known, imported.manifest);
        let put = draft.put_all(deps, Source::Given(imported.parts.into_iter()));
        ctx.race(put).await.map_err(Error::not_sent)??;
        let name = imported.about.name;
        let finished = draft.finish(deps, store::EXPLICIT, name, summary.generation)?;
        let Finished {
            checkpoint, making, ..
        } = finished;
        let info = capture::info(&checkpoint.row);
        self.record(ctx.call, Some(summary.id), "import_checkpoint")
            .await?;
        deps.store.checkpoints().publish_beside(checkpoint).await?;
        making.done();
        Ok((summary, info))
    }

    async fn unpacked(
        &self,
        ctx: &Ctx,
        file: Vec<u8>,
        keep: Keep,
    ) -> Result<export::Imported, Error> {
        let unpack = move || file::unpack(&file, keep.cover());
        let content = self.aside(ctx, unpack).await?;
        export::read(&content)
    }

    /// Does work that takes a processor for a while on a thread of its own.
    async fn aside<T: Send + 'static>(
        &self,
        ctx: &Ctx,
        work: impl FnOnce() -> Result<T, store::Error> + Send + 'static,
    ) -> Result<T, Error> {
        let done = ctx.race(self.deps().tasks.blocking(work)).await;
        let done = done.map_err(Error::not_sent)?;
        Ok(done.map_err(|_| Error::TaskEnded)??)
    }
}
