//! Logins: kept from one session, put in place in another.

use std::sync::Arc;

use base::{CheckpointId, Ctx, SessionName, TabId};

use super::Sessions;
use crate::Error;
use crate::act::{Act, Acted};
use crate::command::{Command, Resume, Wanted};
use crate::login::{self, DEFAULT_PROFILE, LoginInfo, SaveLogin};
use crate::summary::Summary;

/// The name of what a session was before a login was put in place.
const BEFORE: &str = "Autosave · before login";
/// The cause of that version.
const CAUSE: &str = "login";

/// Which login is meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WhichLogin {
    /// Its origin.
    pub origin: String,
    /// The profile it is kept under; `None` for the session's own.
    pub profile: Option<String>,
    /// The version; `None` for the newest that isn't damaged.
    pub id: Option<CheckpointId>,
}

/// A login that was put in place.
#[derive(Clone, Debug)]
pub struct RestoredLogin {
    /// The login.
    pub login: LoginInfo,
    /// Newer ones that are damaged and were passed over.
    pub skipped: Vec<CheckpointId>,
    /// What came of it.
    pub acted: Acted,
}

impl Sessions {
    /// Keeps the login of the origin that a session's tab shows, under the session's profile.
    ///
    /// # Errors
    /// [`Error::OtherOrigin`] if the tab is elsewhere, and those of the browser and the store.
    ///
    /// # Cancel safety
    /// It may be kept all the same; the journal knows by `ctx.call`.
    pub async fn save_login(
        &self,
        ctx: &Ctx,
        who: &SessionName,
        tab: Option<TabId>,
        origin: Option<String>,
        name: Option<String>,
    ) -> Result<Acted, Error> {
        let origin = origin.map(|text| login::origin(&text)).transpose()?;
        let profile = shelf_of(&self.get(who).await?);
        let save = SaveLogin {
            profile,
            origin: origin.map(Into::into),
            name,
        };
        self.act(ctx, who, tab, Act::SaveLogin(save)).await
    }

    /// Puts a login in place in a session of whatever profile. What the session was before is
    /// kept, and what it is then is its newest checkpoint when this returns.
    ///
    /// # Errors
    /// [`Error::NoLogin`] and those of reading it: nothing is changed.
    /// [`Error::LoginNotPlaced`] if it could not be put in place: the session is what it was.
    ///
    /// # Cancel safety
    /// It may be put in place all the same; the journal knows by `ctx.call`.
    pub async fn restore_login(
        &self,
        ctx: &Ctx,
        who: &SessionName,
        tab: Option<TabId>,
        which: WhichLogin,
    ) -> Result<RestoredLogin, Error> {
        self.refuse_if_stopping()?;
        let handle = self.find(who).await?;
        let profile = which
            .profile
            .clone()
            .unwrap_or_else(|| shelf_of(&handle.summary()));
        let origin = login::origin(&which.origin)?;
        let (shelf, mut rows) = login::find(self.deps(), &profile, &origin).await?;
        if let Some(id) = which.id {
            rows.retain(|row| row.id == id);
        }
        let (mut skipped, mut failure, mut found) = (vec![], None, None);
        for row in rows {
            match login::read(self.deps(), &shelf, &row).await {
                Ok(login) => {
                    found = Some((login::info(&shelf, &row), login));
                    break;
                }
                Err(err) => {
                    tracing::error!(login = %row.id, %err, "a login can't be restored");
                    skipped.push(row.id);
                    failure.get_or_insert(err);
                }
            }
        }
        let Some((info, login)) = found else {
            return Err(failure.unwrap_or(match which.id {
                Some(id) => Error::LoginNotFound { id },
                None => Error::NoLogin { profile, origin },
            }));
        };
        let resume = Resume::No;
        let wake = |reply| Command::Wake { resume, reply };
        handle.ask(ctx, wake).await??;
        // Of somebody else's browser it is refused, and so the login is.
        let before = Wanted {
            cause: CAUSE,
            name: Some(BEFORE.to_owned()),
            kept: true,
        };
        let capture = |wanted| |reply| Command::Checkpoint { wanted, reply };
        handle.ask(ctx, capture(before)).await??;
        let act = Act::RestoreLogin(Arc::new(login));
        let acted = self.act_on(ctx, &handle, tab, act).await?;
        // Whatever happens from here on, the session comes back with it.
        let after = Wanted {
            cause: "event",
            name: None,
            kept: false,
        };
        let late = Ctx::within(AFTER);
        let captured = handle.ask(&late, capture(after)).await;
        if let Err(err) = captured.and_then(|captured| captured) {
            return Err(Error::OutcomeUnknown {
                reason: format!("the login is in place, but the session was not captured: {err}"),
            });
        }
        Ok(RestoredLogin {
            login: info,
            skipped,
            acted,
        })
    }

    /// Returns the logins there are, by profile and origin, each with the newest first.
    ///
    /// # Errors
    /// Those of the store. A damaged one is told in the log.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn logins(
        &self,
        profile: Option<&str>,
        origin: Option<&str>,
    ) -> Result<Vec<LoginInfo>, Error> {
        let origin = origin.map(login::origin).transpose()?;
        let store = &self.deps().store;
        let listed = store.logins().shelves().await?;
        for damaged in listed.damaged {
            tracing::error!(id = %damaged.id, reason = %damaged.reason, "a shelf is damaged");
        }
        let mut shelves = listed.rows;
        shelves.retain(|shelf| {
            profile.is_none_or(|profile| shelf.profile == profile)
                && origin
                    .as_ref()
                    .is_none_or(|origin| shelf.origin.expose() == origin)
        });
        shelves.sort_by(|one, other| {
            (&one.profile, one.origin.expose()).cmp(&(&other.profile, other.origin.expose()))
        });
        let mut logins = vec![];
        for shelf in shelves {
            let listed = store.checkpoints().list(shelf.id).await?;
            for damaged in listed.damaged {
                tracing::error!(id = %damaged.id, reason = %damaged.reason, "a login is damaged");
            }
            logins.extend(listed.rows.iter().map(|row| login::info(&shelf, row)));
        }
        Ok(logins)
    }

    /// Deletes a login, damaged or not.
    ///
    /// # Errors
    /// [`Error::LoginNotFound`], and those of the store.
    ///
    /// # Cancel safety
    /// It may be deleted all the same.
    pub async fn delete_login(&self, ctx: &Ctx, id: CheckpointId) -> Result<(), Error> {
        self.refuse_if_stopping()?;
        self.record(ctx.call, None, "delete_snapshot").await?;
        if self.deps().store.logins().remove_login(id).await? {
            Ok(())
        } else {
            Err(Error::LoginNotFound { id })
        }
    }
}

/// How long the checkpoint after it may take.
const AFTER: std::time::Duration = std::time::Duration::from_secs(15);

/// Returns the profile that a session keeps its logins under.
fn shelf_of(summary: &Summary) -> String {
    let profile = summary.profile.clone();
    profile.unwrap_or_else(|| DEFAULT_PROFILE.to_owned())
}
