//! Opening: a session is joined, resumed or made.

use base::{CallId, Ctx, SessionId, SessionKey, StateName};
use store::{Attached, SessionRow};

use super::Sessions;
use crate::Error;
use crate::act::{Act, Outcome};
use crate::attached;
use crate::cause::Cause;
use crate::command::{Command, Resume};
use crate::endpoint::Endpoint;
use crate::handle::Handle;
use crate::session::{Begin, Limits};
use crate::settings::{self, Change, SettingsPart};
use crate::summary::{Recovered, Summary};

/// What a caller wants to open.
#[derive(Clone, Default)]
pub struct Open {
    /// The key to join, resume or create by.
    pub key: Option<SessionKey>,
    /// Where the active tab goes.
    pub url: Option<String>,
    /// The named profile to run on.
    pub profile: Option<String>,
    /// Labels for a new session.
    pub labels: Vec<(String, String)>,
    /// Whether a resumed session goes to `url`, too.
    pub navigate: bool,
    /// Limits of its own.
    pub limits: Limits,
    /// The running browser to attach to, in the place of one of its own.
    pub cdp_url: Option<String>,
    /// What it is told to be, from its first page on.
    pub settings: Vec<Change>,
}

impl Open {
    /// Reads where the browser is, if one is to be attached to.
    fn endpoint(&self) -> Result<Option<Endpoint>, Error> {
        let Some(url) = &self.cdp_url else {
            return Ok(None);
        };
        let endpoint = Endpoint::parse(url)?;
        if self.profile.is_some() {
            return Err(Error::NotOfAttached { what: "a profile" });
        }
        if self.limits.idle_timeout.is_some() {
            return Err(Error::NotOfAttached {
                what: "an idle timeout",
            });
        }
        if let Some(what) = self.settings.iter().find_map(Change::is_of_the_browser) {
            return Err(Error::NotOfAttached { what });
        }
        Ok(Some(endpoint))
    }

    /// Returns what a new session is told to be.
    fn told(&self) -> Result<SettingsPart, Error> {
        let mut told = SettingsPart::default();
        for change in self.settings.clone() {
            told.change(change, self.url.as_deref().unwrap_or_default())?;
        }
        Ok(told)
    }
}

/// How a session was opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How {
    /// It is new.
    Created,
    /// It was there.
    Joined,
    /// It was brought back from its checkpoint.
    Resumed,
}

/// A session that was opened.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The session.
    pub session: Summary,
    /// How.
    pub how: How,
    /// The last recovery, if no answer has told it yet.
    pub recovered: Option<Recovered>,
    /// The HTTP status of the page it went to.
    pub http_status: Option<u16>,
}

impl Sessions {
    /// Opens a session: joins the one of the key, resumes it, or creates one.
    ///
    /// # Errors
    /// [`Error::Denied`] if the key's session can't come back, [`Error::LimitReached`],
    /// [`Error::ProfileBusy`], and those of launching, recovering and navigating. A session
    /// whose first navigation fails is open all the same.
    ///
    /// # Cancel safety
    /// The session may have been opened.
    pub async fn open(&self, ctx: &Ctx, open: Open) -> Result<Opened, Error> {
        self.refuse_if_stopping()?;
        if let Some(url) = &open.url {
            page::Navigate { url: url.clone() }.check()?;
        }
        let endpoint = open.endpoint()?;
        // Refused before anything is done.
        open.told()?;
        let (handle, how) = {
            let _turn = ctx
                .race(self.inner.turn.lock())
                .await
                .map_err(Error::not_sent)?;
            match &endpoint {
                Some(endpoint) => self.find_or_attach(ctx, &open, endpoint).await?,
                None => self.find_or_create(ctx, &open).await?,
            }
        };
        let resume = if how == How::Resumed {
            Resume::Asked
        } else {
            Resume::No
        };
        if how != How::Created {
            // Before it comes back: its pages are loaded with them.
            for change in open.settings.clone() {
                let set = |reply| Command::Set { change, reply };
                handle.ask(ctx, set).await??;
            }
        }
        let mut recovered = handle
            .ask(ctx, |reply| Command::Wake { resume, reply })
            .await??;
        if how != How::Created && open.limits != Limits::default() {
            let limits = open.limits;
            let keep = |reply| Command::Keep { limits, reply };
            handle.ask(ctx, keep).await??;
        }
        let mut http_status = None;
        let goes = how != How::Resumed || open.navigate;
        if let Some(url) = open.url.filter(|_| goes) {
            let navigate = if endpoint.is_some() && how == How::Created {
                // The tabs there are somebody's: what he looks at stays.
                Act::NewTab { url: Some(url) }
            } else {
                Act::Navigate(page::Navigate { url })
            };
            // A call of its own in the journal: opening has its row already.
            let step = Ctx {
                call: CallId::new(),
                ..ctx.clone()
            };
            let acted = self.act_on(&step, &handle, None, navigate).await?;
            recovered = acted.recovered.or(recovered);
            if let Outcome::Navigated(navigated) = acted.outcome {
                http_status = navigated.http_status;
            }
        }
        Ok(Opened {
            session: handle.summary(),
            how,
            recovered,
            http_status,
        })
    }

    /// Joins the key's session if it is attached to this browser, or attaches a new one.
    async fn find_or_attach(
        &self,
        ctx: &Ctx,
        open: &Open,
        endpoint: &Endpoint,
    ) -> Result<(Handle, How), Error> {
        let found = attached::find(ctx, endpoint).await?;
        if let Some(key) = &open.key
            && let Some(row) = self.deps().store.sessions().by_key(key).await?
            && !row.is_closed()
        {
            let (id, before) = (row.id, row.attached.clone());
            let handle = self.handle_of(row).await?;
            let state = handle.published.borrow().state;
            let is_it = |it: &Attached| it.browser == found.browser;
            match before {
                Some(before) if is_it(&before) && state.holds_browser() => {
                    return Ok((handle, How::Joined));
                }
                Some(before) if is_it(&before) => return Ok((handle, How::Resumed)),
                // Its browser is gone, and nothing is left that could come back.
                Some(_) if state == StateName::Failed => {
                    handle.ask(ctx, |reply| Command::Close { reply }).await??;
                }
                _ => return Err(Error::AnotherBrowser { id }),
            }
        }
        let handle = self.create(ctx, open, Some(found)).await?;
        Ok((handle, How::Created))
    }

    async fn find_or_create(&self, ctx: &Ctx, open: &Open) -> Result<(Handle, How), Error> {
        if let Some(key) = &open.key
            && let Some(row) = self.deps().store.sessions().by_key(key).await?
        {
            let handle = self.handle_of(row).await?;
            let state = handle.published.borrow().state;
            if state.holds_browser() {
                return Ok((handle, How::Joined));
            }
            if state != StateName::Closed {
                return Ok((handle, How::Resumed));
            }
        }
        let handle = self.create(ctx, open, None).await?;
        Ok((handle, How::Created))
    }

    async fn create(
        &self,
        ctx: &Ctx,
        open: &Open,
        attached: Option<Attached>,
    ) -> Result<Handle, Error> {
        let id = SessionId::new();
        let slot = match &attached {
            None => self.inner.slots.take(id, open.profile.as_deref())?,
            Some(to) => {
                let slot = self.inner.slots.take(id, Some(&attached::holding(to)));
                slot.map_err(|err| attached::taken(&to.address, err))?
            }
        };
        let begin = match &attached {
            None => Begin::Launch,
            Some(_) => Begin::Attach,
        };
        let now = self.deps().clock.wall();
        let mut row = SessionRow {
            id,
            key: open.key.clone(),
            profile: open.profile.clone(),
            labels: open.labels.clone(),
            state: StateName::Starting,
            cause: Cause::Opened.to_string(),
            detail: None,
            generation: 1,
            created_at: now,
            last_activity: now,
            closed_at: None,
            call_count: 0,
            url: "about:blank".to_owned().into(),
            title: String::new().into(),
            browser: None,
            active_tab: None,
            next_tab: 1,
            latest_checkpoint: None,
            recovered: None,
            recovered_told: true,
            failures: 0,
            lifetime: store::Lifetime::default(),
            attached,
        };
        open.limits.note(&mut row.lifetime);
        // The journal first: a repeated open of this call must find that it made a session.
        self.record(ctx.call, Some(id), "open_session").await?;
        let told = open.told()?;
        self.deps().store.sessions().insert(&row).await?;
        if !told.is_nothing() {
            settings::store(self.deps(), id, &told).await?;
        }
        Ok(self.spawn(row, vec![], Some(slot), begin))
    }
}
