//! Closing a session, and shutting its task down with the daemon.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::oneshot;

use super::Session;
use super::done::Then;
use crate::Error;
use crate::command::Browsers;
use crate::state::{Admission, Fact, Kind, State};

/// How far the end of a session's task has come.
#[derive(Default)]
pub(super) struct Closing {
    /// Who waits for the close.
    closers: Vec<oneshot::Sender<Result<(), Error>>>,
    /// Who waits for the shutdown, and what becomes of the browser.
    shut_down: Option<(Browsers, oneshot::Sender<()>)>,
    /// Tells those outside of it, also when this task is gone.
    told: Arc<AtomicBool>,
    begun: bool,
    /// The browser lives on without us.
    leaves: bool,
    /// It is closed because its time is over.
    expired: bool,
}

impl Closing {
    pub(super) const fn is_shutting_down(&self) -> bool {
        self.shut_down.is_some()
    }

    /// Returns what tells, also when this task is gone, that the daemon stops.
    pub(super) fn told(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.told)
    }

    pub(super) const fn expires(&mut self) {
        self.expired = true;
    }

    pub(super) const fn is_expired(&self) -> bool {
        self.expired
    }

    /// Tells whether nothing new is let in any more.
    pub(super) const fn has_begun(&self) -> bool {
        self.begun
    }
}

impl Session {
    pub(super) fn close(&mut self, reply: oneshot::Sender<Result<(), Error>>) {
        match self.state.admit(Kind::Close) {
            Ok(Admission::AlreadyDone) if self.live.is_none() => {
                self.reply(reply, Ok(()));
                self.ended = true;
                return;
            }
            Ok(_) => self.closing.closers.push(reply),
            Err(denied) => {
                let err = self.denied(denied);
                self.reply(reply, Err(err));
                return;
            }
        }
        if std::mem::replace(&mut self.closing.begun, true) {
            return;
        }
        self.cut_off_running();
        // What can still be captured is; a browser that doesn't answer doesn't hold the close.
        if matches!(self.state, State::Alive { .. }) {
            self.capture_for(Then::Close);
        } else {
            self.facts.push_back(Fact::CloseAsked);
        }
    }

    pub(super) fn shut_down(&mut self, browsers: Browsers, reply: oneshot::Sender<()>) {
        self.closing.shut_down = Some((browsers, reply));
        self.closing.told.store(true, Ordering::SeqCst);
        self.closing.begun = true;
        if matches!(self.state, State::Alive { .. }) {
            self.capture_for(Then::ShutDown);
        } else {
            self.on_last_capture();
        }
    }

    /// The shutdown's capture was taken, or could not be.
    pub(super) fn on_last_capture(&mut self) {
        let Some((browsers, _)) = &self.closing.shut_down else {
            return;
        };
        let holds = self.live.is_some() || self.claimed.is_some();
        match browsers {
            // It isn't ours to stop; the next daemon links to it again.
            Browsers::Stop if self.is_attached() && self.state.name().holds_browser() => {
                self.closing.leaves = true;
                if self.stops == 0 {
                    self.finish_shut_down();
                }
                return;
            }
            // A half-made browser isn't one a daemon could go on with.
            Browsers::Stop => self.facts.push_back(Fact::Released),
            Browsers::Leave
                if matches!(
                    self.state,
                    State::Starting { .. } | State::Recovering { .. }
                ) =>
            {
                self.facts.push_back(Fact::Released);
            }
            Browsers::Leave => {
                if let Some(live) = &self.live {
                    live.note(&self.tabs);
                }
                self.closing.leaves = true;
                if self.stops == 0 {
                    self.finish_shut_down();
                }
                return;
            }
        }
        if !holds && self.stops == 0 {
            self.finish_shut_down();
        }
    }

    fn finish_shut_down(&mut self) {
        self.refuse_all();
        self.save_row = true;
        self.save_tabs = true;
        if let Some((_, reply)) = self.closing.shut_down.take() {
            self.reply(reply, ());
        }
        self.ended = true;
    }

    /// A browser is gone; if somebody waited for that, the task is done.
    pub(super) fn on_stopped(&mut self) {
        self.stops = self.stops.saturating_sub(1);
        if 0 < self.stops || (self.live.is_some() && !self.closing.leaves) {
            return;
        }
        if self.closing.is_shutting_down() {
            self.finish_shut_down();
        } else if matches!(self.state, State::Closed { .. }) {
            for closer in std::mem::take(&mut self.closing.closers) {
                self.reply(closer, Ok(()));
            }
            self.ended = true;
        }
    }
}
