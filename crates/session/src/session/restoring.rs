//! Restoring a checkpoint that a caller chose, into the same session.
//!
//! ```text
//! choose and read it ──▶ keep what is now ──▶ new browser, filled ──▶ it is the newest now
//!      │ can't be read       │ can't be kept        │ can't be filled
//!      ▼                     ▼                      ▼
//!    refused, nothing is changed             what was kept comes back
//! ```
//!
//! The old browser ends only when both checkpoints are known to be whole. A daemon that dies
//! in between leaves the row at `recovering` with the kept state as its newest checkpoint.

use std::sync::Arc;

use base::{CheckpointId, Private, SessionId, TaskKind};
use store::{CheckpointRow, Unpublished};
use tokio::sync::oneshot;

use super::Session;
use super::done::{Done, Then};
use crate::Error;
use crate::checkpoint::capture;
use crate::checkpoint::restore::{self, Content};
use crate::deps::Deps;
use crate::state::{Fact, LinkId, State};
use crate::summary::{CheckpointInfo, Restored};

/// The name of what a session was before a restore.
pub(super) const BEFORE_RESTORE: &str = "Autosave · before restore";

/// A checkpoint that can be restored.
pub(super) struct Chosen {
    from: CheckpointInfo,
    skipped: Vec<CheckpointId>,
    /// What a session without a browser was, kept.
    kept: Option<CheckpointInfo>,
}

/// A restore that waits, or is under way.
pub(super) struct Asked {
    chosen: Chosen,
    begun: bool,
    /// The checkpoint that a browser was filled from.
    restored: Option<CheckpointId>,
    reply: oneshot::Sender<Result<Restored, Error>>,
}

impl Session {
    pub(super) fn restore(
        &mut self,
        from: Option<CheckpointId>,
        reply: oneshot::Sender<Result<Restored, Error>>,
    ) {
        let between = matches!(
            self.state,
            State::Starting { .. } | State::Reconnecting { .. } | State::Recovering { .. }
        );
        if self.closing.has_begun() || between {
            let refused = self.refusal();
            self.reply(reply, Err(refused));
            return;
        }
        let (deps, session) = (Arc::clone(&self.deps), self.row.id);
        let rests = self.live.is_none();
        self.spawn_work(TaskKind::Checkpoint, async move {
            let result = choose(&deps, session, from, rests).await;
            Done::Chosen { result, reply }
        });
    }

    pub(super) fn on_chosen(
        &mut self,
        result: Result<Chosen, Error>,
        reply: oneshot::Sender<Result<Restored, Error>>,
    ) {
        let chosen = match result {
            Ok(chosen) => chosen,
            Err(err) => {
                self.reply(reply, Err(err));
                return;
            }
        };
        if let Some(kept) = &chosen.kept {
            self.capturing.set_newest(kept.clone());
            self.save_row = true;
        }
        if self.restore.is_some() || self.closing.has_begun() {
            let refused = if self.closing.has_begun() {
                self.refusal()
            } else {
                Error::LimitReached {
                    what: "restores of one session at a time",
                    limit: 1,
                }
            };
            self.reply(reply, Err(refused));
            return;
        }
        let from = chosen.from.id;
        self.restore = Some(Asked {
            chosen,
            begun: false,
            restored: None,
            reply,
        });
        if self.state.name().holds_browser() {
            self.run_queue();
            return;
        }
        if self.slot.is_none() {
            match self.slots.take(self.row.id, self.row.profile.as_deref()) {
                Ok(slot) => self.slot = Some(slot),
                Err(err) => {
                    self.refuse_restore(&err);
                    return;
                }
            }
        }
        self.ask_restore(from);
    }

    /// Begins a restore that waits, if there is one; tells whether calls have to wait for it.
    pub(super) fn begin_restore(&mut self) -> bool {
        // Whoever asked may have left; until it has begun, that ends it.
        self.restore
            .take_if(|asked| !asked.begun && asked.reply.is_closed());
        let Some(asked) = &mut self.restore else {
            return false;
        };
        if !std::mem::replace(&mut asked.begun, true) {
            self.capture_for(Then::Restore);
        }
        true
    }

    /// What the session was is kept, or can't be.
    pub(super) fn on_kept_before_restore(&mut self, link: LinkId, failure: Option<Error>) {
        let Some(asked) = &self.restore else { return };
        let from = asked.chosen.from.id;
        match failure {
            None if self.is_current(link) && self.is_alive() && !self.closing.has_begun() => {
                self.ask_restore(from);
            }
            failure => {
                let err = failure.unwrap_or_else(|| self.refusal());
                self.refuse_restore(&err);
                self.run_queue();
            }
        }
    }

    fn ask_restore(&mut self, from: CheckpointId) {
        if let Some(asked) = &mut self.restore {
            asked.begun = true;
        }
        self.links += 1;
        self.facts
            .push_back(Fact::RestoreAsked(LinkId(self.links), from));
    }

    pub(super) fn note_restored(&mut self, from: CheckpointId) {
        if let Some(asked) = &mut self.restore {
            asked.restored = Some(from);
        }
    }

    /// The session is alive: as it was asked for, or as it was before.
    pub(super) fn answer_restore(&mut self) {
        let begun = self.restore.take_if(|asked| asked.begun);
        let Some(asked) = begun else { return };
        let answer = if asked.restored == Some(asked.chosen.from.id) {
            Ok(Restored {
                checkpoint: asked.chosen.from,
                skipped: asked.chosen.skipped,
                recovered: self.untold(),
            })
        } else {
            Err(Error::NotRestored {
                id: asked.chosen.from.id,
            })
        };
        self.reply(asked.reply, answer);
    }

    pub(super) fn refuse_restore(&mut self, err: &Error) {
        if let Some(asked) = self.restore.take() {
            self.reply(asked.reply, Err(err.clone()));
        }
    }
}

/// Finds the checkpoint that is meant and reads all of it.
async fn choose(
    deps: &Deps,
    session: SessionId,
    from: Option<CheckpointId>,
    rests: bool,
) -> Result<Chosen, Error> {
    let rows = deps.store.checkpoints().list(session).await?.rows;
    let newest = rows.first().cloned();
    let mut skipped = vec![];
    let mut failure = None;
    let meant = rows.into_iter().filter(|row| match from {
        Some(id) => row.id == id,
        None => row.kept,
    });
    for row in meant {
        let id = row.id;
        match restore::read_one(deps, row).await {
            Ok(content) => {
                let kept = match newest.filter(|newest| rests && newest.id != id) {
                    Some(newest) => keep(deps, newest).await?,
                    None => None,
                };
                return Ok(Chosen {
                    from: capture::info(&content.row),
                    skipped,
                    kept,
                });
            }
            Err(err) => {
                tracing::error!(checkpoint = %id, %err, "a checkpoint can't be restored");
                skipped.push(id);
                failure.get_or_insert(err);
            }
        }
    }
    Err(failure.unwrap_or(match from {
        Some(id) => Error::CheckpointNotFound { id },
        None => Error::NothingKept,
    }))
}

/// Keeps the rolling version of a session without a browser.
async fn keep(deps: &Deps, row: CheckpointRow) -> Result<Option<CheckpointInfo>, Error> {
    if row.kept {
        return Ok(None);
    }
    let kept = CheckpointRow {
        id: CheckpointId::new(),
        name: Some(Private::new(BEFORE_RESTORE.to_owned())),
        cause: capture::CAUSE_RESTORE.to_owned(),
        kept: true,
        ..row
    };
    publish(deps, kept).await.map(Some)
}

/// Makes what a browser was filled from the session's newest checkpoint: whatever happens
/// next, the session comes back to it.
pub(super) async fn promote(
    deps: &Deps,
    content: &Content,
) -> Result<Option<CheckpointInfo>, Error> {
    let checkpoints = deps.store.checkpoints();
    let newest = checkpoints.newest(content.row.session).await?;
    if newest.is_some_and(|newest| newest.id == content.row.id) {
        return Ok(None);
    }
    let copy = CheckpointRow {
        id: CheckpointId::new(),
        name: None,
        cause: "restored".to_owned(),
        taken_at: deps.clock.wall(),
        kept: false,
        ..content.row.clone()
    };
    publish(deps, copy).await.map(Some)
}

async fn publish(deps: &Deps, row: CheckpointRow) -> Result<CheckpointInfo, Error> {
    let info = capture::info(&row);
    let parts = row.parts.clone();
    deps.store
        .checkpoints()
        .publish(Unpublished { row, parts })
        .await?;
    Ok(info)
}
