//! Hover and focus.

use base::Ctx;
use serde_json::json;

use crate::action::mouse::{Needs, moved};
use crate::effect::Effects;
use crate::target::Found;
use crate::{Error, Locator, Modifiers, Page, Place};

impl Page {
    pub(super) async fn hover(
        &self,
        ctx: &Ctx,
        effects: &mut Effects<'_>,
        target: &Locator,
        at: Option<Place>,
    ) -> Result<(), Error> {
        let needs = Needs {
            enabled: false,
            at,
            hold: false,
        };
        let found = self.point(ctx, target, needs).await?;
        effects
            .last(&moved(found.value, Modifiers::default()))
            .await?;
        Ok(())
    }

    pub(super) async fn focus(
        &self,
        ctx: &Ctx,
        effects: &mut Effects<'_>,
        target: &Locator,
    ) -> Result<(), Error> {
        let found: Found<bool> = self.ready(ctx, target, "focusable", json!({})).await?;
        self.affect(
            ctx,
            effects,
            &found.frame,
            target,
            "focus",
            json!({ "select": "keep" }),
        )
        .await
    }
}
