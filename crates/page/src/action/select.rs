//! Select: options of a `<select>`, or one of a list that the page has made itself.
//!
//! The list that a `<select>` opens on a click is drawn by the browser outside the page, where
//! no input of ours arrives, so its options are set in the page and its events are sent as a
//! choice sends them. A list of the page's own is opened and chosen from by clicks.

use std::time::Duration;

use base::Ctx;
use serde::Deserialize;
use serde_json::json;

use crate::action::Choice;
use crate::action::mouse::{Needs, Point};
use crate::effect::Effects;
use crate::target::Found;
use crate::{Button, Error, Locator, Modifiers, Page};

/// How long a list of the page's own may take to show an option.
const SHOWN: Duration = Duration::from_secs(5);

/// What kind of list it is.
#[derive(Deserialize, PartialEq, Eq, Debug, Clone, Copy)]
#[serde(rename_all = "camelCase")]
enum Kind {
    /// A `<select>`.
    Select,
    /// The page's own, and shown.
    List,
    /// The page's own, opened by a click.
    Opens,
}

impl Page {
    pub(super) async fn select(
        &self,
        ctx: &Ctx,
        effects: &mut Effects<'_>,
        target: &Locator,
        values: &[Choice],
    ) -> Result<(), Error> {
        let with = json!({ "values": values });
        let found: Found<Kind> = self.ready(ctx, target, "selectable", with.clone()).await?;
        if found.value == Kind::Select {
            return self
                .affect(ctx, effects, &found.frame, target, "select", with)
                .await;
        }
        if found.value == Kind::Opens {
            let closed: Found<bool> = self.ready(ctx, target, "opensList", json!({})).await?;
            if closed.value {
                let point = self.point(ctx, target, Needs::ENABLED).await?;
                self.click_first(effects, point.value).await?;
            }
        }
        let Some((last, others)) = values.split_last() else {
            return Ok(());
        };
        for value in others {
            let point = self.option(ctx, effects, target, value).await?;
            self.click_first(effects, point).await?;
        }
        let point = self.option(ctx, effects, target, last).await?;
        self.click_at(effects, point, Button::Left, 1, Modifiers::default())
            .await
    }

    /// Waits for an option of the page's own list, and returns where to click.
    async fn option(
        &self,
        ctx: &Ctx,
        effects: &Effects<'_>,
        target: &Locator,
        value: &Choice,
    ) -> Result<Point, Error> {
        let with = json!({ "value": value });
        let patience = ctx.at_most(SHOWN);
        let ready = self.ready::<_, Point>(&patience, target, "listOption", with);
        match ready.await {
            Ok(found) => Ok(found.value),
            Err(err) if effects.is_open() => Err(err.after_effects()),
            Err(err) => Err(err),
        }
    }
}
