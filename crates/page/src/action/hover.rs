//! Hover and focus.

use base::Ctx;
use serde_json::json;

use crate::action::mouse::{Needs, moved};
use crate::effect::Effects;
use crate::target::Found;
use crate::{Error, Locator, Modifiers, Page};

impl Page {
    pub(super) async fn hover(
        &self,
        ctx: &Ctx,
        effects: &mut Effects<'_>,
        target: &Locator,
    ) -> Result<(), Error> {
        let found = self.point(ctx, target, Needs { enabled: false }).await?;
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
