//! Each operation, in a few lines.

use api::{
    ActivateTab, ApiError, Call, Checkpoints, CloseSession, CloseTab, ClosedTab, Content, Evaluate,
    Evaluated, Exception, GetCall, GetContent, GetSession, GetStatus, HandleDialog, Handled, InTab,
    Interact, Interacted, ListSessionCheckpoints, ListSessions, ListTabs, Navigate, Navigated,
    NewTab, OpenSession, Opened, OpenedSession, Operation, Picture, ResumeSession,
    SaveSessionCheckpoint, SavedCheckpoint, Screenshot, Session, Shot, Snapshot, StateFilter,
    StopDaemon, TabFields, Tabs, Target, WaitFor, Waited,
};
use base::{Code, Ctx, SessionName, TabId};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use page::{ContentFormat, ImageFormat, SnapshotOptions};
use session::{Act, Acted, CallState, Filter, How, Open, Outcome, Recovered, Summary};

use super::failure::failure;
use super::wire::{Frame, PLACE, framed, untrusted};
use super::{OnSessions, action, wire};

/// Performs one operation. Who performs operations has one for each.
pub(super) trait Run<O: Operation> {
    /// Runs it.
    fn run(&self, ctx: &Ctx, input: O) -> impl Future<Output = Result<O::Output, ApiError>> + Send;
}

impl OnSessions {
    async fn act(
        &self,
        ctx: &Ctx,
        who: &str,
        tab: Option<&str>,
        act: Act,
    ) -> Result<Acted, ApiError> {
        let (who, tab) = (session_name(who)?, tab.map(tab_id).transpose()?);
        self.sessions
            .act(ctx, &who, tab, act)
            .await
            .map_err(|err| failure(&err))
    }

    fn show(&self, summary: &Summary, recovered: Option<&Recovered>) -> Session {
        let mut session = wire::session(summary, self.clock.wall());
        session.recovered = recovered.map(wire::recovered);
        session
    }
}

fn session_name(text: &str) -> Result<SessionName, ApiError> {
    text.parse()
        .map_err(|err| ApiError::invalid(format!("`session_id`: {err}")))
}

fn tab_id(text: &str) -> Result<TabId, ApiError> {
    text.parse()
        .map_err(|err| ApiError::invalid(format!("`tab_id`: {err}")))
}

/// An act came to something else than it can: a fault of ours.
fn other_outcome() -> ApiError {
    ApiError::new(
        Code::Internal,
        "the session answered with something else than was asked",
    )
}

impl Run<OpenSession> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: OpenSession) -> Result<OpenedSession, ApiError> {
        let key = input.key.map(|key| key.parse()).transpose();
        let open = Open {
            key: key.map_err(|err| ApiError::invalid(format!("`key`: {err}")))?,
            url: input.url,
            profile: input.profile,
            labels: input.labels.unwrap_or_default().into_iter().collect(),
            navigate: input.navigate.unwrap_or(false),
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
            http_status: None,
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
        listed.sort_by_key(|summary| std::cmp::Reverse(summary.last_activity));
        let sessions: Vec<_> = listed
            .iter()
            .map(|summary| Session {
                untrusted: Vec::new(),
                ..self.show(summary, None)
            })
            .collect();
        let from_pages: &[&str] = if sessions.is_empty() {
            &[]
        } else {
            &["sessions[].url", "sessions[].title"]
        };
        Ok(api::Sessions {
            sessions,
            damaged: Vec::new(),
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

impl Run<ListTabs> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: ListTabs) -> Result<InTab<Tabs>, ApiError> {
        let acted = self
            .act(ctx, &input.session_id, None, Act::ListTabs)
            .await?;
        let Outcome::Tabs(tabs) = &acted.outcome else {
            return Err(other_outcome());
        };
        let mut frame = Frame::of(&acted);
        if let Some(active) = tabs.iter().find(|tab| tab.active) {
            frame = frame.in_tab(active.tab);
        }
        let tabs = Tabs {
            tabs: tabs.iter().map(wire::tab).collect(),
        };
        Ok(framed(&frame, tabs, &["tabs[].url", "tabs[].title"]))
    }
}

impl Run<NewTab> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: NewTab) -> Result<InTab<TabFields>, ApiError> {
        let acted = self
            .act(ctx, &input.session_id, None, Act::NewTab { url: input.url })
            .await?;
        a_tab(&acted)
    }
}

impl Run<ActivateTab> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: ActivateTab) -> Result<InTab<TabFields>, ApiError> {
        let tab = Some(input.tab_id.as_str());
        a_tab(
            &self
                .act(ctx, &input.session_id, tab, Act::ActivateTab)
                .await?,
        )
    }
}

fn a_tab(acted: &Acted) -> Result<InTab<TabFields>, ApiError> {
    let Outcome::Tab(tab) = &acted.outcome else {
        return Err(other_outcome());
    };
    Ok(framed(
        &Frame::of(acted).in_tab(tab.tab),
        wire::tab_fields(tab),
        &PLACE,
    ))
}

impl Run<CloseTab> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: CloseTab) -> Result<InTab<ClosedTab>, ApiError> {
        let acted = self
            .act(
                ctx,
                &input.session_id,
                input.tab_id.as_deref(),
                Act::CloseTab,
            )
            .await?;
        Ok(framed(&Frame::of(&acted), ClosedTab { closed: true }, &[]))
    }
}

impl Run<Navigate> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: Navigate) -> Result<InTab<Navigated>, ApiError> {
        let act = Act::Navigate(page::Navigate { url: input.url });
        let acted = self
            .act(ctx, &input.session_id, input.tab_id.as_deref(), act)
            .await?;
        let frame = Frame::of(&acted);
        let Outcome::Navigated(out) = acted.outcome else {
            return Err(other_outcome());
        };
        let fields = Navigated {
            url: out.url.into_exposed(),
            title: out.title.into_exposed(),
            http_status: out.http_status,
        };
        Ok(framed(&frame, fields, &PLACE))
    }
}

impl Run<Snapshot> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: Snapshot) -> Result<InTab<Shot>, ApiError> {
        let act = Act::Snapshot(SnapshotOptions {
            interactive_only: input.interactive_only.unwrap_or(false),
            max_depth: input.max_depth,
            scope: input.selector.map(page::Locator::Css),
            max_bytes: input
                .max_bytes
                .map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX)),
        });
        let acted = self
            .act(ctx, &input.session_id, input.tab_id.as_deref(), act)
            .await?;
        let frame = Frame::of(&acted);
        let Outcome::Snapshot(out) = acted.outcome else {
            return Err(other_outcome());
        };
        let fields = Shot {
            snapshot: out.text.into_exposed(),
            url: out.url.into_exposed(),
            title: out.title.into_exposed(),
            truncated: out.truncated,
        };
        Ok(framed(&frame, fields, &["snapshot", "url", "title"]))
    }
}

impl Run<Interact> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: Interact) -> Result<InTab<Interacted>, ApiError> {
        let (who, tab) = (input.session_id.clone(), input.tab_id.clone());
        let (action, limit) = action::action(input)?;
        let ctx = limit.map_or_else(|| ctx.clone(), |limit| ctx.at_most(limit));
        let acted = self
            .act(&ctx, &who, tab.as_deref(), Act::Interact(action))
            .await?;
        let frame = Frame::of(&acted);
        let Outcome::Interacted(out) = acted.outcome else {
            return Err(other_outcome());
        };
        let fields = Interacted {
            url: out.url.into_exposed(),
            title: out.title.into_exposed(),
        };
        Ok(framed(&frame, fields, &PLACE))
    }
}

impl Run<WaitFor> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: WaitFor) -> Result<InTab<Waited>, ApiError> {
        let (who, tab) = (input.session_id.clone(), input.tab_id.clone());
        let (wait, limit) = action::wait(input)?;
        let ctx = limit.map_or_else(|| ctx.clone(), |limit| ctx.at_most(limit));
        let acted = self
            .act(&ctx, &who, tab.as_deref(), Act::WaitFor(wait))
            .await?;
        let frame = Frame::of(&acted);
        let Outcome::Waited(out) = acted.outcome else {
            return Err(other_outcome());
        };
        let fields = Waited {
            url: out.url.into_exposed(),
            title: out.title.into_exposed(),
        };
        Ok(framed(&frame, fields, &PLACE))
    }
}

impl Run<GetContent> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: GetContent) -> Result<InTab<Content>, ApiError> {
        let format = match input.format.as_deref() {
            None | Some("text") => ContentFormat::Text,
            Some("html") => ContentFormat::Html,
            Some("markdown" | "md") => {
                return Err(ApiError::not_available("the format `markdown`"));
            }
            Some(_) => return Err(ApiError::invalid("`format` is text or html")),
        };
        let act = Act::Content(format);
        let acted = self
            .act(ctx, &input.session_id, input.tab_id.as_deref(), act)
            .await?;
        let frame = Frame::of(&acted);
        let Outcome::Content(out) = acted.outcome else {
            return Err(other_outcome());
        };
        let fields = Content {
            content: out.content.into_exposed(),
            truncated: out.truncated,
            url: out.url.into_exposed(),
            title: out.title.into_exposed(),
        };
        Ok(framed(&frame, fields, &["content", "url", "title"]))
    }
}

impl Run<Evaluate> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: Evaluate) -> Result<InTab<Evaluated>, ApiError> {
        let act = Act::Evaluate(page::Evaluate {
            expression: input.expression,
        });
        let acted = self
            .act(ctx, &input.session_id, input.tab_id.as_deref(), act)
            .await?;
        let frame = Frame::of(&acted);
        let Outcome::Evaluated(out) = acted.outcome else {
            return Err(other_outcome());
        };
        let line = |line: page::ConsoleLine| api::ConsoleLine {
            level: line.level,
            text: line.text.into_exposed(),
        };
        let fields = Evaluated {
            value: out.value.into_exposed(),
            console: out.console.into_iter().map(line).collect(),
            exception: out.exception.map(|thrown| Exception {
                message: thrown.text.into_exposed(),
                line: thrown.line,
                column: thrown.column,
            }),
        };
        Ok(framed(&frame, fields, &["value", "console", "exception"]))
    }
}

impl Run<Screenshot> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: Screenshot) -> Result<InTab<Picture>, ApiError> {
        let format = match input.format.as_deref() {
            None | Some("png") => ImageFormat::Png,
            Some("jpeg" | "jpg") => ImageFormat::Jpeg,
            Some("webp") => ImageFormat::Webp,
            Some(_) => return Err(ApiError::invalid("`format` is png, jpeg or webp")),
        };
        if input
            .quality
            .is_some_and(|quality| !(1..=100).contains(&quality))
        {
            return Err(ApiError::invalid("`quality` is a number from 1 to 100"));
        }
        let target = Target {
            r#ref: input.r#ref,
            selector: input.selector,
            ..Target::default()
        };
        let act = Act::Screenshot(page::Screenshot {
            full_page: input.full_page.unwrap_or(false),
            locator: action::locator(&target, None)?,
            format,
            quality: input.quality,
        });
        let acted = self
            .act(ctx, &input.session_id, input.tab_id.as_deref(), act)
            .await?;
        let frame = Frame::of(&acted);
        let Outcome::Image(out) = acted.outcome else {
            return Err(other_outcome());
        };
        let fields = Picture {
            data: STANDARD.encode(&out.data),
            mime_type: out.mime.to_owned(),
            width: out.width,
            height: out.height,
        };
        Ok(framed(&frame, fields, &["data"]))
    }
}

impl Run<HandleDialog> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: HandleDialog) -> Result<InTab<Handled>, ApiError> {
        let act = Act::HandleDialog {
            accept: input.accept,
            text: input.text,
        };
        let acted = self
            .act(ctx, &input.session_id, input.tab_id.as_deref(), act)
            .await?;
        Ok(framed(&Frame::of(&acted), Handled { handled: true }, &[]))
    }
}

impl Run<SaveSessionCheckpoint> for OnSessions {
    async fn run(
        &self,
        ctx: &Ctx,
        input: SaveSessionCheckpoint,
    ) -> Result<InTab<SavedCheckpoint>, ApiError> {
        let who = session_name(&input.session_id)?;
        let taken = self.sessions.checkpoint(ctx, &who, input.name).await;
        let checkpoint = wire::checkpoint(&taken.map_err(|err| failure(&err))?);
        let summary = self.sessions.get(&who).await.map_err(|err| failure(&err))?;
        Ok(framed(
            &Frame::about(&summary),
            SavedCheckpoint { checkpoint },
            &[],
        ))
    }
}

impl Run<ListSessionCheckpoints> for OnSessions {
    async fn run(
        &self,
        _ctx: &Ctx,
        input: ListSessionCheckpoints,
    ) -> Result<Checkpoints, ApiError> {
        let who = session_name(&input.session_id)?;
        let summary = self.sessions.get(&who).await.map_err(|err| failure(&err))?;
        let listed = self
            .sessions
            .checkpoints(&SessionName::Id(summary.id))
            .await;
        let checkpoints = listed.map_err(|err| failure(&err))?;
        Ok(Checkpoints {
            checkpoints: checkpoints.iter().map(wire::checkpoint).collect(),
            session_id: summary.id.to_string(),
            generation: summary.generation,
        })
    }
}

impl Run<GetCall> for OnSessions {
    async fn run(&self, _ctx: &Ctx, input: GetCall) -> Result<Call, ApiError> {
        let id = input.call_id.parse();
        let id = id.map_err(|err| ApiError::invalid(format!("`call_id`: {err}")))?;
        let record = self.sessions.call(id).await.map_err(|err| failure(&err))?;
        Ok(Call {
            call_id: input.call_id,
            operation: record.operation,
            state: match record.state {
                CallState::NotStarted => api::CallState::NotStarted,
                // Taken and still running: its end is to be waited for.
                CallState::Accepted | CallState::Sent => api::CallState::Sent,
                CallState::Done => api::CallState::Done,
                CallState::Failed => api::CallState::Failed,
                CallState::Unknown => api::CallState::Unknown,
            },
            outcome: record
                .outcome
                .and_then(|bytes| serde_json::from_slice(&bytes).ok()),
        })
    }
}

impl Run<GetStatus> for OnSessions {
    async fn run(&self, _ctx: &Ctx, _input: GetStatus) -> Result<api::DaemonStatus, ApiError> {
        // Dispatch answers for the daemon; sessions know nothing of it.
        Err(ApiError::not_available(
            "the status of the daemon, asked of its sessions,",
        ))
    }
}

impl Run<StopDaemon> for OnSessions {
    async fn run(&self, _ctx: &Ctx, _input: StopDaemon) -> Result<api::Stopping, ApiError> {
        Err(ApiError::not_available(
            "the end of the daemon, asked of its sessions,",
        ))
    }
}
