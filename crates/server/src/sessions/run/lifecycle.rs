//! Operations: opening, showing, keeping, parking, resuming and closing sessions.

use std::time::Duration;

use api::{
    ApiError, CloseSession, GetSession, Keepalive, ListSessions, OpenSession, Opened,
    OpenedSession, ParkSession, ResumeSession, Session, StateFilter,
};
use base::Ctx;
use session::{Filter, How, Limits, Open};

use super::restore::checkpoint_id;
use super::{Run, session_name};
use crate::sessions::OnSessions;
use crate::sessions::failure::failure;
use crate::sessions::wire::untrusted;

impl Run<OpenSession> for OnSessions {
    async fn run(&self, ctx: &Ctx, mut input: OpenSession) -> Result<OpenedSession, ApiError> {
        let settings = super::settings::changes(&mut input);
        let key = input.key.map(|key| key.parse()).transpose();
        let open = Open {
            key: key.map_err(|err| ApiError::invalid(format!("`key`: {err}")))?,
            url: input.url,
            profile: input.profile,
            labels: input.labels.unwrap_or_default().into_iter().collect(),
            navigate: input.navigate.unwrap_or(false),
            limits: limits(input.idle_timeout_ms, input.max_lifetime_ms),
            cdp_url: input.cdp_url,
            settings,
        };
        let opened = self
            .sessions
            .open(ctx, open)
            .await
            .map_err(|err| failure(&err))?;
        Ok(OpenedSession {
            session: self.show(&opened.session, opened.recovered.as_ref()),
            opened: match opened.how {
                How::Created => Opened::Created,
                How::Joined => Opened::Joined,
                How::Resumed => Opened::Resumed,
            },
            http_status: opened.http_status,
        })
    }
}

impl Run<ListSessions> for OnSessions {
    async fn run(&self, _ctx: &Ctx, input: ListSessions) -> Result<api::Sessions, ApiError> {
        let filter = StateFilter::parse(input.state.as_deref()).ok_or_else(|| {
            ApiError::invalid("`state` is no state of a session")
                .hint("Give a state's name, or active, error or all; without it all but closed are listed.")
        })?;
        let filter = match filter {
            StateFilter::Open => Filter::Open,
            StateFilter::Active => Filter::Active,
            StateFilter::All => Filter::All,
            StateFilter::Only(state) => Filter::State(state),
        };
        let mut listed = self
            .sessions
            .list(&filter)
            .await
            .map_err(|err| failure(&err))?;
        listed
            .sessions
            .sort_by_key(|summary| std::cmp::Reverse(summary.last_activity));
        let sessions: Vec<_> = listed
            .sessions
            .iter()
            .map(|summary| Session {
                untrusted: Vec::new(),
                ..self.show(summary, None)
            })
            .collect();
        let damaged = listed.damaged.into_iter().map(|row| api::Damaged {
            session_id: row.id,
            reason: row.reason,
        });
        let damaged = damaged.collect();
        let from_pages: &[&str] = if sessions.is_empty() {
            &[]
        } else {
            &["sessions[].url", "sessions[].title"]
        };
        Ok(api::Sessions {
            sessions,
            damaged,
            untrusted: untrusted(from_pages),
        })
    }
}

impl Run<GetSession> for OnSessions {
    async fn run(&self, _ctx: &Ctx, input: GetSession) -> Result<Session, ApiError> {
        let who = session_name(&input.session_id)?;
        let summary = self.sessions.get(&who).await.map_err(|err| failure(&err))?;
        Ok(self.show(&summary, summary.recovered.as_ref()))
    }
}

impl Run<ResumeSession> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: ResumeSession) -> Result<OpenedSession, ApiError> {
        let who = session_name(&input.session_id)?;
        if let Some(from) = checkpoint_id(input.checkpoint_id.as_deref())? {
            let restored = self.sessions.restore(ctx, &who, Some(from)).await;
            let (summary, restored) = restored.map_err(|err| failure(&err))?;
            return Ok(OpenedSession {
                session: self.show(&summary, restored.recovered.as_ref()),
                opened: Opened::Resumed,
                http_status: None,
            });
        }
        let before = self.sessions.get(&who).await.map_err(|err| failure(&err))?;
        let (summary, recovered) = self
            .sessions
            .resume(ctx, &who)
            .await
            .map_err(|err| failure(&err))?;
        let joined = before.state.holds_browser() && before.generation == summary.generation;
        Ok(OpenedSession {
            session: self.show(&summary, recovered.as_ref()),
            opened: if joined {
                Opened::Joined
            } else {
                Opened::Resumed
            },
            http_status: None,
        })
    }
}

impl Run<ParkSession> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: ParkSession) -> Result<Session, ApiError> {
        let who = session_name(&input.session_id)?;
        let parked = self.sessions.park(ctx, &who).await;
        Ok(self.show(&parked.map_err(|err| failure(&err))?, None))
    }
}

impl Run<Keepalive> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: Keepalive) -> Result<Session, ApiError> {
        let who = session_name(&input.session_id)?;
        let limits = limits(input.idle_timeout_ms, input.max_lifetime_ms);
        let kept = self.sessions.keep(ctx, &who, limits).await;
        Ok(self.show(&kept.map_err(|err| failure(&err))?, None))
    }
}

impl Run<CloseSession> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: CloseSession) -> Result<Session, ApiError> {
        let who = session_name(&input.session_id)?;
        let summary = self
            .sessions
            .close(ctx, &who)
            .await
            .map_err(|err| failure(&err))?;
        Ok(self.show(&summary, None))
    }
}

fn limits(idle_timeout_ms: Option<u64>, max_lifetime_ms: Option<u64>) -> Limits {
    Limits {
        idle_timeout: idle_timeout_ms.map(Duration::from_millis),
        max_lifetime: max_lifetime_ms.map(Duration::from_millis),
    }
}
