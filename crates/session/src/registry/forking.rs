//! Forking: a new session from a checkpoint of another one.
//!
//! The new session has a key, parts and rows of its own, so nothing that becomes of the other
//! one can reach it. It is stored in one transaction, at rest; its first call brings it up.

use base::{CheckpointId, Ctx, Private, SessionId, SessionKey, SessionName, StateName};
use store::{CheckpointRow, SessionRow};

use super::Sessions;
use crate::Error;
use crate::cause::Cause;
use crate::checkpoint::capture;
use crate::checkpoint::carry::{self, Draft, Finished};
use crate::command::{Command, Resume, Wanted};
use crate::session::Begin;
use crate::summary::{Forked, Summary};

/// The name of the version that a fork of a living session is made from.
const NAME: &str = "Autosave · fork";

/// What a new session is made from, and with.
#[derive(Clone, Debug, Default)]
pub struct Fork {
    /// The checkpoint; `None` for what the session is now.
    pub from: Option<CheckpointId>,
    /// The key of the new session.
    pub key: Option<SessionKey>,
    /// The labels of the new session; `None` for those of the other one.
    pub labels: Option<Vec<(String, String)>>,
}

/// A session that is to be stored with its first checkpoint.
pub(super) struct Founding {
    pub draft: Draft,
    pub key: Option<SessionKey>,
    pub labels: Vec<(String, String)>,
    pub cause: Cause,
    pub name: Option<String>,
    pub detail: Option<String>,
    pub operation: &'static str,
}

impl Sessions {
    /// Makes a new session from a checkpoint of another one, open or closed.
    ///
    /// Without a checkpoint's id it is made from what the session is now: a living one is
    /// captured, of one at rest the newest checkpoint that isn't damaged is taken.
    ///
    /// # Errors
    /// [`Error::CheckpointNotFound`], [`Error::KeyTaken`], and those of the capture and of
    /// reading the checkpoint. There is no new session then.
    ///
    /// # Cancel safety
    /// The session may be made all the same; it is whole or not there.
    pub async fn fork(&self, ctx: &Ctx, who: &SessionName, fork: Fork) -> Result<Forked, Error> {
        self.refuse_if_stopping()?;
        let (source, rows) = self.rows_of(ctx, who, fork.from).await?;
        let mut skipped = vec![];
        let mut failure = None;
        for row in rows {
            let id = row.id;
            // An answer that nobody waits for any more isn't worked for.
            let copied = ctx
                .race(carry::copy(self.deps(), &row, SessionId::new()))
                .await
                .map_err(Error::not_sent)?;
            match copied {
                Ok(draft) => {
                    let founding = Founding {
                        draft,
                        key: fork.key,
                        labels: fork.labels.unwrap_or(source.labels),
                        cause: Cause::Forked,
                        name: row.name.as_ref().map(|name| name.expose().clone()),
                        detail: Some(format!("from checkpoint {id} of session {}", source.id)),
                        operation: "fork_session",
                    };
                    return Ok(Forked {
                        session: self.found(ctx, founding).await?,
                        source: source.id,
                        checkpoint: capture::info(&row),
                        skipped,
                    });
                }
                Err(err) => {
                    if self.deps().store.checkpoints().get(id).await?.is_none() {
                        // Collected or deleted while it was copied.
                        failure.get_or_insert(Error::CheckpointNotFound { id });
                        continue;
                    }
                    tracing::error!(checkpoint = %id, %err, "a checkpoint can't be copied");
                    skipped.push(id);
                    failure.get_or_insert(err);
                }
            }
        }
        Err(failure.unwrap_or(match fork.from {
            Some(id) => Error::CheckpointNotFound { id },
            None => Error::NothingKept,
        }))
    }

    /// Returns a session and the checkpoints that may be meant, the one to try first first. A
    /// living session is captured if none is named.
    pub(super) async fn rows_of(
        &self,
        ctx: &Ctx,
        who: &SessionName,
        from: Option<CheckpointId>,
    ) -> Result<(Summary, Vec<CheckpointRow>), Error> {
        let summary = self.get(who).await?;
        let mut meant = from;
        if from.is_none() && summary.state.holds_browser() {
            let handle = self.find(&SessionName::Id(summary.id)).await?;
            let resume = Resume::No;
            let wake = |reply| Command::Wake { resume, reply };
            handle.ask(ctx, wake).await??;
            // A version of its own: the rolling one may be replaced while it is copied.
            let wanted = Wanted {
                cause: "fork",
                name: Some(NAME.to_owned()),
                kept: true,
            };
            let taken = handle
                .ask(ctx, |reply| Command::Checkpoint { wanted, reply })
                .await??;
            meant = Some(taken.id);
        }
        let mut rows = self.deps().store.checkpoints().list(summary.id).await?.rows;
        if let Some(id) = meant {
            rows.retain(|row| row.id == id);
        }
        Ok((summary, rows))
    }

    /// Stores a new session with its first checkpoint, at rest.
    pub(super) async fn found(&self, ctx: &Ctx, founding: Founding) -> Result<Summary, Error> {
        let deps = self.deps();
        let id = founding.draft.session;
        let finished = founding
            .draft
            .finish(deps, founding.cause.as_str(), founding.name, 1)?;
        let Finished {
            checkpoint,
            making,
            active,
            place,
            next_tab,
        } = finished;
        let (url, title) =
            place.unwrap_or_else(|| ("about:blank".to_owned().into(), String::new().into()));
        let now = deps.clock.wall();
        let row = SessionRow {
            id,
            key: founding.key,
            profile: None,
            labels: founding.labels,
            state: StateName::Recoverable,
            cause: founding.cause.to_string(),
            detail: founding.detail.map(Private::new),
            generation: 1,
            created_at: now,
            last_activity: now,
            closed_at: None,
            call_count: 0,
            url,
            title,
            browser: None,
            active_tab: active.map(base::TabId),
            next_tab,
            latest_checkpoint: Some(checkpoint.row.id),
            recovered: None,
            recovered_told: true,
            failures: 0,
            lifetime: store::Lifetime::default(),
            attached: None,
        };
        let turn = self.inner.turn.lock();
        let _turn = ctx.race(turn).await.map_err(Error::not_sent)?;
        self.refuse_if_stopping()?;
        // The journal first: a repeated call must find that this one was made.
        self.record(ctx.call, Some(id), founding.operation).await?;
        let newest = capture::info(&checkpoint.row);
        deps.store.checkpoints().found(&row, checkpoint).await?;
        making.done();
        let mut summary = self.spawn(row, vec![], None, Begin::Rest).summary();
        // Its task may not have looked yet.
        summary.checkpoint = Some(newest);
        Ok(summary)
    }
}
