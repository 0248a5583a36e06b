//! The pump: the one task that reads a page's events, keeps the picture and tells the facts.
//!
//! It never waits: not for the browser (a dialog would hold it) and not for the owner (a slow
//! owner would cost the page its dialogs). Facts that find no room are told as one
//! [`Fact::Lagged`] when there is room again; those that move the owner's life are kept until
//! then.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use base::{Ctx, Instant, Private, TabId};
use cdp::protocol::{dom_storage, fetch, network, page, runtime, storage, target};
use cdp::{Ended, Event, Events, Next, RawEvent};
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc::Permit;
use tokio::sync::mpsc::error::TrySendError;

use crate::apart::Told;
use crate::page::Shared;
use crate::picture::{End, FramePicture, Picture};
use crate::settings::{answer, authenticate, interception};
use crate::world::{TELL, WORLD, follow_title};
use crate::{Dialog, DialogKind, DialogPolicy, Error, Fact, StorageChange, StorageOp};

/// How often activity is told at the most.
const ACTIVITY_EVERY: Duration = Duration::from_millis(500);
/// How many responses' bodies are read at once, and how long one may take.
const MOST_BODIES: usize = 16;
const BODY_LIMIT: Duration = Duration::from_secs(5);
/// How long what a page tells of its fields may be: as much as is read of them, as JSON.
const LONGEST_FORM: usize = 1 << 20;
/// How much of a dialog's text is kept.
const MAX_DIALOG_TEXT: usize = 4096;

pub(crate) struct Pump {
    shared: Arc<Shared>,
    /// What found no room and must be told, oldest first. While there is any, no other fact
    /// is told: it would overtake them.
    kept: VecDeque<Fact>,
    active_at: Option<Instant>,
    /// Requests that were told a password.
    authenticated: VecDeque<String>,
    /// Bodies that are being read.
    bodies: FuturesUnordered<BoxFuture<'static, ()>>,
}

impl Pump {
    pub fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            kept: VecDeque::new(),
            active_at: None,
            authenticated: VecDeque::new(),
            bodies: FuturesUnordered::new(),
        }
    }

    pub async fn run(mut self, mut events: Events) {
        let facts = self.shared.options.facts.clone();
        let mut apart = Told::new();
        loop {
            let next = tokio::select! {
                biased;
                room = facts.reserve(), if !self.kept.is_empty() => {
                    match room {
                        Ok(room) => self.send_kept(room),
                        // Nobody is told anything any more; the picture is kept all the same.
                        Err(_) => self.kept.clear(),
                    }
                    continue;
                }
                next = events.next() => next,
                Some(()) = self.bodies.next(), if !self.bodies.is_empty() => continue,
                Some((session, next)) = apart.next(), if !apart.is_empty() => {
                    self.take_apart(&session, next, &mut apart);
                    continue;
                }
            };
            match next {
                Next::Event(event) if self.is_of_frames(None, &event, &mut apart) => {}
                Next::Event(event) if self.is_of_requests(None, &event) => {}
                Next::Event(event) => {
                    self.record(None, &event);
                    self.take(&event);
                }
                Next::Lagged(count) => self.lagged(count),
                Next::Ended(cause) => {
                    self.ended(&cause);
                    break;
                }
            }
        }
        // Only the owner ends this wait: by making room, or by listening no more.
        while !self.kept.is_empty() {
            let Ok(room) = facts.reserve().await else {
                return;
            };
            self.send_kept(room);
        }
    }

    /// Takes what the session of a frame in a process of its own tells.
    fn take_apart(&mut self, session: &str, next: Next, apart: &mut Told) {
        match next {
            Next::Event(event) if self.is_of_frames(Some(session), &event, apart) => {}
            Next::Event(event) if self.is_of_requests(Some(session), &event) => {}
            Next::Event(event) => match &*event.method {
                page::FrameNavigatedEvent::METHOD | page::FrameDetachedEvent::METHOD => {
                    self.shared.apart.renew(session);
                    self.tell(Fact::FramesChanged);
                }
                network::ResponseReceivedExtraInfoEvent::METHOD => self.on(&event, Self::cookies),
                runtime::BindingCalledEvent::METHOD => {
                    self.on(&event, |pump, event: runtime::BindingCalledEvent| {
                        if event.name == TELL && event.payload == "cookie" {
                            pump.tell(Fact::CookieActivity);
                        }
                    });
                }
                _ => {
                    let of_network = self.record(Some(session), &event);
                    if of_network {
                        self.active();
                    } else {
                        self.take_storage(&event);
                    }
                }
            },
            Next::Lagged(count) => {
                tracing::warn!(count, "events of a frame were lost");
                self.shared.apart.renew(session);
                self.keep(Fact::Lagged);
            }
            Next::Ended(_) => self.shared.apart.end(session),
        }
    }

    /// Takes an event of a session that tells of frames in other processes than its own.
    fn is_of_frames(&mut self, of: Option<&str>, event: &RawEvent, apart: &mut Told) -> bool {
        if let Some(Ok(attached)) = event.decode::<target::AttachedToTargetEvent>() {
            if attached.target_info.r#type == "iframe" {
                let connection = self.shared.session.connection();
                let session = connection.attach(&attached.session_id);
                let root = &attached.target_info.target_id;
                let settings = self.shared.options.settings.borrow().clone();
                let held = self.shared.settings_held.load(Ordering::SeqCst);
                let begun = &self.shared.apart;
                begun.begin(apart, session, root, of, &settings, held);
                self.tell(Fact::FramesChanged);
            }
            return true;
        }
        if let Some(Ok(detached)) = event.decode::<target::DetachedFromTargetEvent>() {
            self.shared.apart.end(&detached.session_id);
            return true;
        }
        false
    }

    /// Keeps what the page says and asks for; tells whether it was of the network.
    fn record(&mut self, of: Option<&str>, event: &RawEvent) -> bool {
        let records = Arc::clone(&self.shared.options.records);
        let tab = self.shared.options.tab;
        // Documents that are ours ask for nothing on anybody's behalf.
        if self.shared.settings_held.load(Ordering::SeqCst) {
            return event.method.starts_with("Network.");
        }
        match &*event.method {
            runtime::ConsoleAPICalledEvent::METHOD | runtime::ExceptionThrownEvent::METHOD => {
                records.said(tab, event);
            }
            network::RequestWillBeSentEvent::METHOD => {
                self.on(event, |_, event| records.asked(tab, &event));
            }
            network::ResponseReceivedEvent::METHOD => {
                self.on(event, |_, event| records.answered(tab, &event));
            }
            network::LoadingFailedEvent::METHOD => {
                self.on(event, |_, event| records.failed(tab, &event));
            }
            network::LoadingFinishedEvent::METHOD => {
                let apart = of.map(|id| self.shared.session.connection().attach(id));
                self.on(event, |pump, event: network::LoadingFinishedEvent| {
                    if records.finished(tab, &event) {
                        pump.read_body(apart, event.request_id);
                    }
                });
            }
            _ => return false,
        }
        event.method.starts_with("Network.")
    }

    /// Reads the body of a response, if bodies are recorded.
    fn read_body(&mut self, apart: Option<cdp::Session>, request_id: String) {
        let wanted = self.shared.options.settings.borrow().record_bodies;
        if !wanted || MOST_BODIES <= self.bodies.len() {
            return;
        }
        let session = apart.unwrap_or_else(|| self.shared.session.clone());
        let (records, tab) = (
            Arc::clone(&self.shared.options.records),
            self.shared.options.tab,
        );
        self.bodies.push(Box::pin(async move {
            let ask = network::GetResponseBody { request_id };
            match session.call(&Ctx::within(BODY_LIMIT), &ask).await {
                Ok(body) => records.body(tab, &ask.request_id, body.body, body.base64_encoded),
                Err(err) => tracing::debug!(%err, "a response's body could not be read"),
            }
        }));
    }

    /// Takes an event of a request that waits for an answer.
    fn is_of_requests(&mut self, of: Option<&str>, event: &RawEvent) -> bool {
        let is_paused = &*event.method == fetch::RequestPausedEvent::METHOD;
        if !is_paused && &*event.method != fetch::AuthRequiredEvent::METHOD {
            return false;
        }
        // Documents that are ours are answered by whoever makes them.
        if self.shared.settings_held.load(Ordering::SeqCst) {
            return true;
        }
        let settings = self.shared.options.settings.borrow().clone();
        let apart = of.map(|id| self.shared.session.connection().attach(id));
        let session = apart.as_ref().unwrap_or(&self.shared.session);
        let told = if is_paused {
            let paused = event.decode::<fetch::RequestPausedEvent>();
            paused.map(|paused| answer(session, &settings, paused?))
        } else {
            let asked = event.decode::<fetch::AuthRequiredEvent>();
            let told = &mut self.authenticated;
            asked.map(|asked| authenticate(session, &settings, told, asked?))
        };
        if let Some(Err(err)) = told {
            tracing::warn!(%err, "a request could not be answered");
        }
        true
    }

    fn take(&mut self, event: &RawEvent) {
        match &*event.method {
            page::FrameNavigatedEvent::METHOD => self.on(event, Self::navigated),
            page::NavigatedWithinDocumentEvent::METHOD => self.on(event, Self::navigated_within),
            page::FrameStartedNavigatingEvent::METHOD => self.on(event, Self::started_navigating),
            page::FrameStoppedLoadingEvent::METHOD => self.on(event, Self::stopped_loading),
            page::FrameAttachedEvent::METHOD => self.on(event, Self::frame_attached),
            page::FrameDetachedEvent::METHOD => self.on(event, Self::frame_detached),
            page::LifecycleEventEvent::METHOD => self.on(event, Self::lifecycle),
            page::JavascriptDialogOpeningEvent::METHOD => self.on(event, Self::dialog_opened),
            page::JavascriptDialogClosedEvent::METHOD => self.dialog_closed(),
            runtime::ExecutionContextCreatedEvent::METHOD => self.on(event, Self::world_made),
            runtime::ExecutionContextDestroyedEvent::METHOD => self.on(event, Self::world_ended),
            runtime::ExecutionContextsClearedEvent::METHOD => {
                self.change(Picture::forget_worlds);
            }
            runtime::BindingCalledEvent::METHOD => self.on(event, Self::told),
            network::RequestWillBeSentEvent::METHOD => self.on(event, Self::request),
            network::ResponseReceivedEvent::METHOD => self.on(event, Self::response),
            network::ResponseReceivedExtraInfoEvent::METHOD => self.on(event, Self::cookies),
            network::LoadingFinishedEvent::METHOD => {
                self.on(event, |pump, event: network::LoadingFinishedEvent| {
                    pump.request_ended(&event.request_id);
                });
            }
            network::LoadingFailedEvent::METHOD => {
                self.on(event, |pump, event: network::LoadingFailedEvent| {
                    pump.request_ended(&event.request_id);
                });
            }
            _ => self.take_storage(event),
        }
    }

    /// Takes an event of what is stored.
    fn take_storage(&mut self, event: &RawEvent) {
        match &*event.method {
            storage::IndexedDBContentUpdatedEvent::METHOD => {
                self.on(
                    event,
                    |pump, event: storage::IndexedDBContentUpdatedEvent| {
                        pump.databases_changed(event.storage_key);
                    },
                );
            }
            storage::IndexedDBListUpdatedEvent::METHOD => {
                self.on(event, |pump, event: storage::IndexedDBListUpdatedEvent| {
                    pump.databases_changed(event.storage_key);
                });
            }
            dom_storage::DomStorageItemAddedEvent::METHOD => {
                self.on(
                    event,
                    |pump, event: dom_storage::DomStorageItemAddedEvent| {
                        pump.stored(event.storage_id, set(event.key, event.new_value));
                    },
                );
            }
            dom_storage::DomStorageItemUpdatedEvent::METHOD => {
                self.on(
                    event,
                    |pump, event: dom_storage::DomStorageItemUpdatedEvent| {
                        pump.stored(event.storage_id, set(event.key, event.new_value));
                    },
                );
            }
            dom_storage::DomStorageItemRemovedEvent::METHOD => {
                self.on(
                    event,
                    |pump, event: dom_storage::DomStorageItemRemovedEvent| {
                        pump.stored(
                            event.storage_id,
                            StorageOp::Removed {
                                key: event.key.into(),
                            },
                        );
                    },
                );
            }
            dom_storage::DomStorageItemsClearedEvent::METHOD => {
                self.on(
                    event,
                    |pump, event: dom_storage::DomStorageItemsClearedEvent| {
                        pump.stored(event.storage_id, StorageOp::Cleared);
                    },
                );
            }
            _ => {}
        }
    }

    fn on<E: Event>(&mut self, event: &RawEvent, take: impl FnOnce(&mut Self, E)) {
        match event.decode::<E>() {
            Some(Ok(event)) => take(self, event),
            Some(Err(err)) => tracing::warn!(%err, "an event of the page was not understood"),
            None => {}
        }
    }

    fn change(&self, change: impl FnOnce(&mut Picture)) {
        self.shared.picture.send_modify(change);
    }

    fn tell(&mut self, fact: Fact) {
        if !self.kept.is_empty() {
            return self.keep(fact);
        }
        let tab = self.shared.options.tab;
        match self.shared.options.facts.try_send((tab, fact)) {
            Err(TrySendError::Full((_, fact))) => self.keep(fact),
            Ok(()) | Err(TrySendError::Closed(_)) => {}
        }
    }

    /// Keeps a fact that found no room, or that facts were lost.
    fn keep(&mut self, fact: Fact) {
        let fact = match fact {
            Fact::Crashed | Fact::Gone | Fact::DialogOpened(_) | Fact::DialogClosed => fact,
            _ => Fact::Lagged,
        };
        // The owner looks at the state, so of each kind the latest says what the others did.
        let same = |kept: &Fact| mem::discriminant(kept) == mem::discriminant(&fact);
        self.kept.retain(|kept| !same(kept));
        self.kept.push_back(fact);
    }

    fn send_kept(&mut self, room: Permit<'_, (TabId, Fact)>) {
        if let Some(fact) = self.kept.pop_front() {
            room.send((self.shared.options.tab, fact));
        }
    }

    fn active(&mut self) {
        let now = self.shared.clock.instant();
        let due = self
            .active_at
            .is_none_or(|at| ACTIVITY_EVERY <= now.duration_since(at));
        if due {
            self.active_at = Some(now);
            self.tell(Fact::Activity);
        }
    }

    fn navigated(&mut self, event: page::FrameNavigatedEvent) {
        let restored = event.r#type == page::NavigationType::BackForwardCacheRestore;
        let page::Frame {
            id,
            parent_id,
            loader_id,
            url,
            url_fragment,
            unreachable_url,
            security_origin,
            ..
        } = event.frame;
        let url = asked_url(url, url_fragment, unreachable_url);
        let is_main = parent_id.is_none();
        let now = self.shared.clock.instant();
        self.change(|picture| {
            // Worlds that end are told to before this; one that stays goes with its window.
            let world = picture.frames.get(&id).and_then(|frame| frame.world);
            if is_main {
                // A page that came from the cache has no lifecycle events and, if it was put
                // there with frames, gets them announced again.
                picture.frames.clear();
                picture.main_frame.clone_from(&id);
                picture.documents += 1;
                picture.url_unsure = false;
                picture.title.clear();
                // A page from the cache tells its title before it is told to be shown.
                if let Some(title) = picture.title_again.take().filter(|_| restored) {
                    picture.note_title(&title);
                }
                picture.forget_requests(now);
                picture.note_shown(&url);
            }
            if let Some(frame) = picture.frame(&id) {
                *frame = FramePicture {
                    parent: parent_id,
                    url: url.clone(),
                    origin: security_origin,
                    loader: loader_id,
                    world,
                    dom_ready: restored,
                    loaded: restored,
                    ..Default::default()
                };
            }
        });
        if is_main {
            self.tell(Fact::Navigated { url: url.into() });
        } else if url.starts_with("http") {
            self.shared.apart.renew_own();
            self.tell(Fact::FramesChanged);
        }
        self.active();
    }

    fn navigated_within(&mut self, event: page::NavigatedWithinDocumentEvent) {
        let mut is_main = false;
        self.change(|picture| {
            is_main = picture.main_frame == event.frame_id;
            if is_main {
                picture.note_moved();
            }
            if let Some(frame) = picture.frames.get_mut(&event.frame_id) {
                frame.url.clone_from(&event.url);
                frame.navigating = false;
            }
        });
        if is_main {
            self.tell(Fact::NavigatedWithin {
                url: event.url.into(),
            });
        }
    }

    fn started_navigating(&mut self, event: page::FrameStartedNavigatingEvent) {
        self.change(|picture| {
            if let Some(frame) = picture.frames.get_mut(&event.frame_id) {
                frame.navigating = true;
            }
        });
    }

    fn stopped_loading(&mut self, event: page::FrameStoppedLoadingEvent) {
        self.change(|picture| {
            if let Some(frame) = picture.frames.get_mut(&event.frame_id) {
                frame.navigating = false;
            }
        });
    }

    fn frame_attached(&mut self, event: page::FrameAttachedEvent) {
        self.change(|picture| {
            if let Some(frame) = picture.frame(&event.frame_id) {
                frame.parent = Some(event.parent_frame_id);
            }
        });
    }

    fn frame_detached(&mut self, event: page::FrameDetachedEvent) {
        self.change(|picture| picture.forget(&event.frame_id));
    }

    fn lifecycle(&mut self, event: page::LifecycleEventEvent) {
        if event.name == "commit" {
            self.committed(&event);
            return;
        }
        let mark: fn(&mut FramePicture) = match event.name.as_str() {
            "DOMContentLoaded" => |frame| frame.dom_ready = true,
            "load" => |frame| (frame.dom_ready, frame.loaded) = (true, true),
            _ => return,
        };
        let mut untitled = None;
        self.change(|picture| {
            let is_main = picture.main_frame == event.frame_id;
            if let Some(frame) = picture.frames.get_mut(&event.frame_id) {
                // Events of the document that was left come late.
                if frame.loader == event.loader_id {
                    mark(frame);
                    untitled = frame.world.filter(|_| is_main && picture.title.is_empty());
                }
            }
        });
        if let Some(world) = untitled {
            self.follow_title(world);
        }
        self.active();
    }

    /// Has the title told of a document that has none yet or did not get our script.
    fn follow_title(&self, world: i64) {
        let follow = follow_title(world)
            .and_then(|ask| self.shared.session.post(&ask).map_err(Error::from_cdp));
        if let Err(err) = follow {
            tracing::debug!(%err, "the title could not be asked for");
        }
    }

    /// Learns a document whose navigation was not heard: before we attached, or lost.
    fn committed(&mut self, event: &page::LifecycleEventEvent) {
        self.change(|picture| {
            let is_main = picture.main_frame == event.frame_id;
            let Some(frame) = picture.frames.get_mut(&event.frame_id) else {
                return;
            };
            if frame.loader == event.loader_id {
                return;
            }
            let unheard = !frame.loader.is_empty();
            frame.loader.clone_from(&event.loader_id);
            (frame.dom_ready, frame.loaded) = (false, false);
            if is_main {
                picture.documents += u64::from(unheard);
                picture.url_unsure = true;
            }
        });
    }

    fn dialog_opened(&mut self, event: page::JavascriptDialogOpeningEvent) {
        let dialog = Dialog::from_event(event);
        let policy = self.shared.options.settings.borrow().dialogs;
        let accept = match policy {
            DialogPolicy::Ask => {
                self.change(|picture| picture.dialog = Some(dialog.clone()));
                self.tell(Fact::DialogOpened(dialog));
                return;
            }
            DialogPolicy::Accept => true,
            DialogPolicy::Dismiss => false,
        };
        let answer = page::HandleJavaScriptDialog {
            accept,
            prompt_text: None,
        };
        if let Err(err) = self.shared.session.post(&answer) {
            tracing::warn!(%err, "a dialog could not be answered");
        }
        self.tell(Fact::DialogOpened(dialog));
    }

    fn dialog_closed(&mut self) {
        self.change(|picture| {
            picture.dialog = None;
            picture.dialogs_closed += 1;
        });
        self.tell(Fact::DialogClosed);
    }

    fn world_made(&mut self, event: runtime::ExecutionContextCreatedEvent) {
        let runtime::ExecutionContextDescription {
            id, name, aux_data, ..
        } = event.context;
        if name != WORLD {
            return;
        }
        let frame = aux_data
            .as_ref()
            .and_then(|data| data.get("frameId")?.as_str());
        let Some(frame) = frame else { return };
        self.change(|picture| {
            if let Some(frame) = picture.frame(frame) {
                frame.world = Some(id);
            }
        });
    }

    fn world_ended(&mut self, event: runtime::ExecutionContextDestroyedEvent) {
        self.shared.picture.send_if_modified(|picture| {
            let ended = Some(event.execution_context_id);
            for frame in picture
                .frames
                .values_mut()
                .filter(|frame| frame.world == ended)
            {
                frame.world = None;
            }
            false
        });
    }

    /// Our script in the page saw something.
    fn told(&mut self, event: runtime::BindingCalledEvent) {
        if event.name != TELL {
            return;
        }
        if event.payload == "cookie" {
            self.tell(Fact::CookieActivity);
        } else if let Some(title) = event.payload.strip_prefix("title ") {
            self.titled(event.execution_context_id, title);
        } else if let Some(title) = event.payload.strip_prefix("again ") {
            self.change(|picture| picture.title_again = Some(title.to_owned()));
            self.titled(event.execution_context_id, title);
        } else if let Some(form) = event.payload.strip_prefix("form ")
            && form.len() <= LONGEST_FORM
        {
            let form = Private::new(form.to_owned());
            self.tell(Fact::Typed { form });
        }
    }

    fn titled(&mut self, world: i64, title: &str) {
        let changed = self.shared.picture.send_if_modified(|picture| {
            // The document that was left may tell late.
            let is_shown = picture
                .main()
                .is_some_and(|main| main.world.is_none_or(|shown| shown == world));
            is_shown && picture.note_title(title)
        });
        if changed {
            let title = Private::new(self.shared.picture.borrow().title.clone());
            self.tell(Fact::TitleChanged { title });
        }
    }

    fn request(&mut self, event: network::RequestWillBeSentEvent) {
        use network::ResourceType as Type;
        // These stay open for as long as the page likes.
        let lasting = matches!(
            event.r#type,
            Some(Type::EventSource | Type::WebSocket | Type::Ping)
        );
        if !lasting {
            self.change(|picture| picture.request_started(&event.request_id));
        }
        if event.r#type == Some(Type::Document) {
            let posted = event.request.method == "POST";
            self.change(|picture| {
                if event.frame_id.as_ref() == Some(&picture.main_frame) {
                    picture.note_method(&event.loader_id, posted);
                }
            });
        }
        self.active();
    }

    fn response(&mut self, event: network::ResponseReceivedEvent) {
        // `data:` and `blob:` have a made-up 200.
        let spoken = event.response.url.starts_with("http");
        if spoken && event.r#type == network::ResourceType::Document {
            let status = u16::try_from(event.response.status).unwrap_or(0);
            self.change(|picture| picture.note_status(&event.loader_id, status));
        }
    }

    fn cookies(&mut self, event: network::ResponseReceivedExtraInfoEvent) {
        let sets = |headers: &serde_json::Value| {
            headers.as_object().is_some_and(|headers| {
                headers
                    .keys()
                    .any(|name| name.eq_ignore_ascii_case("set-cookie"))
            })
        };
        if sets(&serde_json::json!(event.headers)) {
            self.tell(Fact::CookieActivity);
        }
    }

    fn request_ended(&mut self, id: &str) {
        let now = self.shared.clock.instant();
        self.change(|picture| picture.request_ended(id, now));
        self.active();
    }

    fn stored(&mut self, area: dom_storage::StorageId, op: StorageOp) {
        let storage_key = Private::new(area.storage_key.unwrap_or_default());
        let is_local = area.is_local_storage;
        self.tell(Fact::StorageChanged(StorageChange {
            storage_key,
            is_local,
            op,
        }));
    }

    fn databases_changed(&mut self, storage_key: String) {
        let storage_key = Private::new(storage_key);
        self.tell(Fact::IndexedDbChanged { storage_key });
    }

    fn lagged(&mut self, count: u64) {
        tracing::warn!(count, "events of the page were lost");
        let now = self.shared.clock.instant();
        // What may have changed unseen is learnt anew, or taken for done: a request that
        // ended unseen would keep the page busy for ever.
        self.change(|picture| {
            picture.forget_worlds();
            picture.forget_requests(now);
            picture.forget_shown();
            picture.url_unsure = true;
        });
        // Asked again, it re-announces which document each frame shows and how far it came.
        let again = page::SetLifecycleEventsEnabled { enabled: true };
        if let Err(err) = self.shared.session.post(&again) {
            tracing::debug!(%err, "the page's documents could not be asked for");
        }
        // A request whose pause was lost would wait for ever: nothing tells of it again.
        self.release();
        self.keep(Fact::Lagged);
        self.active();
    }

    /// Lets every request go on that waits, and pauses those that come.
    fn release(&self) {
        let settings = self.shared.options.settings.borrow().clone();
        let held = self.shared.settings_held.load(Ordering::SeqCst);
        let Some(paused) = interception(&settings).filter(|_| !held) else {
            return;
        };
        let session = &self.shared.session;
        let told = session
            .post(&fetch::Disable {})
            .and_then(|()| session.post(&paused));
        if let Err(err) = told {
            tracing::warn!(%err, "requests that wait could not be let go");
        }
    }

    fn ended(&mut self, cause: &Ended) {
        let (end, fact) = match cause {
            Ended::Crashed => (End::Crashed, Fact::Crashed),
            Ended::Lost(lost) => (End::Lost(Arc::clone(lost)), Fact::Gone),
            Ended::Detached | Ended::Destroyed => (End::Gone, Fact::Gone),
        };
        self.change(|picture| {
            picture.end = Some(end);
            picture.dialog = None;
        });
        self.tell(fact);
    }
}

/// Returns a document's URL; that of one that did not load is the one that was asked for.
pub(crate) fn asked_url(
    url: String,
    fragment: Option<String>,
    unreachable: Option<String>,
) -> String {
    match unreachable.filter(|asked| !asked.is_empty()) {
        Some(asked) => asked,
        None => url + fragment.as_deref().unwrap_or_default(),
    }
}

fn set(key: String, value: String) -> StorageOp {
    StorageOp::Set {
        key: key.into(),
        value: value.into(),
    }
}

impl Dialog {
    fn from_event(event: page::JavascriptDialogOpeningEvent) -> Self {
        let kind = match event.r#type {
            page::DialogType::Confirm => DialogKind::Confirm,
            page::DialogType::Prompt => DialogKind::Prompt,
            page::DialogType::Beforeunload => DialogKind::BeforeUnload,
            page::DialogType::Alert | page::DialogType::Unrecognized(_) => DialogKind::Alert,
        };
        let bounded = |text: String| Private::new(text.chars().take(MAX_DIALOG_TEXT).collect());
        Self {
            kind,
            message: bounded(event.message),
            default_text: bounded(event.default_prompt.unwrap_or_default()),
            url: bounded(event.url),
        }
    }
}
