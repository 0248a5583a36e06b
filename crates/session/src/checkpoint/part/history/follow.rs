//! Keeps a tab's history as it is known in step with the tab.

use base::{Ctx, TabId};

use super::merge::merge;
use crate::tabs::Tabs;

/// How a tab's history is being followed.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Following {
    /// It may have changed since it was read.
    pub due: bool,
    /// What the tab shows are stubs.
    pub held: bool,
    /// What is read was begun before it was put in place anew if this is another.
    pub epoch: u64,
}

/// Reads a tab's history and puts it with what was known; where it can't be read it is due.
///
/// # Cancel safety
/// The history may stay as it was known and not be said to be due.
pub(crate) async fn follow(ctx: &Ctx, tabs: &Tabs, id: TabId) {
    let Some(tab) = tabs.get(id) else { return };
    let Some(page) = tab.page.filter(|_| !tab.history.held) else {
        tabs.update(id, |tab| tab.history.due = true);
        return;
    };
    let epoch = tab.history.epoch;
    let seen = page.read_history(ctx).await;
    if let Err(err) = &seen {
        tracing::debug!(tab = %id, %err, "a tab's history could not be read");
    }
    tabs.update(id, |tab| {
        if tab.history.held || tab.history.epoch != epoch {
            tab.history.due = true;
            return;
        }
        // What the browser knows is better than what was; the document's part is still to come.
        tab.history.due = !seen.as_ref().is_ok_and(|seen| seen.is_told);
        if let Ok(seen) = &seen {
            tab.known.history = merge(&tab.known.history, seen);
        }
    });
}
