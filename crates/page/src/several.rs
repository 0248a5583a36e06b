//! Several matches: they are listed with refs, so that the caller can say which one is meant.

use base::Ctx;
use serde::{Deserialize, Serialize};

use crate::target::{About, Target};
use crate::world::Ask;
use crate::{Error, Locator, Page};

/// How many matches are listed. More would be a snapshot.
const LISTED: usize = 5;

#[derive(Serialize)]
struct From {
    next: u64,
    limit: usize,
}

#[derive(Deserialize, Debug)]
struct Several {
    total: usize,
    next: u64,
    listed: Vec<String>,
}

impl Page {
    /// Lists the first elements that match, each with the number that `nth` knows it by.
    ///
    /// # Cancel safety
    /// Yes: numbers that nobody saw are not given out again.
    pub(crate) async fn tell_several(
        &self,
        ctx: &Ctx,
        frame: &str,
        locator: &Locator,
    ) -> Result<String, Error> {
        // One at a time: two would be handed the same numbers.
        let mut taking = ctx
            .race(self.taking().lock())
            .await
            .map_err(Error::Stopped)?;
        let numbers = &mut taking.numbers;
        let with = From {
            next: numbers.hand_out(),
            limit: LISTED,
        };
        let target = Target::of(locator);
        let ask = Ask {
            frame,
            function: "several",
            arguments: About { target, with },
        };
        let several: Several = self.ask_once(ctx, &ask).await?;
        numbers.heard(several.next);
        if let Some(up_to) = numbers.wanted() {
            let options = &self.shared().options;
            let reserve = options.refs.reserve(options.tab, up_to);
            ctx.race(reserve).await.map_err(Error::Stopped)??;
            numbers.reserved = up_to;
        }
        drop(taking);
        let list: Vec<_> = several
            .listed
            .iter()
            .enumerate()
            .map(|(nth, what)| format!("nth {nth}: {what}"))
            .collect();
        let rest = several.total.saturating_sub(list.len());
        let more = if rest > 0 {
            format!("; and {rest} more")
        } else {
            String::new()
        };
        let total = several.total;
        Ok(format!("{total} elements match: {}{more}", list.join("; ")))
    }
}
