//! How far elements inside of a tab's page are scrolled: lists, panes, dialogs.
//!
//! Not in it: what is scrolled in frames of other sites and in closed shadow trees, and more
//! than 50 of them.

use std::time::Duration;

use base::Ctx;
use page::Page;
use serde::{Deserialize, Serialize};

/// How long elements are waited for that appear late or are still too short.
const PATIENCE: Duration = Duration::from_millis(1000);
/// How long the page may take to be asked, beside that.
const ANSWER: Duration = Duration::from_millis(2000);

/// What is scrolled in one page, beside the page itself.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScrollsPart {
    /// The page it was read from; empty if it was not read.
    pub url: String,
    /// The elements in document order.
    pub scrolls: Vec<ScrolledPart>,
    /// There was nothing more.
    pub whole: bool,
}

/// One element that is scrolled.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScrolledPart {
    /// Its element.
    pub tag: String,
    /// Its id.
    pub id: String,
    /// Where it is in the document.
    pub place: String,
    /// How far to the right, in CSS pixels.
    pub x: f64,
    /// How far down.
    pub y: f64,
}

impl ScrollsPart {
    /// Tells whether there is nothing to store.
    pub(crate) const fn is_nothing(&self) -> bool {
        self.scrolls.is_empty() && (self.whole || self.url.is_empty())
    }
}

/// Reads what is scrolled; `None` if the page did not tell in time.
pub(crate) async fn capture(ctx: &Ctx, page: &Page) -> Option<ScrollsPart> {
    page.read_scrolls(ctx).await.ok()
}

/// Scrolls the elements of a page that shows `url`; tells whether all are where they were.
///
/// # Cancel safety
/// Doing it again does no harm.
pub(crate) async fn restore(ctx: &Ctx, page: &Page, url: &str, part: &ScrollsPart) -> bool {
    if part.is_nothing() {
        return true;
    }
    if part.url != url {
        return false;
    }
    let ctx = ctx.at_most(PATIENCE + ANSWER);
    let restored = page.restore_scrolls(&ctx, &part.scrolls, PATIENCE).await;
    restored.unwrap_or(false) && part.whole
}
