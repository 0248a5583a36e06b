//! Check and uncheck: a click if the state is another, and a look whether it took.

use std::time::Duration;

use base::Ctx;
use serde::Deserialize;
use serde_json::json;

use crate::action::mouse::Needs;
use crate::effect::Effects;
use crate::target::Found;
use crate::{Attempt, Button, Error, Locator, Modifiers, Page};

/// How long a page may take to show the new state: frameworks render after the event.
const TAKES_EFFECT: Duration = Duration::from_secs(1);
/// The pause between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

#[derive(Deserialize, Debug)]
struct Checked {
    checked: bool,
    radio: bool,
}

impl Page {
    pub(super) async fn check(
        &self,
        ctx: &Ctx,
        effects: &mut Effects<'_>,
        target: &Locator,
        wanted: bool,
    ) -> Result<(), Error> {
        let before: Found<Checked> = self.ready(ctx, target, "checked", json!({})).await?;
        if before.value.checked == wanted {
            return Ok(());
        }
        if before.value.radio && !wanted {
            let reason = "a radio button is unchecked by checking another one".to_owned();
            return Err(Error::InvalidArgument {
                argument: "target",
                reason,
            });
        }
        let found = self.point(ctx, target, Needs::ENABLED).await?;
        self.click_at(effects, found.value, Button::Left, 1, Modifiers::default())
            .await?;
        self.see_checked(ctx, target, wanted)
            .await
            .map_err(Error::after_effects)
    }

    /// Waits until the page shows the new state.
    async fn see_checked(&self, ctx: &Ctx, target: &Locator, wanted: bool) -> Result<(), Error> {
        let until = ctx.at_most(TAKES_EFFECT);
        let mut tries = 0;
        loop {
            tries += 1;
            match self
                .try_once::<_, Checked>(ctx, target, "checked", json!({}))
                .await
            {
                Ok(Ok(found)) if found.value.checked == wanted => return Ok(()),
                Ok(_) => {}
                // The click took the element away or led to another page: it was clicked.
                Err(Error::RefStale { .. }) => return Ok(()),
                Err(err) => return Err(err),
            }
            if until.pause(LOOK_AGAIN).await.is_err() {
                let word = if wanted { "checked" } else { "unchecked" };
                let last = Attempt::NotKept(format!("it was clicked and did not become {word}"));
                return Err(Error::NotActionable { tries, last });
            }
        }
    }
}
