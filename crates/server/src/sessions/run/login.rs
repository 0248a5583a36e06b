//! Operations: logins, kept from one session and put in place in another.

use api::{
    ApiError, DeleteSnapshot, DeletedSnapshot, InTab, ListSnapshots, RestoreSnapshot,
    RestoredSnapshot, SaveSnapshot, SavedSnapshot, Snapshots,
};
use base::{CheckpointId, Ctx, Part};
use session::{Outcome, WhichLogin};

use super::{Run, other_outcome, session_name, tab_id};
use crate::sessions::OnSessions;
use crate::sessions::failure::failure;
use crate::sessions::wire::{self, Frame, framed};

/// What the address of a page wrote.
const ORIGIN: [&str; 1] = ["origin"];

impl Run<SaveSnapshot> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: SaveSnapshot) -> Result<InTab<SavedSnapshot>, ApiError> {
        let who = session_name(&input.session_id)?;
        let tab = input.tab_id.as_deref().map(tab_id).transpose()?;
        let saved = self
            .sessions
            .save_login(ctx, &who, tab, input.origin, input.name)
            .await;
        let acted = saved.map_err(|err| failure(&err))?;
        let Outcome::LoginSaved(saved) = &acted.outcome else {
            return Err(other_outcome());
        };
        let fields = SavedSnapshot {
            login: wire::login(&saved.login),
            cookies: saved.cookies as u64,
            lost: words(&saved.lost),
        };
        Ok(framed(&Frame::of(&acted), fields, &ORIGIN))
    }
}

impl Run<RestoreSnapshot> for OnSessions {
    async fn run(
        &self,
        ctx: &Ctx,
        input: RestoreSnapshot,
    ) -> Result<InTab<RestoredSnapshot>, ApiError> {
        let who = session_name(&input.session_id)?;
        let tab = input.tab_id.as_deref().map(tab_id).transpose()?;
        let which = WhichLogin {
            origin: input.origin,
            profile: input.from_profile,
            id: input.snapshot_id.as_deref().map(snapshot_id).transpose()?,
        };
        let restored = self.sessions.restore_login(ctx, &who, tab, which).await;
        let restored = restored.map_err(|err| failure(&err))?;
        let Outcome::LoginPlaced(placed) = &restored.acted.outcome else {
            return Err(other_outcome());
        };
        let fields = RestoredSnapshot {
            login: wire::login(&restored.login),
            restored: words(&placed.restored),
            lost: words(&placed.lost),
            expired_cookies: placed.expired as u64,
            reloaded_tabs: placed.reloaded.iter().map(ToString::to_string).collect(),
            skipped: restored.skipped.iter().map(ToString::to_string).collect(),
        };
        Ok(framed(&Frame::of(&restored.acted), fields, &ORIGIN))
    }
}

impl Run<ListSnapshots> for OnSessions {
    async fn run(&self, _ctx: &Ctx, input: ListSnapshots) -> Result<Snapshots, ApiError> {
        let (profile, origin) = (input.profile.as_deref(), input.origin.as_deref());
        let logins = self.sessions.logins(profile, origin).await;
        let logins = logins.map_err(|err| failure(&err))?;
        Ok(Snapshots {
            snapshots: logins.iter().map(wire::login).collect(),
            untrusted: wire::untrusted(&["snapshots[].origin"]),
        })
    }
}

impl Run<DeleteSnapshot> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: DeleteSnapshot) -> Result<DeletedSnapshot, ApiError> {
        let id = snapshot_id(&input.snapshot_id)?;
        let deleted = self.sessions.delete_login(ctx, id).await;
        deleted.map_err(|err| failure(&err))?;
        Ok(DeletedSnapshot {
            snapshot_id: id.to_string(),
            deleted: true,
        })
    }
}

fn snapshot_id(text: &str) -> Result<CheckpointId, ApiError> {
    text.parse()
        .map_err(|err| ApiError::invalid(format!("`snapshot_id`: {err}")))
}

fn words(parts: &[Part]) -> Vec<String> {
    parts.iter().map(ToString::to_string).collect()
}
