//! How the rest of the daemon reaches a session's task.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base::{Ctx, SessionId};
use tokio::sync::{mpsc, oneshot, watch};

use crate::Error;
use crate::command::Command;
use crate::summary::Summary;
use crate::tabs::{Tabs, known};

/// A session's task, from outside. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Handle {
    pub id: SessionId,
    pub commands: mpsc::Sender<Command>,
    pub published: watch::Receiver<Summary>,
    pub tabs: Tabs,
    /// What its pages said and asked for.
    pub records: Arc<page::Records>,
    /// Whether the session has been told that the daemon stops.
    pub shutting_down: Arc<AtomicBool>,
}

impl Handle {
    /// Returns the session's public face at this moment.
    pub(crate) fn summary(&self) -> Summary {
        let mut summary = self.published.borrow().clone();
        summary.active_tab = self.tabs.active();
        if let Some(tab) = summary.active_tab.and_then(|id| self.tabs.get(id)) {
            let known = known(&tab);
            (summary.url, summary.title) = (known.url.into(), known.title.into());
        }
        summary
    }

    pub(crate) fn is_ended(&self) -> bool {
        self.commands.is_closed()
    }

    /// Returns why the session's task takes nothing any more: the daemon stops, or a fault of ours.
    pub(crate) fn gone(&self) -> Error {
        if self.shutting_down.load(Ordering::SeqCst) {
            Error::ShuttingDown
        } else {
            Error::TaskEnded
        }
    }

    /// Sends a command and waits for its answer.
    ///
    /// # Errors
    /// [`Error::NotSent`] if the call ends first, that of [`Handle::gone`] if the task does.
    ///
    /// # Cancel safety
    /// The command may be carried out all the same.
    pub(crate) async fn ask<T>(
        &self,
        ctx: &Ctx,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        let work = async {
            self.commands
                .send(command(reply))
                .await
                .map_err(|_| self.gone())?;
            answer.await.map_err(|_| self.gone())
        };
        ctx.race(work).await.map_err(Error::not_sent)?
    }
}
