//! Click, double click, right click.

use base::Ctx;

use crate::action::mouse::Needs;
use crate::effect::Effects;
use crate::{Button, Error, Locator, Modifiers, Page, Place};

/// More clicks in a row mean nothing to any page.
const MAX_CLICKS: u8 = 3;

/// What the hand does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hand {
    pub button: Button,
    pub count: u8,
    pub modifiers: Modifiers,
    pub at: Option<Place>,
}

impl Page {
    pub(super) async fn click(
        &self,
        ctx: &Ctx,
        effects: &mut Effects<'_>,
        target: &Locator,
        hand: Hand,
    ) -> Result<(), Error> {
        if hand.count == 0 || hand.count > MAX_CLICKS {
            let reason = format!("from 1 to {MAX_CLICKS} clicks can be made in a row");
            return Err(Error::InvalidArgument {
                argument: "count",
                reason,
            });
        }
        let needs = Needs {
            enabled: true,
            at: hand.at,
            hold: false,
        };
        let found = self.point(ctx, target, needs).await?;
        self.click_at(
            effects,
            found.value,
            hand.button,
            hand.count,
            hand.modifiers,
        )
        .await
    }
}
