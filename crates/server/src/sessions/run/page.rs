//! Operations: what is done on a page.

use api::{
    ApiError, Content, Evaluate, Evaluated, Exception, GetContent, HandleDialog, Handled, InTab,
    Interact, Interacted, Navigate, Navigated, Picture, Screenshot, Shot, Snapshot, Target,
    WaitFor, Waited,
};
use base::Ctx;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use session::page::{self, ContentFormat, ContentOptions, ImageFormat, Since, SnapshotOptions};
use session::{Act, Outcome};

use super::{Run, other_outcome};
use crate::sessions::OnSessions;
use crate::sessions::action;
use crate::sessions::run::view::{VIEWED, Wanted};
use crate::sessions::wire::{Frame, PLACE, framed};

impl Run<Navigate> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: Navigate) -> Result<InTab<Navigated>, ApiError> {
        let wanted = Wanted::read(input.snapshot.as_deref())?;
        let act = Act::Navigate(page::Navigate { url: input.url });
        let acted = self
            .act(ctx, &input.session_id, input.tab_id.as_deref(), act)
            .await?;
        let frame = Frame::of(&acted);
        let view = self.view(ctx, &acted, wanted).await;
        let Outcome::Navigated(out) = acted.outcome else {
            return Err(other_outcome());
        };
        let fields = Navigated {
            url: out.url.into_exposed(),
            title: out.title.into_exposed(),
            http_status: out.http_status,
            view,
        };
        Ok(framed(&frame, fields, &VIEWED))
    }
}

impl Run<Snapshot> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: Snapshot) -> Result<InTab<Shot>, ApiError> {
        let since = match (input.since, input.diff) {
            (Some(_), Some(false)) => {
                return Err(ApiError::invalid(
                    "`since` asks for a diff, `diff` for none",
                ));
            }
            (Some(number), _) => Some(Since::Number(number)),
            (None, Some(true)) => Some(Since::Last),
            (None, _) => None,
        };
        let options = SnapshotOptions {
            interactive_only: input.interactive_only.unwrap_or(false),
            max_depth: input.max_depth,
            scope: scope(input.selector, input.r#ref)?,
            max_bytes: input
                .max_bytes
                .map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX)),
            hidden: input.hidden.unwrap_or(false),
            urls: input.urls.unwrap_or(false),
            since,
        };
        refuse_other_view(&options)?;
        let act = Act::Snapshot(options);
        let acted = self
            .act(ctx, &input.session_id, input.tab_id.as_deref(), act)
            .await?;
        let frame = Frame::of(&acted);
        let Outcome::Snapshot(out) = acted.outcome else {
            return Err(other_outcome());
        };
        let fields = Shot {
            snapshot: out.text.into_exposed(),
            snapshot_id: out.number,
            since: out.since,
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
        let wanted = Wanted::read(input.snapshot.as_deref())?;
        let (action, limit) = action::action(input)?;
        let ctx = limit.map_or_else(|| ctx.clone(), |limit| ctx.at_most(limit));
        let acted = self
            .act(&ctx, &who, tab.as_deref(), Act::Interact(action))
            .await?;
        let frame = Frame::of(&acted);
        let view = self.view(&ctx, &acted, wanted).await;
        let Outcome::Interacted(out) = acted.outcome else {
            return Err(other_outcome());
        };
        let fields = Interacted {
            url: out.url.into_exposed(),
            title: out.title.into_exposed(),
            view,
        };
        Ok(framed(&frame, fields, &VIEWED))
    }
}

impl Run<WaitFor> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: WaitFor) -> Result<InTab<Waited>, ApiError> {
        let (who, tab) = (input.session_id.clone(), input.tab_id.clone());
        if input.download.is_some() {
            return self.wait_download(ctx, input).await;
        }
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
            download: None,
        };
        Ok(framed(&frame, fields, &PLACE))
    }
}

impl Run<GetContent> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: GetContent) -> Result<InTab<Content>, ApiError> {
        let format = match input.format.as_deref() {
            None | Some("text") => ContentFormat::Text,
            Some("html") => ContentFormat::Html,
            Some("markdown" | "md") => ContentFormat::Markdown,
            Some("links") => ContentFormat::Links,
            Some(_) => {
                return Err(ApiError::invalid(
                    "`format` is markdown, text, html or links",
                ));
            }
        };
        let act = Act::Content(ContentOptions {
            format,
            scope: input.selector.map(page::Locator::Css),
            max_bytes: input
                .max_bytes
                .map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX)),
        });
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
            scale: input.scale,
            annotate: input.annotate.unwrap_or(false),
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

/// Returns the part of the page that a snapshot is asked of.
fn scope(
    selector: Option<String>,
    by_ref: Option<String>,
) -> Result<Option<page::Locator>, ApiError> {
    let target = Target {
        selector,
        r#ref: by_ref,
        ..Target::default()
    };
    action::locator(&target, None)
}

/// A diff shows what the snapshot before it showed: nothing else can be asked of it.
fn refuse_other_view(options: &SnapshotOptions) -> Result<(), ApiError> {
    let other = options.interactive_only
        || options.max_depth.is_some()
        || options.scope.is_some()
        || options.hidden
        || options.urls;
    if options.since.is_some() && other {
        let error = ApiError::invalid("a diff shows what the snapshot before it showed");
        return Err(error.hint("Leave out all but `max_bytes`, or take a whole snapshot."));
    }
    Ok(())
}
