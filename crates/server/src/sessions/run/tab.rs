//! Operations: the tabs of a session.

use api::{ActivateTab, ApiError, CloseTab, ClosedTab, InTab, ListTabs, NewTab, TabFields, Tabs};
use base::Ctx;
use session::{Act, Acted, Outcome};

use super::{Run, other_outcome};
use crate::sessions::OnSessions;
use crate::sessions::wire::{self, Frame, PLACE, framed};

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
