//! Attaching: a new target before its first script, or one an earlier daemon left running.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use base::{Clock, Ctx, Stopped, TaskKind, Tasks};
use cdp::protocol::{dom_storage, emulation, inspector, page, runtime};
use futures_util::future::try_join_all;
use tokio::sync::watch;

use crate::apart::{Apart, announce};
use crate::frames::Owners;
use crate::page::Shared;
use crate::picture::{End, Picture};
use crate::pump::{Pump, asked_url};
use crate::settings::{Applied, network_enabled};
use crate::snapshot::Taking;
use crate::world::{TELL, WORLD, script};
use crate::{Error, Page, PageOptions};

/// How long a page may keep silent before it is taken as one that waits for its document.
const PATIENCE: Duration = Duration::from_secs(5);

impl Page {
    /// Attaches to a page target whose flat session is `session`.
    ///
    /// A new target waits for its debugger: it is prepared before any of its scripts runs and
    /// is then let go. An adopted one was prepared by an earlier daemon over the same session,
    /// so its events flow and its world with the refs is there; only what cannot be heard any
    /// more is asked for. `first_ref` is the first ref number that was never reserved.
    ///
    /// # Errors
    /// [`Error::Stopped`] if the browser did not answer in time, [`Error::Gone`] if the target
    /// went meanwhile. A page that a dialog or a document that does not come holds is attached
    /// all the same.
    ///
    /// # Cancel safety
    /// Nothing is left running in this process; the target may be half prepared, and attaching
    /// to it again is fine.
    pub async fn attach(
        ctx: &Ctx,
        session: cdp::Session,
        target_id: &str,
        options: PageOptions,
        first_ref: u64,
        adopted: bool,
        tasks: &Tasks,
    ) -> Result<Self, Error> {
        let clock = Clock::system();
        // A page target's main frame has the target's id.
        let mut picture = Picture::new(target_id, clock.instant());
        picture.dialog = options.open_dialog.clone().filter(|_| adopted);
        let picture = watch::Sender::new(picture);
        let events = session.events();
        let shared = Arc::new(Shared {
            session,
            options,
            picture,
            apart: Apart::default(),
            owners: Owners::default(),
            settings_held: AtomicBool::new(false),
            clock,
        });
        let pump = Pump::new(Arc::clone(&shared));
        let pump = tasks.spawn(TaskKind::PageEvents, pump.run(events));
        let page = Self::new(
            shared,
            target_id,
            Taking::starting(first_ref),
            Applied::of(adopted),
            pump,
        );
        let patience = ctx.at_most(PATIENCE);
        // On the heap: much is asked for at once.
        let ready = if adopted {
            Box::pin(page.adopt(&patience)).await
        } else {
            Box::pin(page.prepare(&patience)).await
        };
        match ready {
            // It is answered later; what could not be asked is asked when it is needed. A new
            // page opens one only after it was let go, which comes last.
            Ok(()) | Err(Error::DialogOpen(_)) => Ok(page),
            // It has no renderer, and says so by its state: at once, though the event that tells
            // it may still wait to be read.
            Err(Error::Crashed) if adopted => {
                let picture = &page.shared().picture;
                picture.send_modify(|picture| picture.end = Some(End::Crashed));
                Ok(page)
            }
            // Its renderer gets what was sent when the document it waits for has come, or was
            // given up by the first call that needs the page.
            Err(Error::Stopped(Stopped::Deadline)) if !ctx.remaining().is_zero() => {
                tracing::info!("the page does not answer yet");
                let picture = &page.shared().picture;
                picture.send_modify(|picture| picture.set_navigating(true));
                Ok(page)
            }
            Err(err) => Err(err),
        }
    }

    /// Prepares a target that waits for its debugger and lets it go.
    async fn prepare(&self, ctx: &Ctx) -> Result<(), Error> {
        let session = self.session();
        // The order matters: `Page` first, since a dialog on a page without it blocks for
        // ever; the script before `Runtime`, so that the first document has our world; and
        // letting go last. The replies are awaited together: that is one round trip.
        let page_enabled = page::Enable::default();
        let script = page::AddScriptToEvaluateOnNewDocument {
            source: script(),
            world_name: Some(WORLD.to_owned()),
            run_immediately: Some(true),
            ..Default::default()
        };
        let lifecycle = page::SetLifecycleEventsEnabled { enabled: true };
        let tell = runtime::AddBinding {
            name: TELL.to_owned(),
            execution_context_name: Some(WORLD.to_owned()),
            ..Default::default()
        };
        let focus = emulation::SetFocusEmulationEnabled { enabled: true };
        let runtime_enabled = runtime::Enable {};
        let storage = dom_storage::Enable {};
        // Bodies are not read from its buffers unless that is set, which is told below.
        let network = network_enabled(false);
        let frames = announce(
            true,
            self.shared().options.settings.borrow().concern_frames(),
        );
        let go = runtime::RunIfWaitingForDebugger {};
        let told = async {
            let mut refused = None;
            match self.apply_settings(ctx).await {
                Ok(()) => {}
                Err(Error::Cdp(err @ cdp::Error::Protocol { .. })) => refused = Some(err),
                Err(Error::Cdp(err)) => return Err(err),
                // A dialog, or the end of the page: the others tell it as well.
                Err(err) => tracing::debug!(%err, "a new page could not be told its settings"),
            }
            if let Some(err) = refused {
                tracing::warn!(%err, "a setting was refused by a new page");
            }
            Ok(())
        };
        let work = async {
            tokio::try_join!(
                biased;
                session.call(ctx, &page_enabled),
                session.call(ctx, &tell),
                session.call(ctx, &runtime_enabled),
                session.call(ctx, &script),
                session.call(ctx, &lifecycle),
                session.call(ctx, &focus),
                session.call(ctx, &network),
                session.call(ctx, &storage),
                session.call(ctx, &frames),
                told,
                session.call(ctx, &go),
            )
        };
        // All of it is sent in the order above when it is first polled, however much it is.
        let work = Box::pin(tokio::task::unconstrained(work));
        self.unless_held(work).await?;
        self.learn_frames(ctx).await
    }

    /// Learns what an earlier daemon knew of this page.
    async fn adopt(&self, ctx: &Ctx) -> Result<(), Error> {
        // A pop-up that was paused at its start blocks its opener; to one that was not, this
        // is nothing. It is sent without waiting, since a dialog may hold the page.
        let session = self.session();
        // The news of a crash may have died with that daemon. Asked for this domain, the browser
        // tells it again, and tells it before it lets anything wait for a renderer.
        session
            .post(&inspector::Enable {})
            .map_err(Error::from_cdp)?;
        session
            .post(&runtime::RunIfWaitingForDebugger {})
            .map_err(Error::from_cdp)?;
        // Asked again, this re-announces how far each document has come.
        let lifecycle = page::SetLifecycleEventsEnabled { enabled: true };
        session.post(&lifecycle).map_err(Error::from_cdp)?;
        // The sessions of its frames died with that daemon; begun anew, they are announced anew.
        let held = self.shared().options.settings.borrow().concern_frames();
        for on in [false, true] {
            session.post(&announce(on, held)).map_err(Error::from_cdp)?;
        }
        self.learn_frames(ctx).await?;
        let frames = self
            .shared()
            .picture
            .borrow()
            .frames
            .keys()
            .cloned()
            .collect::<Vec<_>>();
        let worlds = frames.iter().map(|frame| async move {
            match self.make_world(ctx, frame).await {
                // The frame went meanwhile, or is out of this process.
                Err(Error::Cdp(cdp::Error::Protocol { .. })) => Ok(()),
                other => other.map(drop),
            }
        });
        try_join_all(worlds).await?;
        match self.apply_settings(ctx).await {
            Err(Error::Cdp(cdp::Error::Protocol { message, .. })) => {
                tracing::warn!(%message, "a setting was refused by a page");
            }
            told => told?,
        }
        // Our script there tells the title when it changes; what it is now has to be asked.
        self.look(ctx).await?;
        Ok(())
    }

    /// Asks for the frame tree and puts it into the picture.
    pub(crate) async fn learn_frames(&self, ctx: &Ctx) -> Result<(), Error> {
        let tree = self.call(ctx, &page::GetFrameTree {}).await?.frame_tree;
        self.seen_alive();
        self.shared().picture.send_modify(|picture| {
            picture.main_frame.clone_from(&tree.frame.id);
            picture.url_unsure = false;
            let mut rest = vec![tree];
            while let Some(tree) = rest.pop() {
                let page::Frame {
                    id,
                    parent_id,
                    loader_id,
                    url,
                    url_fragment,
                    unreachable_url,
                    security_origin,
                    ..
                } = tree.frame;
                // What the events have told of a frame by now is newer than this answer.
                // Lifecycle events tell the loader and no URL, so only a URL says that one was told.
                if let Some(frame) = picture.frame(&id)
                    && frame.url.is_empty()
                {
                    frame.parent = parent_id;
                    frame.url = asked_url(url, url_fragment, unreachable_url);
                    frame.origin = security_origin;
                    if frame.loader.is_empty() {
                        frame.loader = loader_id;
                    }
                }
                rest.extend(tree.child_frames.unwrap_or_default());
            }
        });
        Ok(())
    }
}
