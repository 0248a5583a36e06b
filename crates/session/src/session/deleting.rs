//! Deleting a checkpoint that a caller names.
//!
//! What the session would come back to after a loss must stay: a session with a browser is
//! captured anew before its newest checkpoint goes, and one without keeps its last. Captures
//! and deletions take turns, so what is decided here still holds when it is done.

use std::sync::Arc;
use std::time::Duration;

use base::{CheckpointId, Ctx, SessionId, TaskKind};
use store::CheckpointRow;
use tokio::sync::oneshot;

use super::done::{Done, Then};
use super::{Session, own};
use crate::Error;
use crate::checkpoint::capture::{self, Captured, Order, capture};
use crate::checkpoint::restore;
use crate::command::Wanted;
use crate::deps::Deps;
use crate::live::Live;
use crate::state::{LinkId, State};
use crate::summary::Deleted;

/// How long a deletion may take, a capture before it included.
const LIMIT: Duration = Duration::from_secs(15);
/// What the capture is called that takes a deleted checkpoint's place: it is the rolling one.
const CAUSE: &str = "event";

/// A deletion that came to its end.
pub(super) struct Ended {
    link: Option<LinkId>,
    captured: Option<Captured>,
    result: Result<Deleted, Error>,
    reply: oneshot::Sender<Result<Deleted, Error>>,
}

/// A deletion, and what it may need for a capture.
struct Deletion {
    deps: Arc<Deps>,
    session: SessionId,
    checkpoint: CheckpointId,
    force: bool,
    alive: Option<(Arc<Live>, Order)>,
}

impl Session {
    pub(super) fn delete_checkpoint(
        &mut self,
        checkpoint: CheckpointId,
        force: bool,
        reply: oneshot::Sender<Result<Deleted, Error>>,
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
        if self.restore.is_some() || self.capturing.is_frozen() {
            let refused = Error::LimitReached {
                what: "restores and deletions of one session at a time",
                limit: 1,
            };
            self.reply(reply, Err(refused));
            return;
        }
        let live = self.live.clone().filter(|_| self.is_alive());
        let link = live.as_ref().map(|live| live.link);
        let deletion = Deletion {
            deps: Arc::clone(&self.deps),
            session: self.row.id,
            checkpoint,
            force,
            alive: live.map(|live| {
                // Whatever is there is written, also if it equals what goes.
                let last = None;
                let order = self.order_of(CAUSE, None, false);
                (live, Order { last, ..order })
            }),
        };
        let turn = Arc::clone(&self.capture_turn);
        self.spawn_work(TaskKind::Checkpoint, async move {
            let _turn = turn.lock().await;
            let ctx = own(LIMIT);
            let mut captured = None;
            let work = deletion.run(&ctx, &mut captured);
            let result = ctx.race(work).await.map_err(Error::not_sent);
            Done::Deleted(Box::new(Ended {
                link,
                captured,
                result: result.and_then(|result| result),
                reply,
            }))
        });
    }

    pub(super) fn on_deleted(&mut self, ended: Ended) {
        let Ended {
            link,
            captured,
            result,
            reply,
        } = ended;
        if let (Some(link), Some(captured)) = (link, captured) {
            let wanted = Wanted {
                cause: CAUSE,
                name: None,
                kept: false,
            };
            self.on_captured(link, Ok(captured), wanted, None, Then::Nothing);
        } else if let Ok(Deleted {
            newest: Some(newest),
            ..
        }) = &result
            && self.live.is_none()
        {
            self.capturing.set_newest(newest.clone());
            self.save_row = true;
        }
        self.reply(reply, result);
    }
}

impl Deletion {
    async fn run(self, ctx: &Ctx, captured: &mut Option<Captured>) -> Result<Deleted, Error> {
        let checkpoints = self.deps.store.checkpoints();
        let rows = checkpoints.list(self.session).await?.rows;
        let id = self.checkpoint;
        let place = rows.iter().position(|row| row.id == id);
        let place = place.ok_or(Error::CheckpointNotFound { id })?;
        let gone = capture::info(&rows[place]);
        let usable = restore::read_one(&self.deps, rows[place].clone())
            .await
            .is_ok();
        if usable && !self.any_reads(&rows[..place]).await {
            match self.alive {
                Some((live, order)) => {
                    *captured = Some(capture(ctx, &self.deps, &live, order).await?);
                    if !matches!(captured, Some(Captured::Published(..))) {
                        return Err(Error::Checkpoint {
                            reason: "the browser has lost its storage, and no other one could \
                                     be taken"
                                .to_owned(),
                        });
                    }
                }
                None if !self.any_reads(&rows[place + 1..]).await => {
                    return Err(Error::LastCheckpoint { id });
                }
                None if !self.force => return Err(Error::NewestCheckpoint { id }),
                None => {}
            }
        }
        // A rolling one is gone already if another took its place.
        checkpoints.remove(id).await?;
        let newest = checkpoints.newest(self.session).await?;
        tracing::info!(session = %self.session, checkpoint = %id, "a checkpoint was deleted");
        Ok(Deleted {
            checkpoint: gone,
            newest: newest.as_ref().map(capture::info),
        })
    }

    async fn any_reads(&self, rows: &[CheckpointRow]) -> bool {
        for row in rows {
            if restore::read_one(&self.deps, row.clone()).await.is_ok() {
                return true;
            }
        }
        false
    }
}
