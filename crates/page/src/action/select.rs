//! Select: options of a `<select>`, by value or label.
//!
//! The list that opens on a click is drawn by the browser outside the page, where no input of
//! ours arrives, so the options are set in the page and its events are sent as a choice
//! sends them.

use base::Ctx;
use serde_json::json;

use crate::effect::Effects;
use crate::target::Found;
use crate::{Error, Locator, Page};

impl Page {
    pub(super) async fn select(
        &self,
        ctx: &Ctx,
        effects: &mut Effects<'_>,
        target: &Locator,
        values: &[String],
    ) -> Result<(), Error> {
        let found: Found<bool> = self
            .ready(ctx, target, "selectable", json!({ "values": values }))
            .await?;
        self.affect(
            ctx,
            effects,
            &found.frame,
            target,
            "select",
            json!({ "values": values }),
        )
        .await
    }
}
