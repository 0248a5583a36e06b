//! Back, forward, reload.

use base::Ctx;
use cdp::protocol::page;

use crate::effect::Effects;
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
}
