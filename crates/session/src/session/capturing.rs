//! When captures are taken, and what becomes of them.

use std::sync::Arc;
use std::time::Duration;

use base::{CheckpointId, Instant, TabId, TaskKind, Timestamp};
use tokio::sync::oneshot;

use super::done::{Done, Then};
use super::recovering::shadow_of;
use super::restoring::BEFORE_RESTORE;
use super::{Session, own};
use crate::Error;
use crate::checkpoint::capture::{self, CAUSE_RESTORE, Captured, Order, Source, capture};
use crate::checkpoint::manifest::{Items, Manifest};
use crate::checkpoint::restore::{self, Content};
use crate::checkpoint::shadow::Area;
use crate::command::Wanted;
use crate::dirt::Dirt;
use crate::state::{Fact, LinkId};
use crate::summary::{CaptureFailing, CheckpointInfo};

/// How long one capture may take.
const CAPTURE_LIMIT: Duration = Duration::from_secs(10);
/// Changes that come together are captured together.
const GATHER: Duration = Duration::from_millis(100);
/// The longest pause after captures that failed.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Within what time a change is to be in a checkpoint.
const FRESH: Duration = Duration::from_secs(1);

/// A session's captures.
pub(super) struct Capturing {
    dirt: Dirt,
    newest: Option<CheckpointInfo>,
    last: Option<Arc<Manifest>>,
    /// Captures under way; each link has one at a time beside those that were asked for.
    under_way: bool,
    last_start: Option<Instant>,
    /// How long the last one took.
    took: Duration,
    /// A service died: what the browser holds is not the session's state.
    frozen: bool,
    failures: u32,
    /// When the first of them came, and why the last one did.
    failing: Option<(Timestamp, String)>,
    /// When a version was last kept, and whether anything has changed since.
    kept_at: Instant,
    changed: bool,
}

impl Capturing {
    pub(super) const fn new(dirt: Dirt, now: Instant) -> Self {
        Self {
            dirt,
            newest: None,
            last: None,
            under_way: false,
            last_start: None,
            took: Duration::ZERO,
            frozen: false,
            failures: 0,
            failing: None,
            kept_at: now,
            changed: false,
        }
    }

    pub(super) const fn dirt(&self) -> &Dirt {
        &self.dirt
    }

    pub(super) fn newest(&self) -> Option<CheckpointInfo> {
        self.newest.clone()
    }

    pub(super) fn newest_id(&self) -> Option<CheckpointId> {
        self.newest.as_ref().map(|newest| newest.id)
    }

    /// Returns when the next event capture is due, if one is.
    pub(super) fn due(&self, every: Duration) -> Option<Instant> {
        if self.under_way || self.frozen {
            return None;
        }
        let since = self.dirt.since()?;
        let earliest = self.earliest(every).unwrap_or(since);
        Some(earliest.max(since + GATHER))
    }

    /// Returns when the next kept version is due by the timer, if anything has changed.
    fn timer_due(&self, timer: Duration, every: Duration) -> Option<Instant> {
        if self.under_way || self.frozen || !self.changed {
            return None;
        }
        let due = self.kept_at + timer;
        Some(
            self.earliest(every)
                .map_or(due, |earliest| due.max(earliest)),
        )
    }

    /// Returns when the next capture may begin: the later, the more of them failed.
    ///
    /// What changes as one begins is in the next one, so both have to end within [`FRESH`]: the
    /// longer one takes, as on a busy machine, the sooner the next follows.
    fn earliest(&self, every: Duration) -> Option<Instant> {
        let spare = FRESH.saturating_sub(self.took * 2);
        let pause = match self.failures {
            0 => every.min(spare.max(every / 4)),
            failures => every.saturating_mul(1 << failures.min(6)),
        };
        self.last_start
            .map(|start| start + pause.min(LONGEST_PAUSE))
    }

    /// Takes a published checkpoint for the newest.
    fn published(&mut self, info: CheckpointInfo, manifest: Arc<Manifest>, now: Instant) {
        self.succeeded();
        self.last = Some(manifest);
        self.changed = is_rolling(&info);
        if !self.changed {
            self.kept_at = now;
        }
        self.newest = Some(info);
    }

    fn succeeded(&mut self) {
        self.failures = 0;
        self.failing = None;
    }

    fn failed(&mut self, err: &Error, now: Timestamp) {
        self.failures += 1;
        let since = self.failing.take().map_or(now, |(since, _)| since);
        self.failing = Some((since, err.to_string()));
    }

    /// Returns what is to be told of captures that keep failing.
    pub(super) fn failing(&self) -> Option<CaptureFailing> {
        let (since, reason) = self.failing.clone()?;
        (1 < self.failures).then(|| CaptureFailing {
            times: self.failures,
            since,
            reason: reason.into(),
        })
    }

    /// Stops captures until [`Capturing::thaw`]; `false` if they are stopped already.
    pub(super) fn freeze(&mut self) -> bool {
        !std::mem::replace(&mut self.frozen, true)
    }

    pub(super) const fn is_frozen(&self) -> bool {
        self.frozen
    }

    /// Tells whether anything may have changed that no checkpoint has yet.
    pub(super) fn is_behind(&self) -> bool {
        self.under_way || self.dirt.since().is_some()
    }

    pub(super) fn thaw(&mut self) {
        self.frozen = false;
    }

    pub(super) fn broken(&mut self) {
        self.under_way = false;
        self.failures += 1;
    }

    pub(super) fn forget_live(&mut self) {
        self.under_way = false;
        self.frozen = false;
        self.dirt.taken();
    }

    pub(super) fn set_newest(&mut self, newest: CheckpointInfo) {
        self.newest = Some(newest);
    }

    pub(super) fn restored(&mut self, content: &Content) {
        self.last = Some(Arc::clone(&content.manifest));
        self.frozen = false;
    }
}

impl Session {
    /// Reads which checkpoint is the newest that can be used.
    pub(super) async fn load_newest(&mut self) {
        match self.deps.store.checkpoints().newest(self.row.id).await {
            Ok(newest) => {
                self.capturing.newest = newest.as_ref().map(capture::info);
                self.capturing.changed = self.capturing.newest.as_ref().is_some_and(is_rolling);
            }
            Err(err) => tracing::error!(%err, "the session's checkpoints can't be read"),
        }
    }

    /// Takes over the newest checkpoint's picture of storage that no page shows now.
    pub(super) async fn load_shadow(&mut self) {
        let Some(newest) = self.capturing.newest_id() else {
            return;
        };
        match restore::read(&self.deps, self.row.id, newest).await {
            Ok(content) => {
                let mut shadow = shadow_of(&content);
                for tab in &content.tabs {
                    for storage_key in &tab.session_storage_doubtful {
                        shadow.left(Area {
                            storage_key: storage_key.clone(),
                            tab: Some(TabId(tab.tab)),
                        });
                    }
                }
                *self
                    .shadow
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner) = shadow;
                for part in &content.tabs {
                    self.tabs
                        .update(TabId(part.tab), |tab| tab.known = part.clone());
                }
                self.capturing.last = Some(content.manifest);
            }
            Err(err) => tracing::error!(%err, "the newest checkpoint can't be read"),
        }
    }

    pub(super) fn session_storage_of(
        &self,
        tab: TabId,
    ) -> std::collections::BTreeMap<String, Items> {
        let shadow = self
            .shadow
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let of_tab = shadow.areas().filter(|(area, _)| area.tab == Some(tab));
        of_tab
            .map(|(area, items)| (area.storage_key.clone(), items.clone()))
            .collect()
    }

    /// Captures what has changed as the rolling latest version.
    pub(super) fn capture_latest(&mut self) {
        if self.deps.config.captures {
            self.order("event", None, false, None, Then::Nothing);
        } else {
            self.capturing.dirt.taken();
        }
    }

    /// Returns when the next version is kept by the timer.
    pub(super) fn timer_due(&self, timer: Duration) -> Option<Instant> {
        let config = &self.deps.config;
        let due = || self.capturing.timer_due(timer, config.capture_every);
        config.captures.then(due).flatten()
    }

    /// Keeps a version of what has changed since the last one that was kept.
    pub(super) fn capture_by_timer(&mut self) {
        self.order("timer", Some("Autosave · timer"), true, None, Then::Nothing);
    }

    /// Captures for a step of the session's life.
    pub(super) fn capture_for(&mut self, then: Then) {
        match then {
            Then::Nothing | Then::Alive => self.order("open", None, false, None, then),
            Then::Restore => self.order(CAUSE_RESTORE, Some(BEFORE_RESTORE), true, None, then),
            Then::Close => self.order("close", Some("Autosave · close"), true, None, then),
            Then::Park => self.order("park", Some("Autosave · park"), true, None, then),
            Then::ShutDown => {
                self.order("shutdown", Some("Autosave · shutdown"), true, None, then);
            }
        }
    }

    /// Captures what changed while the session's last checkpoint was taken.
    pub(super) fn capture_again(&mut self) {
        self.order("event", None, false, None, Then::Park);
    }

    /// Captures because a caller asked for it.
    pub(super) fn capture_asked(
        &mut self,
        wanted: Wanted,
        reply: oneshot::Sender<Result<CheckpointInfo, Error>>,
    ) {
        self.note_use();
        if self.capturing.is_frozen() {
            self.held_captures.push((wanted, reply));
            return;
        }
        let Wanted { cause, name, kept } = &wanted;
        self.order(cause, name.as_deref(), *kept, Some(reply), Then::Nothing);
    }

    /// Takes the checkpoints that had to wait: the browser has its state again.
    pub(super) fn run_held_captures(&mut self) {
        for (wanted, reply) in std::mem::take(&mut self.held_captures) {
            self.capture_asked(wanted, reply);
        }
    }

    fn order(
        &mut self,
        cause: &'static str,
        name: Option<&str>,
        kept: bool,
        reply: Option<oneshot::Sender<Result<CheckpointInfo, Error>>>,
        then: Then,
    ) {
        if self.is_attached() {
            self.go_on_uncaptured(reply, then);
            return;
        }
        let Some(live) = self.live.clone() else {
            let refused = self.refusal();
            if let Some(link) = self.state.link() {
                let name = None;
                let wanted = Wanted { cause, name, kept };
                self.on_captured(link, Err(refused), wanted, reply, then);
            }
            return;
        };
        self.capturing.under_way = true;
        self.capturing.last_start = Some(self.deps.clock.instant());
        self.capturing.dirt.taken();
        let order = self.order_of(cause, name, kept);
        let deps = Arc::clone(&self.deps);
        let name = name.map(str::to_owned);
        let wanted = Wanted { cause, name, kept };
        // Of two captures at once the later publish might find a part gone (store).
        let turn = Arc::clone(&self.capture_turn);
        self.spawn_work(TaskKind::Checkpoint, async move {
            let _turn = turn.lock().await;
            let ctx = own(CAPTURE_LIMIT);
            let work = async {
                // Whoever had the turn may have been cut off.
                if live.is_unfinished() {
                    let reason = "a login was being put in place".to_owned();
                    return Err(Error::Checkpoint { reason });
                }
                capture(&ctx, &deps, &live, order).await
            };
            let result = ctx.race(work).await;
            let result = result.map_err(Error::not_sent).and_then(|result| result);
            Done::Captured {
                link: live.link,
                result,
                wanted,
                reply,
                then,
            }
        });
    }

    /// Returns what a capture of the session as it is now is given.
    pub(super) fn order_of(&mut self, cause: &str, name: Option<&str>, kept: bool) -> Order {
        for id in self.tabs.ids() {
            self.tabs.update(id, crate::tabs::Tab::take_typed);
        }
        Order {
            session: self.row.id,
            generation: self.row.generation,
            tabs: self
                .tabs
                .all()
                .into_iter()
                .map(|(id, tab)| Source {
                    id,
                    page: tab.page_to_read(),
                    filling: tab.filling,
                    known: tab.known,
                })
                .collect(),
            table: self.tabs.clone(),
            active: self.tabs.active(),
            shadow: Arc::clone(&self.shadow),
            cause: cause.to_owned(),
            name: name.map(str::to_owned),
            kept,
            settings: self.settings.get(),
            last: self.capturing.last.clone(),
        }
    }

    pub(super) fn on_captured(
        &mut self,
        link: LinkId,
        result: Result<Captured, Error>,
        wanted: Wanted,
        reply: Option<oneshot::Sender<Result<CheckpointInfo, Error>>>,
        then: Then,
    ) {
        if self.is_current(link) {
            self.capturing.under_way = false;
            if result.is_ok() {
                let now = self.deps.clock.instant();
                let took = |start| now.saturating_duration_since(start);
                self.capturing.took = self.capturing.last_start.map_or(Duration::ZERO, took);
            }
        }
        let mut failed = None;
        match result {
            Ok(Captured::Published(info, manifest, tabs)) => {
                for part in tabs {
                    self.tabs.update(TabId(part.tab), |tab| tab.captured(part));
                }
                let now = self.deps.clock.instant();
                self.capturing.published(info.clone(), manifest, now);
                (self.save_row, self.save_tabs) = (true, true);
                if let Some(reply) = reply {
                    self.reply(reply, Ok(info));
                }
            }
            Ok(Captured::Unchanged) => {
                self.capturing.succeeded();
                if let (Some(reply), Some(newest)) = (reply, self.capturing.newest()) {
                    self.reply(reply, Ok(newest));
                }
            }
            Ok(Captured::Discarded(service)) => {
                // What it would have held is in no checkpoint.
                self.capturing.dirt.raise(self.deps.clock.instant());
                self.on_service_lost(service);
                let reason = "the browser has lost its storage".to_owned();
                match reply {
                    Some(reply) => self.held_captures.push((wanted, reply)),
                    None => failed = Some((Error::Checkpoint { reason }, None)),
                }
            }
            Err(err) => {
                if !err.is_loss() {
                    tracing::error!(%err, "a capture failed; the last checkpoint stays");
                    let now = self.deps.clock.wall();
                    self.capturing.failed(&err, now);
                }
                self.capturing.dirt.raise(self.deps.clock.instant());
                failed = Some((err, reply));
            }
        }
        let failure = failed.map(|(err, reply)| {
            if let Some(reply) = reply {
                self.reply(reply, Err(err.clone()));
            }
            err
        });
        match then {
            Then::Nothing => {}
            Then::Alive if !self.is_current(link) => {}
            Then::Alive => match failure {
                None => {
                    let newest = self.capturing.newest_id();
                    self.facts.push_back(Fact::Launched(link, newest));
                }
                Some(err) => self.give_up(&err, Fact::LaunchFailed(link)),
            },
            Then::Restore => self.on_kept_before_restore(link, failure),
            Then::Close => self.facts.push_back(Fact::CloseAsked),
            Then::Park => self.on_park_captured(link, failure),
            Then::ShutDown => self.on_last_capture(),
        }
    }
}

/// Tells whether a checkpoint is the rolling latest, and no version of its own.
fn is_rolling(info: &CheckpointInfo) -> bool {
    matches!(info.cause.as_str(), "event" | "open")
}
