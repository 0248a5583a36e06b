//! Back, forward, reload, and a certain entry.

use base::Ctx;
use cdp::protocol::page;
use serde_json::{Value, json};

use crate::effect::Effects;
use crate::world::Ask;
use crate::{Error, Gate, Interacted, Page};

impl Page {
    /// Goes `by` entries through the tab's history.
    pub(super) async fn travel(
        &self,
        ctx: &Ctx,
        gate: &Gate,
        by: i64,
    ) -> Result<Interacted, Error> {
        self.fresh(ctx).await?;
        let history = self.call(ctx, &page::GetNavigationHistory {}).await?;
        let index = usize::try_from(history.current_index + by).ok();
        let Some(entry) = index.and_then(|index| history.entries.get(index)) else {
            let way = if by < 0 { "back" } else { "forward" };
            return Err(Error::NavigationFailed {
                reason: format!("the tab's history has no entry to go {way} to"),
            });
        };
        let mut effects = Effects::new(self, ctx, gate);
        let mut arrival = super::settle::Arrival::start(self);
        effects
            .last(&page::NavigateToHistoryEntry { entry_id: entry.id })
            .await?;
        arrival.wait(self, ctx).await
    }

    pub(super) async fn reload(&self, ctx: &Ctx, gate: &Gate) -> Result<Interacted, Error> {
        self.fresh(ctx).await?;
        let mut effects = Effects::new(self, ctx, gate);
        let mut arrival = super::settle::Arrival::start(self);
        effects.last(&page::Reload::default()).await?;
        arrival.wait(self, ctx).await
    }

    /// Shows an entry of the tab's history, or the current one anew, and waits for its document.
    ///
    /// # Errors
    /// [`Error::NavigationFailed`] if no document came of it, [`Error::OutcomeUnknown`] if it
    /// did not load in time: it may still.
    ///
    /// # Cancel safety
    /// The navigation is not withdrawn.
    pub async fn show_entry(
        &self,
        ctx: &Ctx,
        gate: &Gate,
        entry: Option<i64>,
    ) -> Result<(), Error> {
        let mut effects = Effects::new(self, ctx, gate);
        let mut arrival = super::settle::Arrival::start(self);
        match entry {
            Some(entry_id) => {
                let show = page::NavigateToHistoryEntry { entry_id };
                effects.last(&show).await?;
            }
            None => {
                effects.last(&page::Reload::default()).await?;
            }
        }
        arrival.wait(self, ctx).await?;
        if self.is_error_shown(ctx).await? {
            return Err(Error::NavigationFailed {
                reason: "the document could not be had".to_owned(),
            });
        }
        Ok(())
    }

    async fn is_error_shown(&self, ctx: &Ctx) -> Result<bool, Error> {
        let frame = self.main_frame();
        let ask = Ask {
            frame: &frame,
            function: "here",
            arguments: json!({}),
        };
        let here: Value = self.ask(ctx, &ask).await?;
        Ok(here["url"].as_str().is_some_and(super::settle::is_of_error))
    }
}
