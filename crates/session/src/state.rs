//! The session state machine: the states, what each one admits, what moves it.
//!
//! ```text
//!             launched                link lost                   re-attached
//! starting ──────────────▶ alive ────────────────▶ reconnecting ─────────────▶ alive
//!    │ failed                │ ▲                          │ browser gone, or window spent
//!    ▼                       │ └── restored ── recovering ◀┘◀── browser gone (from alive)
//!  failed ◀── gave up ───────┼────────────────────┘  ▲
//!    │                       │ parked, shut down     │ resume
//!    └──── resume ───┐       ▼                       │
//!                    └▶ recoverable ─────────────────┘   older than max_session_age: stale
//! recovering fails → failed, keeping its checkpoint; no checkpoint → failed (no_checkpoint)
//! close leads from every state to closed; closed with a kept checkpoint may be resumed.
//! ```
//!
//! This module does no I/O and reads no clock, so every rule is a plain test. Facts of a
//! browser carry the link they were seen on: news of a link that is no longer the session's
//! changes nothing.

#![deny(clippy::wildcard_enum_match_arm)]

use base::{CheckpointId, StateName};

use crate::cause::Cause;

/// How many browsers are tried for one recovery, each of which dies under it.
pub(crate) const MOST_TRIES: u32 = 3;

/// One connection to one browser; counted up in a session's task.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LinkId(pub u64);

/// Where a session stands, with what is true only there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum State {
    /// The browser is being launched; no page can be addressed yet.
    Starting {
        /// The link being made.
        link: LinkId,
    },
    /// The link is up and the browser answers.
    Alive {
        /// The link in use.
        link: LinkId,
    },
    /// The link dropped or the browser stopped answering; its process is believed to run.
    Reconnecting {
        /// The link being made again.
        link: LinkId,
    },
    /// A new browser is being filled from a checkpoint.
    Recovering {
        /// The new browser's link.
        link: LinkId,
        /// What it is filled from.
        from: CheckpointId,
        /// What made it necessary.
        cause: Cause,
        /// How many browsers have been tried for it, with this one.
        tries: u32,
    },
    /// The browser is gone; `from` can bring the session back.
    Recoverable {
        /// The newest checkpoint.
        from: CheckpointId,
    },
    /// As `Recoverable`, and too old to come back unasked.
    Stale {
        /// The newest checkpoint.
        from: CheckpointId,
    },
    /// The last recovery failed, or there is nothing to recover from.
    Failed {
        /// The newest checkpoint, if there is one.
        from: Option<CheckpointId>,
    },
    /// Ended by its owner.
    Closed {
        /// The checkpoint it may be resumed from, if one is kept.
        kept: Option<CheckpointId>,
    },
}

/// What a command wants of a session, as far as admission is concerned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Work on its pages.
    Act,
    /// A look at its pages that must not wait behind work: dialogs, the list of tabs.
    Look,
    /// Bring it back.
    Resume,
    /// Link it again to the browser it is attached to.
    Relink,
    /// End it.
    Close,
}

/// How a command is let in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Admission {
    /// It may run now.
    Run,
    /// It waits until the session has a browser or its own deadline passes.
    Hold,
    /// The session is resumed first; the command waits for that.
    ResumeFirst,
    /// What it asks for is so already.
    AlreadyDone,
}

/// Why a command is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Denied {
    /// The checkpoint is too old to come back unasked.
    Stale,
    /// The last recovery failed.
    Failed,
    /// There is nothing to come back from.
    NoCheckpoint,
    /// The session is closed.
    Closed,
}

/// What happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fact {
    /// The first browser is up, with its first checkpoint.
    Launched(LinkId, Option<CheckpointId>),
    /// The first browser didn't come up.
    LaunchFailed(LinkId),
    /// The link dropped, or nothing has answered over it for a while.
    LinkLost(LinkId),
    /// The browser answers again, the same one.
    ReAttached(LinkId),
    /// The browser is known to be gone.
    BrowserGone(LinkId, Cause),
    /// It is gone once more than it may be.
    DiesAgain(LinkId),
    /// The time to reconnect is spent; the browser was stopped.
    WindowSpent(LinkId),
    /// The new browser holds the checkpoint's state.
    Restored(LinkId),
    /// It could not be filled.
    RestoreFailed(LinkId),
    /// It could not be filled for want of room: once there is, it can.
    NoRoom(LinkId),
    /// A later start found no browser to adopt.
    NotAdopted,
    /// The browser was given back with everything stored.
    Released,
    /// Nobody uses the session, and its last checkpoint is stored.
    Parked,
    /// A caller, or `auto_resume`, wants the session back.
    ResumeAsked(LinkId),
    /// A caller wants the session linked again to the browser it is attached to.
    RelinkAsked(LinkId),
    /// A caller wants the session as this checkpoint of it has it; what it is now is kept.
    RestoreAsked(LinkId, CheckpointId),
    /// The newest checkpoint is older than `max_session_age`.
    Aged,
    /// The owner ended it.
    CloseAsked,
}

/// What must follow from a change of state, after it is stored and published.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Let the held commands run.
    RunHeld,
    /// Refuse the held commands: no browser will come of this.
    RefuseHeld,
    /// Find the browser again within the window.
    Dial(LinkId),
    /// Start a new browser and fill it.
    Recover(LinkId, CheckpointId),
    /// End the browser that is held, if any.
    StopBrowser,
}

impl State {
    /// Returns the state's name.
    #[must_use]
    pub const fn name(&self) -> StateName {
        match self {
            Self::Starting { .. } => StateName::Starting,
            Self::Alive { .. } => StateName::Alive,
            Self::Reconnecting { .. } => StateName::Reconnecting,
            Self::Recovering { .. } => StateName::Recovering,
            Self::Recoverable { .. } => StateName::Recoverable,
            Self::Stale { .. } => StateName::Stale,
            Self::Failed { .. } => StateName::Failed,
            Self::Closed { .. } => StateName::Closed,
        }
    }

    /// Returns the link whose news the session listens to.
    #[must_use]
    pub const fn link(&self) -> Option<LinkId> {
        match self {
            Self::Starting { link }
            | Self::Alive { link }
            | Self::Reconnecting { link }
            | Self::Recovering { link, .. } => Some(*link),
            Self::Recoverable { .. }
            | Self::Stale { .. }
            | Self::Failed { .. }
            | Self::Closed { .. } => None,
        }
    }

    /// Decides whether a command of `kind` is let in.
    ///
    /// # Errors
    /// [`Denied`] with the reason.
    pub const fn admit(&self, kind: Kind) -> Result<Admission, Denied> {
        match (self, kind) {
            (Self::Alive { .. }, Kind::Act | Kind::Look) => Ok(Admission::Run),
            (Self::Alive { .. }, Kind::Resume | Kind::Relink) => Ok(Admission::AlreadyDone),

            // The session is between browsers; the caller's deadline decides.
            (
                Self::Starting { .. } | Self::Reconnecting { .. } | Self::Recovering { .. },
                Kind::Act | Kind::Look | Kind::Resume | Kind::Relink,
            ) => Ok(Admission::Hold),

            (Self::Recoverable { .. }, Kind::Act | Kind::Look) => Ok(Admission::ResumeFirst),

            // Old or broken state comes back only when somebody says so (A2).
            (Self::Stale { .. }, Kind::Act | Kind::Look) => Err(Denied::Stale),
            (Self::Failed { from: Some(_) }, Kind::Act | Kind::Look) => Err(Denied::Failed),
            (Self::Failed { from: None }, Kind::Act | Kind::Look | Kind::Resume) => {
                Err(Denied::NoCheckpoint)
            }
            (Self::Closed { .. }, Kind::Act | Kind::Look) => Err(Denied::Closed),

            // Whatever still has a checkpoint may come back.
            (
                Self::Recoverable { .. }
                | Self::Stale { .. }
                | Self::Failed { from: Some(_) }
                | Self::Closed { kept: Some(_) },
                Kind::Resume,
            ) => Ok(Admission::Run),
            (Self::Closed { kept: None }, Kind::Resume) => Err(Denied::NoCheckpoint),

            // Its browser may answer again, with everything in it.
            (Self::Failed { .. } | Self::Recoverable { .. } | Self::Stale { .. }, Kind::Relink) => {
                Ok(Admission::Run)
            }
            // It was left for good.
            (Self::Closed { .. }, Kind::Relink) => Err(Denied::Closed),

            // A retried close must succeed, whatever ended the session.
            (Self::Closed { .. }, Kind::Close) => Ok(Admission::AlreadyDone),
            (
                Self::Starting { .. }
                | Self::Alive { .. }
                | Self::Reconnecting { .. }
                | Self::Recovering { .. }
                | Self::Recoverable { .. }
                | Self::Stale { .. }
                | Self::Failed { .. },
                Kind::Close,
            ) => Ok(Admission::Run),
        }
    }

    /// Returns the state after `fact` and what must follow from it.
    ///
    /// `newest` is the newest checkpoint the store holds for the session at this moment, and
    /// `fresh` a link number not used before.
    #[must_use]
    pub fn step(
        self,
        fact: Fact,
        newest: Option<CheckpointId>,
        fresh: LinkId,
    ) -> (Self, Vec<Effect>) {
        let known = fact.link().is_none_or(|link| self.link() == Some(link));
        if !known {
            return (self, vec![]);
        }
        match (self, fact) {
            // Ended is ended, unless somebody asks for it back.
            (Self::Closed { kept: Some(from) }, Fact::ResumeAsked(link)) => {
                recover(link, from, Cause::Resumed)
            }
            (Self::Closed { .. }, Fact::RestoreAsked(link, from)) => {
                recover(link, from, Cause::RestoreAsked)
            }
            (state @ Self::Closed { .. }, _) => (state, vec![]),

            (_, Fact::CloseAsked) => (
                Self::Closed { kept: newest },
                vec![Effect::RefuseHeld, Effect::StopBrowser],
            ),

            (Self::Starting { link }, Fact::Launched(..)) => {
                (Self::Alive { link }, vec![Effect::RunHeld])
            }
            (Self::Starting { .. }, Fact::LaunchFailed(_)) => (
                Self::Failed { from: newest },
                vec![Effect::RefuseHeld, Effect::StopBrowser],
            ),

            (Self::Alive { link }, Fact::LinkLost(_)) => {
                (Self::Reconnecting { link }, vec![Effect::Dial(link)])
            }
            (Self::Reconnecting { link }, Fact::ReAttached(_)) => {
                (Self::Alive { link }, vec![Effect::RunHeld])
            }
            (Self::Reconnecting { .. }, Fact::WindowSpent(_)) => {
                gone(newest, fresh, Cause::Unresponsive)
            }
            (
                Self::Alive { .. } | Self::Reconnecting { .. } | Self::Starting { .. },
                Fact::BrowserGone(_, cause),
            ) => gone(newest, fresh, cause),

            (Self::Recovering { link, .. }, Fact::Restored(_)) => {
                (Self::Alive { link }, vec![Effect::RunHeld])
            }
            // What was asked for can't be had: back to what was kept before it, once.
            (
                Self::Recovering {
                    from,
                    cause: Cause::RestoreAsked,
                    ..
                },
                Fact::RestoreFailed(_) | Fact::BrowserGone(..),
            ) if newest.is_some_and(|newest| newest != from) => {
                gone(newest, fresh, Cause::RestoreFailed)
            }
            // That one browser dies says nothing of the next; that many do says enough.
            (
                Self::Recovering {
                    from, cause, tries, ..
                },
                Fact::BrowserGone(..),
            ) if tries < MOST_TRIES => {
                let again = Self::Recovering {
                    link: fresh,
                    from,
                    cause,
                    tries: tries + 1,
                };
                let effects = vec![Effect::StopBrowser, Effect::Recover(fresh, from)];
                (again, effects)
            }
            // Nothing is wrong with it; the next call tries again.
            (Self::Recovering { from, .. }, Fact::NoRoom(_)) => (
                Self::Recoverable {
                    from: newest.unwrap_or(from),
                },
                vec![Effect::StopBrowser, Effect::RefuseHeld],
            ),
            // The checkpoint stays: a later, explicit resume may succeed.
            (Self::Recovering { from, .. }, Fact::RestoreFailed(_) | Fact::BrowserGone(..)) => (
                Self::Failed { from: Some(from) },
                vec![Effect::RefuseHeld, Effect::StopBrowser],
            ),

            // To try again and again would cost the others their share.
            (Self::Recovering { from, .. }, Fact::DiesAgain(_)) => (
                Self::Failed { from: Some(from) },
                vec![Effect::RefuseHeld, Effect::StopBrowser],
            ),
            (
                Self::Starting { .. } | Self::Alive { .. } | Self::Reconnecting { .. },
                Fact::DiesAgain(_),
            ) => (
                Self::Failed { from: newest },
                vec![Effect::RefuseHeld, Effect::StopBrowser],
            ),

            // Only what can come back is given away.
            (state @ Self::Alive { .. }, Fact::Parked) => match newest {
                Some(from) => (Self::Recoverable { from }, vec![Effect::StopBrowser]),
                None => (state, vec![]),
            },

            (
                Self::Starting { .. }
                | Self::Alive { .. }
                | Self::Reconnecting { .. }
                | Self::Recovering { .. },
                Fact::NotAdopted | Fact::Released,
            ) => match newest {
                // Whoever waits may have the session brought back: after its place is free.
                Some(from) => (
                    Self::Recoverable { from },
                    vec![Effect::StopBrowser, Effect::RefuseHeld],
                ),
                None => (
                    Self::Failed { from: None },
                    vec![Effect::RefuseHeld, Effect::StopBrowser],
                ),
            },

            (
                Self::Recoverable { from }
                | Self::Stale { from }
                | Self::Failed { from: Some(from) },
                Fact::ResumeAsked(link),
            ) => recover(link, newest.unwrap_or(from), Cause::Resumed),
            (Self::Alive { .. }, Fact::RestoreAsked(link, from)) => {
                let (state, then) = recover(link, from, Cause::RestoreAsked);
                (state, [vec![Effect::StopBrowser], then].concat())
            }
            (
                Self::Recoverable { .. } | Self::Stale { .. } | Self::Failed { .. },
                Fact::RestoreAsked(link, from),
            ) => recover(link, from, Cause::RestoreAsked),
            (Self::Failed { from: None }, Fact::RelinkAsked(link)) => {
                (Self::Reconnecting { link }, vec![Effect::Dial(link)])
            }
            (Self::Recoverable { from }, Fact::Aged) => (Self::Stale { from }, vec![]),

            // What doesn't belong to a state is news of something already left behind.
            (state @ Self::Starting { .. }, _)
            | (state @ Self::Alive { .. }, _)
            | (state @ Self::Reconnecting { .. }, _)
            | (state @ Self::Recovering { .. }, _)
            | (state @ Self::Recoverable { .. }, _)
            | (state @ Self::Stale { .. }, _)
            | (state @ Self::Failed { .. }, _) => (state, vec![]),
        }
    }
}

impl Fact {
    /// Returns the link this fact was seen on; `None` for facts of the session itself.
    pub(crate) const fn link(&self) -> Option<LinkId> {
        match self {
            Self::Launched(link, _)
            | Self::LaunchFailed(link)
            | Self::LinkLost(link)
            | Self::ReAttached(link)
            | Self::BrowserGone(link, _)
            | Self::DiesAgain(link)
            | Self::WindowSpent(link)
            | Self::Restored(link)
            | Self::NoRoom(link)
            | Self::RestoreFailed(link) => Some(*link),
            // Those that are asked for bring a link that isn't anybody's yet.
            Self::NotAdopted
            | Self::Released
            | Self::Parked
            | Self::ResumeAsked(_)
            | Self::RelinkAsked(_)
            | Self::RestoreAsked(..)
            | Self::Aged
            | Self::CloseAsked => None,
        }
    }
}

fn recover(link: LinkId, from: CheckpointId, cause: Cause) -> (State, Vec<Effect>) {
    (
        State::Recovering {
            link,
            from,
            cause,
            tries: 1,
        },
        vec![Effect::Recover(link, from)],
    )
}

fn gone(newest: Option<CheckpointId>, fresh: LinkId, cause: Cause) -> (State, Vec<Effect>) {
    match newest {
        Some(from) => {
            let (state, then) = recover(fresh, from, cause);
            (state, [vec![Effect::StopBrowser], then].concat())
        }
        None => (
            State::Failed { from: None },
            vec![Effect::RefuseHeld, Effect::StopBrowser],
        ),
    }
}

#[cfg(test)]
#[path = "state/tests.rs"]
mod tests;
