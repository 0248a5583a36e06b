//! Calls on a session's pages, and checkpoints that are asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base::{Ctx, SessionName, TabId};
use tokio::sync::oneshot;

use super::Sessions;
use crate::Error;
use crate::act::{Act, Acted};
use crate::call::Pending;
use crate::command::{Command, Resume, Wanted};
use crate::handle::Handle;
use crate::summary::CheckpointInfo;
use crate::upload;

/// How long a call's own end may come after its deadline: it knows better what it sent.
const AFTER_DEADLINE: Duration = Duration::from_secs(2);

impl Sessions {
    /// Does something on a session's pages.
    ///
    /// # Errors
    /// Those of the page, and [`Error::Denied`] if the session's state lets nothing in.
    ///
    /// # Cancel safety
    /// A mutating act may be carried out all the same; the journal knows by `ctx.call`.
    pub async fn act(
        &self,
        ctx: &Ctx,
        who: &SessionName,
        tab: Option<TabId>,
        act: Act,
    ) -> Result<Acted, Error> {
        self.refuse_if_stopping()?;
        let act = upload::checked(ctx, &self.deps().config.home, act).await?;
        let handle = self.find(who).await?;
        self.act_on(ctx, &handle, tab, act).await
    }

    pub(super) async fn act_on(
        &self,
        ctx: &Ctx,
        handle: &Handle,
        tab: Option<TabId>,
        act: Act,
    ) -> Result<Acted, Error> {
        let sent = Arc::new(AtomicBool::new(false));
        let (reply, answer) = oneshot::channel();
        let pending = Pending {
            ctx: ctx.clone(),
            tab,
            act,
            sent: Arc::clone(&sent),
            sent_after: Arc::default(),
            checked: false,
            generation: 0,
            reply,
        };
        let told = ctx.race(handle.commands.send(Command::Act(pending))).await;
        told.map_err(Error::not_sent)?.map_err(|_| handle.gone())?;
        // The call ends by itself at its deadline and then says what it knows.
        let late = ctx.deadline + AFTER_DEADLINE;
        match tokio::time::timeout_at(late, answer).await {
            Ok(Ok(acted)) => acted,
            Ok(Err(_)) if sent.load(Ordering::SeqCst) => Err(Error::OutcomeUnknown {
                reason: "the session ended meanwhile".to_owned(),
            }),
            // Held until then, and not run any more.
            Ok(Err(_)) if ctx.remaining().is_zero() => Err(Error::NotSent(base::Stopped::Deadline)),
            Ok(Err(_)) => Err(handle.gone()),
            Err(_) if sent.load(Ordering::SeqCst) => Err(Error::OutcomeUnknown {
                reason: "the deadline passed".to_owned(),
            }),
            Err(_) => Err(Error::NotSent(base::Stopped::Deadline)),
        }
    }

    /// Takes a checkpoint that is kept until it is deleted or outnumbered.
    ///
    /// # Errors
    /// Those of the capture; the last good checkpoint stays.
    ///
    /// # Cancel safety
    /// It may be taken all the same.
    pub async fn checkpoint(
        &self,
        ctx: &Ctx,
        who: &SessionName,
        name: Option<String>,
    ) -> Result<CheckpointInfo, Error> {
        self.refuse_if_stopping()?;
        let handle = self.find(who).await?;
        let wake = |reply| Command::Wake {
            resume: Resume::No,
            reply,
        };
        handle.ask(ctx, wake).await??;
        let wanted = Wanted {
            cause: store::EXPLICIT,
            name,
            kept: true,
        };
        handle
            .ask(ctx, |reply| Command::Checkpoint { wanted, reply })
            .await?
    }
}
