//! Frames in processes of their own: those of other sites.
//!
//! Chromium tells nothing of them through the page's own session, not even what they store.
//! So each is attached to by a session of its own as it comes, and so are the frames in it.
//! They aren't paused for it, unless the session has settings that they must have before their
//! first script: what was stored before is read, what is stored later is told.
//! What they show isn't part of the page's picture: whoever reads them asks them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base::Ctx;
use cdp::protocol::{dom_storage, page, runtime, storage, target};
use cdp::{Ended, Next, Session};
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream::{self, BoxStream, SelectAll};

use crate::settings::{Settings, network_enabled, post_all};
use crate::world::{TELL, WORLD, script};
use crate::{Error, Page};

/// How many frames of a page are followed so; that there were more is told.
const MOST_FRAMES: usize = 64;
/// How many frames of one process are asked for their storage keys.
const MOST_KEYS: usize = 64;

/// How many frames besides those that processes were made for are remembered.
const MOST_WITHIN: usize = 1024;

/// A storage key that is in use in a page, and the session through which it is reached.
#[derive(Clone, Debug)]
pub struct OpenStorage {
    /// Chromium's storage key, as it names it.
    pub storage_key: String,
    /// The session of the process its frame is in.
    pub session: Session,
}

/// The sessions of a page's frames that are in processes of their own.
#[derive(Debug, Default)]
pub(crate) struct Apart(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    frames: BTreeMap<String, Frame>,
    over: bool,
    /// A frame in the page's own process shows another document, and nobody has asked for it.
    own_new: bool,
    /// Frames in those processes besides the one each was made for, with their session.
    within: BTreeMap<String, String>,
}

#[derive(Debug)]
struct Frame {
    session: Session,
    /// The frame that the process was made for: its target has the same id.
    root: String,
    /// The session of the process it is in, if that isn't the page's own.
    parent: Option<String>,
    /// The storage keys in use there, until it shows another document.
    keys: Option<Vec<String>>,
    /// Nobody has asked for it since it came or showed another document.
    new: bool,
    /// How often it has shown another document.
    document: u64,
}

/// A frame that is to be asked.
struct Ask {
    session: Session,
    keys: Option<Vec<String>>,
    document: u64,
}

/// What the sessions of such frames tell, each with its id.
pub(crate) type Told = SelectAll<BoxStream<'static, (String, Next)>>;

impl Apart {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to follow a frame that has been attached to.
    pub fn begin(
        &self,
        told: &mut Told,
        session: Session,
        root: &str,
        parent: Option<&str>,
        settings: &Settings,
        held: bool,
    ) {
        let Some(id) = session.id().map(str::to_owned) else {
            return;
        };
        let mut inner = self.lock();
        if MOST_FRAMES <= inner.frames.len() || inner.frames.contains_key(&id) {
            inner.over |= MOST_FRAMES <= inner.frames.len();
            // It may wait to be let go.
            let told = post_all(&session, settings, held);
            let gone = told.and_then(|()| session.post(&runtime::RunIfWaitingForDebugger {}));
            if let Err(err) = gone {
                tracing::debug!(%err, "a frame too many could not be let go");
            }
            return;
        }
        if let Err(err) = prepare(&session, settings, held) {
            tracing::debug!(%err, "a frame in a process of its own could not be followed");
            return;
        }
        let events = session.events();
        let name = id.clone();
        let all = stream::unfold(Some(events), move |events| {
            let name = name.clone();
            async move {
                let mut events = events?;
                let next = events.next().await;
                let rest = (!matches!(next, Next::Ended(_))).then_some(events);
                Some(((name, next), rest))
            }
        });
        told.push(all.boxed());
        let frame = Frame {
            session,
            root: root.to_owned(),
            parent: parent.map(str::to_owned),
            keys: None,
            new: true,
            document: 0,
        };
        inner.frames.insert(id, frame);
    }

    /// Tells whether there is any.
    pub fn is_any(&self) -> bool {
        !self.lock().frames.is_empty()
    }

    /// Notes that a frame, or one in its process, shows another document.
    pub fn renew(&self, id: &str) {
        if let Some(frame) = self.lock().frames.get_mut(id) {
            (frame.keys, frame.new) = (None, true);
            frame.document += 1;
        }
    }

    /// Notes that a frame in the page's own process shows another document.
    pub fn renew_own(&self) {
        self.lock().own_new = true;
    }

    /// Stops following a frame that is gone, and those in it.
    pub fn end(&self, id: &str) {
        let mut inner = self.lock();
        let mut doomed = vec![id.to_owned()];
        while let Some(id) = doomed.pop() {
            if let Some(frame) = inner.frames.remove(&id) {
                frame.session.end(Ended::Detached);
                inner.within.retain(|_, session| *session != id);
            }
            let children = inner.frames.iter();
            let children = children.filter(|(_, frame)| frame.parent.as_ref() == Some(&id));
            doomed.extend(children.map(|(id, _)| id.clone()));
        }
    }

    /// Returns the session of the process that a frame is in, if that isn't the page's own.
    pub fn session_of(&self, frame: &str) -> Option<Session> {
        let inner = self.lock();
        if let Some(made_for) = inner.frames.values().find(|of| of.root == frame) {
            return Some(made_for.session.clone());
        }
        let session = inner.within.get(frame)?;
        Some(inner.frames.get(session)?.session.clone())
    }

    /// Returns the sessions, each with the frame its process was made for.
    pub fn processes(&self) -> Vec<(String, Session)> {
        let inner = self.lock();
        let all = inner.frames.values();
        all.map(|frame| (frame.root.clone(), frame.session.clone()))
            .collect()
    }

    /// Notes that a frame is in the process of a session, besides the one that was made for.
    pub fn place(&self, frame: &str, session: &str) {
        let mut inner = self.lock();
        if inner.frames.contains_key(session) && inner.within.len() < MOST_WITHIN {
            inner.within.insert(frame.to_owned(), session.to_owned());
        }
    }

    fn known(&self, only_new: bool) -> Vec<Ask> {
        let inner = self.lock();
        let frames = inner.frames.values();
        let wanted = frames.filter(|frame| frame.new || !only_new);
        let ask = |frame: &Frame| Ask {
            session: frame.session.clone(),
            keys: frame.keys.clone(),
            document: frame.document,
        };
        wanted.map(ask).collect()
    }

    /// Notes the keys of a frame, if it still shows what it showed when it was asked.
    fn note(&self, id: &str, document: u64, keys: &[String], seen: bool) {
        let mut inner = self.lock();
        let frame = inner.frames.get_mut(id);
        if let Some(frame) = frame.filter(|frame| frame.document == document) {
            frame.keys = Some(keys.to_owned());
            frame.new &= !seen;
        }
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        for frame in self.lock().frames.values() {
            frame.session.end(Ended::Detached);
        }
    }
}

impl Page {
    /// Returns the storage keys that frames in processes of their own use, all or those of
    /// frames that nobody has asked with `only_new` since they showed another document.
    ///
    /// A frame that doesn't answer is left out and stays a new one.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn storage_apart(&self, ctx: &Ctx, only_new: bool) -> Vec<OpenStorage> {
        let apart = &self.shared().apart;
        let asked = apart.known(only_new).into_iter().map(|ask| async move {
            let keys = match ask.keys {
                Some(keys) => keys,
                None => keys_of(ctx, &ask.session).await.ok()?,
            };
            apart.note(ask.session.id()?, ask.document, &keys, only_new);
            Some((ask.session, keys))
        });
        let asked = join_all(asked).await;
        let all = asked.into_iter().flatten().flat_map(|(session, keys)| {
            keys.into_iter().map(move |storage_key| OpenStorage {
                storage_key,
                session: session.clone(),
            })
        });
        all.collect()
    }

    /// Tells whether a frame in the page's own process has come or gone on since this was asked.
    #[must_use]
    pub fn take_new_frames(&self) -> bool {
        std::mem::take(&mut self.shared().apart.lock().own_new)
    }

    /// Tells whether the page had more frames in processes of their own than are followed.
    #[must_use]
    pub fn has_frames_unfollowed(&self) -> bool {
        self.shared().apart.lock().over
    }
}

/// Asks a process for the storage keys of its frames.
async fn keys_of(ctx: &Ctx, session: &Session) -> Result<Vec<String>, Error> {
    let tree = session.call(ctx, &page::GetFrameTree {}).await;
    let mut rest = vec![tree.map_err(Error::from_cdp)?.frame_tree];
    let mut frames = vec![];
    while let Some(tree) = rest.pop() {
        let is_page = tree.frame.url.starts_with("http");
        frames.extend(is_page.then_some(tree.frame.id));
        rest.extend(tree.child_frames.unwrap_or_default());
    }
    frames.truncate(MOST_KEYS);
    let keys = join_all(frames.into_iter().map(|frame| async move {
        let ask = storage::GetStorageKey {
            frame_id: Some(frame),
        };
        match session.call(ctx, &ask).await {
            Ok(answer) => Ok(Some(answer.storage_key)),
            // A sandboxed frame has no storage, one that went has none any more.
            Err(cdp::Error::Protocol { .. }) => Ok(None),
            Err(err) => Err(Error::from_cdp(err)),
        }
    }));
    let keys = keys.await.into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut keys: Vec<String> = keys.into_iter().flatten().collect();
    keys.sort_unstable();
    keys.dedup();
    Ok(keys)
}

/// Has the frames of a session announced that are in other processes than it.
///
/// With `held` a frame that comes waits, before its first script, until it is let go.
pub(crate) fn announce(on: bool, held: bool) -> target::SetAutoAttach {
    let entry = |kind: Option<&str>, exclude| target::FilterEntry {
        r#type: kind.map(str::to_owned),
        exclude: Some(exclude),
    };
    target::SetAutoAttach {
        auto_attach: on,
        wait_for_debugger_on_start: held && on,
        flatten: Some(true),
        // Chromium takes none when it is to stop.
        filter: on.then(|| vec![entry(Some("iframe"), false), entry(None, true)]),
    }
}

/// Has a frame tell what it stores, without waiting for it.
fn prepare(session: &Session, settings: &Settings, held: bool) -> Result<(), cdp::Error> {
    let network = network_enabled(false);
    let tell = runtime::AddBinding {
        name: TELL.to_owned(),
        execution_context_name: Some(WORLD.to_owned()),
        ..Default::default()
    };
    let script = page::AddScriptToEvaluateOnNewDocument {
        source: script(),
        world_name: Some(WORLD.to_owned()),
        run_immediately: Some(true),
        ..Default::default()
    };
    session.post(&page::Enable::default())?;
    session.post(&announce(true, settings.concern_frames()))?;
    session.post(&dom_storage::Enable {})?;
    session.post(&network)?;
    session.post(&tell)?;
    session.post(&runtime::Enable {})?;
    session.post(&script)?;
    post_all(session, settings, held)?;
    session.post(&runtime::RunIfWaitingForDebugger {})
}
