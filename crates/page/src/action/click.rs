//! Click, double click, right click.

use base::Ctx;

use crate::action::mouse::Needs;
use crate::effect::Effects;
use crate::{Button, Error, Locator, Modifiers, Page};

/// More clicks in a row mean nothing to any page.
const MAX_CLICKS: u8 = 3;

impl Page {
    pub(super) async fn click(
        &self,
        ctx: &Ctx,
        effects: &mut Effects<'_>,
        target: &Locator,
        button: Button,
        count: u8,
        modifiers: Modifiers,
    ) -> Result<(), Error> {
        if count == 0 || count > MAX_CLICKS {
            let reason = format!("from 1 to {MAX_CLICKS} clicks can be made in a row");
            return Err(Error::InvalidArgument {
                argument: "count",
                reason,
            });
        }
        let found = self.point(ctx, target, Needs { enabled: true }).await?;
        self.click_at(effects, found.value, button, count, modifiers)
            .await
    }
}
