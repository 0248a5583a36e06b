//! Changing what a session is told to be, and telling its pages.

use std::sync::Arc;
use std::time::Duration;

use base::{TabId, TaskKind};
use futures_util::future::join_all;
use page::Page;
use tokio::sync::oneshot;

use super::done::Done;
use super::{Session, own};
use crate::Error;
use crate::settings::{self, Change, SettingsPart};
use crate::state::Kind;

/// How long the pages are waited for. One that doesn't answer has been told all the same, and
/// takes it when it goes on.
const APPLY_LIMIT: Duration = Duration::from_secs(5);

/// Who waits for a change.
pub(super) type Waiting = oneshot::Sender<Result<Arc<SettingsPart>, Error>>;

/// Settings that are to be stored, with those who asked for them.
#[derive(Default)]
pub(super) struct Setting {
    next: Option<SettingsPart>,
    waiting: Vec<Waiting>,
    /// Why the session's own could not be read.
    unread: Option<Error>,
}

/// What came of telling the pages.
pub(super) struct Told {
    before: Arc<SettingsPart>,
    now: Arc<SettingsPart>,
    waiting: Vec<Waiting>,
    result: Result<(), Error>,
}

impl Session {
    pub(super) async fn load_settings(&mut self) {
        match settings::load(&self.deps, self.row.id).await {
            Ok(part) => self.settings.set(part),
            Err(err) => {
                tracing::error!(%err, "the session's settings can't be read; it goes on without");
                self.setting.unread = Some(err);
            }
        }
    }

    pub(super) fn set(&mut self, change: Change, reply: Waiting) {
        let refused = match self.state.admit(Kind::Act) {
            _ if self.closing.has_begun() => Some(self.refusal()),
            Ok(_) => None,
            Err(denied) => Some(self.denied(denied)),
        };
        let refused = refused
            .or_else(|| self.setting.unread.clone())
            .or_else(|| self.not_to_be_had(&change));
        if let Some(refused) = refused {
            self.reply(reply, Err(refused));
            return;
        }
        let before = self.settings.get();
        let mut next = self
            .setting
            .next
            .clone()
            .unwrap_or_else(|| (*before).clone());
        let here = self.tabs.active().and_then(|tab| self.tabs.info(tab));
        let here = here.map_or_else(
            || self.row.url.expose().clone(),
            |tab| tab.url.expose().clone(),
        );
        if let Err(err) = next.change(change, &here) {
            self.reply(reply, Err(err));
            return;
        }
        self.note_use();
        self.setting.next = Some(next);
        self.setting.waiting.push(reply);
    }

    /// Returns why a change isn't to be had for this session, if it isn't.
    fn not_to_be_had(&self, change: &Change) -> Option<Error> {
        if self.is_attached()
            && let Some(what) = change.is_of_the_browser()
        {
            return Some(Error::NotOfAttached { what });
        }
        match change {
            Change::Proxy(proxy) if self.settings.get().proxy.as_ref() != Some(proxy) => {
                Some(Error::InvalidArgument {
                    argument: "proxy",
                    reason: "a session keeps the one it was opened with; open another session"
                        .to_owned(),
                })
            }
            _ => None,
        }
    }

    /// Stores a change, hands it to the pages and answers when they have it.
    pub(super) async fn settle_settings(&mut self) {
        let Some(next) = self.setting.next.take() else {
            return;
        };
        let waiting = std::mem::take(&mut self.setting.waiting);
        let before = self.settings.get();
        if let Err(err) = settings::store(&self.deps, self.row.id, &next).await {
            for reply in waiting {
                self.reply(reply, Err(err.clone()));
            }
            return;
        }
        self.settings.set(next);
        self.capturing.dirt().raise(self.deps.clock.instant());
        self.tell_pages(before, waiting);
    }

    /// Tells the browser and its pages what holds.
    pub(super) fn tell_pages(&mut self, before: Arc<SettingsPart>, waiting: Vec<Waiting>) {
        let now = self.settings.get();
        let live = self.live.clone().filter(|_| self.is_alive());
        let pages: Vec<Page> = self
            .tabs
            .all()
            .into_iter()
            .filter_map(|(_, tab)| tab.page)
            .collect();
        let permits = !self.is_attached()
            && (before.permissions != now.permissions
                || before.emulation.geolocation.is_some() != now.emulation.geolocation.is_some());
        self.spawn_work(TaskKind::PageWork, async move {
            let ctx = own(APPLY_LIMIT);
            let mut result = Ok(());
            if let Some(live) = live {
                if permits {
                    result = settings::permit(&ctx, &live, &now).await;
                }
                let told = join_all(pages.iter().map(|page| page.apply_settings(&ctx))).await;
                result = result.and(refused(told));
            }
            Done::Told(Box::new(Told {
                before,
                now,
                waiting,
                result,
            }))
        });
    }

    pub(super) fn on_told(&mut self, told: Told) {
        let Told {
            before,
            now,
            waiting,
            result,
        } = told;
        match result {
            Err(err) if err.code() == base::Code::InvalidArgument => {
                // What Chromium refuses is not to be kept for the next browser.
                if self.settings.get() == now && self.setting.next.is_none() {
                    self.setting.next = Some((*before).clone());
                }
                for reply in waiting {
                    self.reply(reply, Err(err.clone()));
                }
            }
            result => {
                if let Err(err) = result {
                    tracing::debug!(%err, "the browser could not be told a setting");
                }
                for reply in waiting {
                    self.reply(reply, Ok(Arc::clone(&now)));
                }
            }
        }
    }

    /// Tells a browser that an earlier daemon told things what holds.
    pub(super) fn tell_pages_again(&mut self) {
        if !self.settings.get().is_nothing() {
            self.tell_pages(Arc::default(), vec![]);
        }
    }

    /// Tells a page what changed while it was attached, or while a dialog held it.
    pub(super) fn tell_page(&mut self, tab: TabId) {
        let page = self.tabs.get(tab).and_then(|tab| tab.page);
        let Some(page) = page.filter(|_| !self.settings.get().is_nothing()) else {
            return;
        };
        self.spawn_work(TaskKind::PageWork, async move {
            if let Err(err) = page.apply_settings(&own(APPLY_LIMIT)).await {
                tracing::debug!(%tab, %err, "a page could not be told its settings");
            }
            Done::ReadAside
        });
    }
}

/// Returns what a page refused. One that goes, or doesn't answer, refuses nothing.
fn refused(told: Vec<Result<(), page::Error>>) -> Result<(), Error> {
    for told in told {
        match told {
            Err(page::Error::Cdp(cdp::Error::Protocol { message, .. })) => {
                return Err(Error::InvalidArgument {
                    argument: "emulate",
                    reason: message,
                });
            }
            Err(err) => tracing::debug!(%err, "a page could not be told its settings"),
            Ok(()) => {}
        }
    }
    Ok(())
}
