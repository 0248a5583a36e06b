//! Fill: replaces what a field holds, and looks whether the page kept it.

use base::{Ctx, Private};
use cdp::protocol::input;
use serde::Deserialize;
use serde_json::json;

use crate::effect::Effects;
use crate::key::Key;
use crate::target::Found;
use crate::{Attempt, Error, Locator, Modifiers, Page};

/// How text gets into a field.
#[derive(Deserialize, PartialEq, Eq, Debug, Clone, Copy)]
#[serde(rename_all = "camelCase")]
enum Way {
    /// As typed text, over what is selected.
    Insert,
    /// At once: a date or colour has a picker and no plain text.
    Set,
}

impl Page {
    pub(super) async fn fill(
        &self,
        ctx: &Ctx,
        effects: &mut Effects<'_>,
        target: &Locator,
        text: &Private<String>,
    ) -> Result<(), Error> {
        let text = text.expose();
        let with = json!({ "text": text });
        let found: Found<Way> = self.ready(ctx, target, "fillable", with.clone()).await?;
        if found.value == Way::Set {
            return self
                .affect(ctx, effects, &found.frame, target, "setField", with)
                .await;
        }
        effects.open().await?;
        let select = json!({ "select": "all" });
        let focused = self.try_once::<_, ()>(ctx, target, "focus", select).await;
        if let Err(last) = focused.map_err(Error::after_effects)? {
            return Err(Error::NotActionable { tries: 1, last });
        }
        match Key::named("Delete") {
            Some(delete) if text.is_empty() => {
                effects.send(&delete.down(Modifiers::default())).await?;
                effects.last(&delete.up(Modifiers::default())).await?;
            }
            _ => {
                effects
                    .last(&input::InsertText { text: text.clone() })
                    .await?;
            }
        }
        self.see_kept(ctx, target, with)
            .await
            .map_err(Error::after_effects)
    }

    /// Looks whether the field holds what was put in, but for how the page writes it.
    async fn see_kept(
        &self,
        ctx: &Ctx,
        target: &Locator,
        with: serde_json::Value,
    ) -> Result<(), Error> {
        match self
            .try_once::<_, Option<String>>(ctx, target, "kept", with)
            .await
        {
            Ok(Ok(Found {
                value: Some(instead),
                ..
            })) => Err(Error::NotActionable {
                tries: 1,
                last: Attempt::NotKept(instead),
            }),
            // The page took the field away when it was filled: it was filled.
            Ok(_) | Err(Error::RefStale { .. }) => Ok(()),
            Err(err) => Err(err),
        }
    }
}
