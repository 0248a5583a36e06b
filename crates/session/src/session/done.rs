//! Work that has come to its end.

use base::{Fate, TabId};
use page::Page;
use tokio::sync::oneshot;

use super::downloading::FileDone;
use super::recovering::Filled;
use super::restoring::Chosen;
use super::setting::Told;
use super::{Session, deleting};
use crate::Error;
use crate::act::Outcome;
use crate::adopt::Adopted;
use crate::call::Pending;
use crate::cause::Cause;
use crate::checkpoint::capture::Captured;
use crate::checkpoint::manifest::TabPart;
use crate::checkpoint::restore::Report;
use crate::command::Wanted;
use crate::dial::Dialed;
use crate::services::Service;
use crate::state::{Fact, LinkId};
use crate::summary::{CheckpointInfo, Restored};

/// What a piece of spawned work came to.
pub(super) enum Done {
    /// The first browser is up with its first tab, or isn't.
    Launched(LinkId, Result<(), Error>),
    /// The browser was found again, or wasn't.
    Dialed(LinkId, Dialed),
    /// A new browser was filled, or wasn't.
    Restored(LinkId, Result<Box<Filled>, Error>),
    /// The checkpoint to restore was chosen and read, or can't be.
    Chosen {
        result: Result<Chosen, Error>,
        reply: oneshot::Sender<Result<Restored, Error>>,
    },
    /// A checkpoint was deleted, or wasn't.
    Deleted(Box<deleting::Ended>),
    /// A page was attached, or wasn't.
    Attached {
        link: LinkId,
        tab: TabId,
        session: String,
        result: Result<Page, Error>,
    },
    /// A crashed tab was brought back, or wasn't.
    TabRestored {
        link: LinkId,
        tab: TabId,
        tries: u32,
        result: Result<Report, Error>,
    },
    /// A call was done.
    Call {
        link: LinkId,
        ordered: bool,
        pending: Pending,
        tab: Option<TabId>,
        result: Result<Outcome, Error>,
    },
    /// The services were looked at after a navigation had failed.
    Checked {
        link: LinkId,
        lost: Option<Service>,
        pending: Pending,
        tab: Option<TabId>,
        err: Error,
    },
    /// A capture came to its end.
    Captured {
        link: LinkId,
        result: Result<Captured, Error>,
        wanted: Wanted,
        reply: Option<oneshot::Sender<Result<CheckpointInfo, Error>>>,
        then: Then,
    },
    /// The origin a tab left was read.
    ReadAside,
    /// The browser got back what its storage service lost.
    Reseeded(LinkId, Result<bool, Error>),
    /// The pages were listed after announcements of them had been lost: the tabs that have none.
    Relisted(LinkId, Result<Vec<TabId>, Error>),
    /// A sign of life came, or didn't.
    Probed(LinkId, bool),
    /// The pages were told what the session is to be.
    Told(Box<Told>),
    /// Something was done with the files of downloads.
    OfFile(FileDone),
    /// A browser is gone, and nothing of it is left.
    Stopped,
}

/// What a capture was waited for by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Then {
    /// Nothing.
    Nothing,
    /// The session's first state: the session is alive now.
    Alive,
    /// An older checkpoint is to be restored.
    Restore,
    /// The session closes.
    Close,
    /// The session is idle, and its browser is given back.
    Park,
    /// The daemon stops.
    ShutDown,
}

impl Session {
    pub(super) fn on_done(&mut self, done: Done) {
        match done {
            Done::Launched(link, result) => self.on_launched(link, result),
            Done::Dialed(link, dialed) => self.on_dialed(link, dialed),
            Done::Restored(link, result) => self.on_restored(link, result),
            Done::Chosen { result, reply } => self.on_chosen(result, reply),
            Done::Deleted(ended) => self.on_deleted(*ended),
            Done::Attached {
                link,
                tab,
                session,
                result,
            } => {
                self.on_attached(link, tab, &session, result);
            }
            Done::TabRestored {
                link,
                tab,
                tries,
                result,
            } => self.on_tab_restored(link, tab, tries, result),
            Done::Call {
                link,
                ordered,
                pending,
                tab,
                result,
            } => {
                self.on_call_done(link, ordered, pending, tab, result);
            }
            Done::Captured {
                link,
                result,
                wanted,
                reply,
                then,
            } => {
                self.on_captured(link, result, wanted, reply, then);
            }
            Done::Checked {
                link,
                lost,
                pending,
                tab,
                err,
            } => {
                self.on_checked(link, lost, pending, tab, err);
            }
            Done::ReadAside => self.capturing.dirt().raise(self.deps.clock.instant()),
            Done::Relisted(link, gone) => self.on_relisted(link, gone),
            Done::Reseeded(link, result) => self.on_reseeded(link, result),
            Done::Probed(link, alive) => {
                self.probing = false;
                if !alive && self.is_alive() {
                    tracing::warn!("the browser does not answer");
                    self.facts.push_back(Fact::LinkLost(link));
                }
            }
            Done::Told(told) => self.on_told(*told),
            Done::OfFile(done) => self.on_file_done(done),
            Done::Stopped => self.on_stopped(),
        }
    }

    /// Work that panicked is one thing undone; what it stood for is told as a loss.
    pub(super) fn on_broken_work(&mut self, fate: Fate) {
        if fate == Fate::Aborted {
            return;
        }
        tracing::error!("a piece of the session's work panicked");
        self.running = None;
        self.checking = false;
        self.capturing.broken();
        self.parking.given_up(self.deps.clock.instant());
        if let Some(link) = self.state.link() {
            // A tab that was being brought back is half made for good.
            let half = std::mem::take(&mut self.restoring);
            self.facts.push_back(match half.is_empty() {
                true => Fact::LinkLost(link),
                false => Fact::BrowserGone(link, Cause::RendererCrashed),
            });
        }
        self.run_queue();
    }

    pub(super) fn take_over(&mut self, adopted: Adopted) {
        for (id, mut tab) in adopted.tabs {
            // How far it was scrolled is in the checkpoint only.
            let before = self.tabs.get(id).unwrap_or_default().known;
            let TabPart {
                tab: number,
                url,
                title,
                ..
            } = tab.known;
            tab.known = TabPart {
                tab: number,
                url,
                title,
                ..before
            };
            self.tabs.put(id, tab);
        }
        self.use_live(adopted.live);
    }
}
