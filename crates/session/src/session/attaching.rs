//! Sessions attached to a browser that somebody else started: where they differ.
//!
//! Such a browser is its owner's. It is never ended, nothing of it is kept in checkpoints (its
//! cookies and storage are not ours to copy), and so nothing can come back without it: a
//! session whose browser is gone has failed, until that same browser answers again.

use std::sync::Arc;
use std::time::Duration;

use base::{TabId, TaskKind};
use cdp::protocol::{page as page_wire, target as wire};
use store::Attached;
use tokio::sync::oneshot;

use super::done::{Done, Then};
use super::{Session, own};
use crate::Error;
use crate::attached::{self, Line};
use crate::checkpoint::restore::{self, Report};
use crate::dial::Dialed;
use crate::state::{Denied, Fact, LinkId};
use crate::summary::CheckpointInfo;

/// How long linking to a browser for the first time may take.
const ATTACH_LIMIT: Duration = Duration::from_secs(20);
/// How long its pages are waited for then.
const PAGES_LIMIT: Duration = Duration::from_secs(2);
/// How long a crashed page may take to be there again.
const RELOAD_LIMIT: Duration = Duration::from_secs(20);

impl Session {
    /// Tells whether the session's browser is somebody else's.
    pub(super) const fn is_attached(&self) -> bool {
        self.row.attached.is_some()
    }

    /// Links to the browser for the first time; its pages become tabs.
    pub(super) fn attach_first(&mut self, link: LinkId, attached: Attached) {
        let (deps, news) = (Arc::clone(&self.deps), self.news.0.clone());
        let (tabs, lives) = (self.tabs.clone(), self.lives.0.clone());
        self.spawn_work(TaskKind::PageWork, async move {
            let ctx = own(ATTACH_LIMIT);
            let work = async {
                let live = attached::connect(&ctx, &deps, &attached, link, &news).await?;
                lives
                    .send(Arc::clone(&live))
                    .await
                    .map_err(|_| Error::TaskEnded)?;
                let pages = attached::pages(&ctx, &live).await?;
                live.announce_pages(&ctx).await?;
                if pages.is_empty() {
                    let first = tabs.take_number();
                    restore::open_tab(&ctx, &live, &tabs, first).await?;
                }
                // Whoever opens the session finds them; one that closes meanwhile is no loss.
                let step = ctx.at_most(PAGES_LIMIT);
                for target in pages.iter().take(attached::MOST_TABS) {
                    if live
                        .unless_lost(tabs.is_driven(&step, target))
                        .await
                        .is_err()
                    {
                        break;
                    }
                }
                Ok(())
            };
            Done::Launched(link, work.await)
        });
    }

    /// Finds the attached browser again within the window.
    pub(super) fn dial_attached(&mut self, link: LinkId, attached: Attached) {
        let tabs = self.tabs.all().into_iter();
        let line = Line {
            attached,
            live: self.live.clone(),
            tabs: tabs.map(|(id, tab)| (id, tab.target)).collect(),
            link,
        };
        let (deps, news) = (Arc::clone(&self.deps), self.news.0.clone());
        let window = self.deps.config.reconnect_window;
        self.spawn_work(TaskKind::PageWork, async move {
            let ctx = own(window);
            Done::Dialed(link, attached::dial(&ctx, &deps, &line, &news).await)
        });
    }

    /// Says what is known of an attached browser that was not found again.
    pub(super) fn note_not_found(&mut self, dialed: &Dialed) {
        let Some(attached) = &self.row.attached else {
            return;
        };
        let address = &attached.address;
        let detail = match dialed {
            Dialed::Gone(_) => format!("the browser it was attached to is gone from {address}"),
            Dialed::Spent => format!(
                "the browser it is attached to has not answered at {address} for {} s",
                self.deps.config.reconnect_window.as_secs()
            ),
            Dialed::Answers | Dialed::Again(_) => return,
        };
        self.row.detail = Some(detail.into());
        self.save_row = true;
    }

    /// The browser is there again, with the pages it has now.
    pub(super) fn note_relinked(&mut self) {
        if !self.is_attached() {
            return;
        }
        self.row.detail = None;
        self.save_row = true;
        // The sessions they were driven by went with the link.
        self.tabs.forget_pages();
    }

    /// Takes a place and has the same browser looked for once more.
    pub(super) fn ask_relink(&mut self) -> Result<(), Error> {
        if self.slot.is_none() {
            let attached = self.row.attached.clone().unwrap_or_default();
            let holding = attached::holding(&attached);
            let slot = self.slots.take(self.row.id, Some(&holding));
            self.slot = Some(slot.map_err(|err| attached::taken(&attached.address, err))?);
        }
        self.failure = None;
        self.links += 1;
        self.facts.push_back(Fact::RelinkAsked(LinkId(self.links)));
        Ok(())
    }

    /// Returns what is said in the place of a refusal that speaks of coming back.
    pub(super) fn denied_attached(&self, denied: Denied) -> Option<Error> {
        if !self.is_attached() {
            return None;
        }
        let id = self.row.id;
        let detail = self.row.detail.as_ref();
        match denied {
            Denied::NoCheckpoint | Denied::Failed | Denied::Stale => Some(Error::AttachedLost {
                id,
                detail: detail.map(|detail| detail.expose().clone()),
            }),
            Denied::Closed => Some(Error::AttachedLeft { id }),
        }
    }

    /// Goes on without a checkpoint: of an attached browser none is taken.
    pub(super) fn go_on_uncaptured(
        &mut self,
        reply: Option<oneshot::Sender<Result<CheckpointInfo, Error>>>,
        then: Then,
    ) {
        self.capturing.dirt().taken();
        let refused = Error::NotOfAttached {
            what: "a checkpoint",
        };
        if let Some(reply) = reply {
            self.reply(reply, Err(refused.clone()));
        }
        let link = self.state.link();
        match then {
            Then::Nothing => {}
            Then::Alive => {
                if let Some(link) = link {
                    self.facts.push_back(Fact::Launched(link, None));
                }
            }
            Then::Close => self.facts.push_back(Fact::CloseAsked),
            Then::ShutDown => self.on_last_capture(),
            Then::Restore => self.refuse_restore(&refused),
            Then::Park => {
                if let Some(link) = link {
                    self.on_park_captured(link, Some(refused));
                }
            }
        }
    }

    /// Has a crashed page loaded again where it was: it is not ours to close.
    pub(super) fn reload_crashed(&mut self, tab: TabId) {
        let (Some(live), Some(old)) = (self.live.clone(), self.tabs.get(tab)) else {
            return;
        };
        let tries = self.restoring.get(&tab).map_or(1, |tries| tries + 1);
        self.restoring.insert(tab, tries);
        let known = crate::tabs::known(&old);
        self.tabs.update(tab, |tab| {
            tab.known = known;
            tab.page = None;
            tab.dialog = None;
            tab.cdp_session.clear();
        });
        let (link, tabs) = (live.link, self.tabs.clone());
        self.spawn_work(TaskKind::PageWork, async move {
            let ctx = own(RELOAD_LIMIT);
            let work = async {
                live.targets.claim(&old.target, tab);
                let attach = wire::AttachToTarget {
                    target_id: old.target.clone(),
                    flatten: Some(true),
                };
                let root = live.connection.root();
                let made = root.call(&ctx, &attach).await?;
                let session = live.connection.attach(&made.session_id);
                session.post(&page_wire::Reload::default())?;
                let detach = wire::DetachFromTarget {
                    session_id: Some(old.cdp_session.clone()),
                    ..Default::default()
                };
                root.post(&detach)?;
                let attached = tabs.of_target(&ctx, &old.target);
                live.unless_lost(attached).await?;
                Ok(Report::of_reload())
            };
            Done::TabRestored {
                link,
                tab,
                tries,
                result: work.await,
            }
        });
    }

    /// Returns the sessions of pages that have a dialog open.
    pub(super) fn held_by_dialogs(&self) -> Vec<cdp::Session> {
        let pages = self.tabs.all().into_iter().filter_map(|(_, tab)| tab.page);
        pages
            .filter(|page| page.state().dialog.is_some())
            .map(|page| page.session().clone())
            .collect()
    }

    /// Puts into the row which tabs were opened for the session.
    pub(super) fn write_opened(&mut self) {
        if let (Some(attached), Some(live)) = (&mut self.row.attached, &self.live) {
            let all = self.tabs.all();
            attached.opened = live.opened();
            attached
                .opened
                .retain(|target| all.iter().any(|(_, tab)| tab.target == *target));
        }
    }
}
