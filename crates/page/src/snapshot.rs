//! Snapshots: the page as compact text, with numbers for what can be acted on.

use base::{Ctx, Private};
use serde::{Deserialize, Serialize};

use crate::world::{Ask, MAX_TRIES, is_context_lost, is_unheard};
use crate::{Error, Locator, Page};

/// Numbers are reserved in blocks of this size: one durable write for many snapshots.
const BLOCK: u64 = 1000;
/// How many new numbers one walk may give out.
const MAX_NEW: u64 = 20_000;
/// How large a snapshot may be when the caller gives no bound.
const MAX_BYTES: usize = 1024 * 1024;

/// What a snapshot shall show.
#[derive(Clone, Debug, Default)]
pub struct SnapshotOptions {
    /// Only what can be acted on, without what is around it.
    pub interactive_only: bool,
    /// How many levels of the text are shown.
    pub max_depth: Option<u32>,
    /// The element to show; otherwise the whole page.
    pub scope: Option<Locator>,
    /// How many bytes the text may have; it ends at a whole line.
    pub max_bytes: Option<usize>,
}

/// The page as text.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// One node a line, indented: `role "name" @e3 [state, …]`.
    pub text: Private<String>,
    /// The page's URL.
    pub url: Private<String>,
    /// The page's title.
    pub title: Private<String>,
    /// Whether something was left out because a bound was reached.
    pub truncated: bool,
}

/// The ref numbers of the tab.
#[derive(Debug)]
pub(crate) struct Numbers {
    /// The next number that was never handed to a walk.
    next: u64,
    /// Numbers below this one may leave in an answer.
    reserved: u64,
    /// A walk was handed `next` and nobody heard how far it came.
    unheard: bool,
}

#[derive(Serialize, Debug)]
#[serde(rename_all = "camelCase")]
struct Walk {
    next: u64,
    limit: u64,
    interactive_only: bool,
    max_depth: Option<u32>,
    max_bytes: usize,
}

#[derive(Deserialize, Debug)]
struct Walked {
    text: String,
    next: u64,
    url: String,
    title: String,
    truncated: bool,
}

impl Numbers {
    pub fn starting(first: u64) -> Self {
        let first = first.max(1);
        Self {
            next: first,
            reserved: first,
            unheard: false,
        }
    }

    /// Returns the number the next walk starts with.
    fn hand_out(&mut self) -> u64 {
        // The world of a document in the back/forward cache may know the numbers of a walk
        // that was cut off; they are left to it.
        if self.unheard {
            self.next += MAX_NEW;
        }
        self.unheard = true;
        self.next
    }

    /// Notes that the walk did not begin.
    const fn take_back(&mut self) {
        self.unheard = false;
    }

    /// Notes how far the walk came; returns up to where numbers must be reserved, if at all.
    fn heard(&mut self, next: u64) -> Option<u64> {
        self.unheard = false;
        self.next = self.next.max(next);
        (self.reserved < self.next).then(|| self.next.div_ceil(BLOCK) * BLOCK)
    }
}

impl Page {
    /// Returns the page as text, with a ref for each element that can be acted on.
    ///
    /// An element keeps its number while it lives. Numbers are reserved before they are shown.
    ///
    /// # Errors
    /// [`Error::RefStale`] or [`Error::NotActionable`] if the scope is not there.
    ///
    /// # Cancel safety
    /// Yes: numbers that nobody saw are not given out again.
    pub async fn snapshot(&self, ctx: &Ctx, options: &SnapshotOptions) -> Result<Snapshot, Error> {
        // One walk at a time: two would be handed the same numbers.
        let mut numbers = ctx
            .race(self.numbers().lock())
            .await
            .map_err(Error::Stopped)?;
        let walks = self.walks(ctx, options, &mut numbers);
        let walked = self.not_held_up(ctx, walks).await?;
        if let Some(up_to) = numbers.heard(walked.next) {
            let options = &self.shared().options;
            let reserve = options.refs.reserve(options.tab, up_to);
            ctx.race(reserve).await.map_err(Error::Stopped)??;
            numbers.reserved = up_to;
        }
        self.saw_title(&walked.title);
        Ok(Snapshot {
            text: walked.text.into(),
            url: self.shown_url(walked.url).into(),
            title: walked.title.into(),
            truncated: walked.truncated,
        })
    }

    /// Walks the page. If its document goes away meanwhile the next one is walked, with other
    /// numbers: the first may come back from the back/forward cache with those it was given.
    async fn walks(
        &self,
        ctx: &Ctx,
        options: &SnapshotOptions,
        numbers: &mut Numbers,
    ) -> Result<Walked, Error> {
        let mut tries = 0;
        loop {
            tries += 1;
            let walk = Walk {
                next: numbers.hand_out(),
                limit: MAX_NEW,
                interactive_only: options.interactive_only,
                max_depth: options.max_depth,
                max_bytes: options.max_bytes.unwrap_or(MAX_BYTES).min(MAX_BYTES),
            };
            match self.walk(ctx, options.scope.as_ref(), walk).await {
                Err(err) if is_context_lost(&err) => {
                    if is_unheard(&err) {
                        numbers.take_back();
                    }
                    if tries == MAX_TRIES {
                        return Err(err);
                    }
                    self.await_document(ctx).await?;
                }
                walked => return walked,
            }
        }
    }

    async fn walk(&self, ctx: &Ctx, scope: Option<&Locator>, walk: Walk) -> Result<Walked, Error> {
        match scope {
            None => {
                let frame = self.main_frame();
                self.ask_once(
                    ctx,
                    &Ask {
                        frame: &frame,
                        function: "snapshot",
                        arguments: walk,
                    },
                )
                .await
            }
            Some(scope) => {
                let with = serde_json::to_value(walk).map_err(|err| Error::Script {
                    reason: err.to_string(),
                })?;
                match self.try_in_document(ctx, scope, "snapshotOf", with).await? {
                    Ok(found) => Ok(found.value),
                    Err(last) => Err(Error::NotActionable { tries: 1, last }),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_reserved_in_blocks_before_they_are_shown() {
        let mut numbers = Numbers::starting(1);
        assert_eq!(numbers.hand_out(), 1);
        assert_eq!(numbers.heard(1), None);
        assert_eq!(numbers.hand_out(), 1);
        assert_eq!(numbers.heard(2), Some(1000));
        numbers.reserved = 1000;
        assert_eq!(numbers.hand_out(), 2);
        assert_eq!(numbers.heard(1000), None);
        assert_eq!(numbers.heard(1001), Some(2000));
    }

    #[test]
    fn a_reservation_that_failed_is_asked_for_again() {
        let mut numbers = Numbers::starting(1001);
        numbers.hand_out();
        assert_eq!(numbers.heard(1005), Some(2000));
        numbers.hand_out();
        assert_eq!(numbers.heard(1005), Some(2000));
    }

    #[test]
    fn the_numbers_of_a_walk_that_was_cut_off_are_not_given_again() {
        let mut numbers = Numbers::starting(5);
        assert_eq!(numbers.hand_out(), 5);
        assert!(numbers.hand_out() >= 5 + MAX_NEW);
    }

    #[test]
    fn the_numbers_of_a_walk_that_never_began_are_given_again() {
        let mut numbers = Numbers::starting(5);
        numbers.hand_out();
        numbers.take_back();
        assert_eq!(numbers.hand_out(), 5);
    }
}
