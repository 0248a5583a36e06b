//! Pages that a recovery brought back as they were a moment before.
//!
//! What a page went on to in the last second may be in no checkpoint. A call that was sent for
//! the later page is not done on the earlier one: it is refused once its tab has come back.

use std::collections::{BTreeMap, BTreeSet};

use base::TabId;

/// The tabs that came back with another page than they were lost with.
#[derive(Default)]
pub(super) struct Moved {
    /// What each tab showed when its browser was lost, until it is back.
    lost: Option<BTreeMap<TabId, String>>,
    tabs: BTreeSet<TabId>,
    /// Those whose callers have heard of it.
    told: BTreeSet<TabId>,
}

impl Moved {
    /// Notes what the tabs showed; of several tries at one recovery only the first knows.
    pub(super) fn lost(&mut self, tabs: impl Iterator<Item = (TabId, String)>) {
        self.lost.get_or_insert_with(|| tabs.collect());
    }

    /// Notes what the tabs were brought back with.
    pub(super) fn came_back<'a>(&mut self, tabs: impl Iterator<Item = (TabId, &'a str)>) {
        let lost = self.lost.take().unwrap_or_default();
        let moved = tabs.filter(|(tab, url)| lost.get(tab).is_some_and(|lost| lost != url));
        self.tabs = moved.map(|(tab, _)| tab).collect();
        self.told.clear();
    }

    /// Forgets all: what comes back is what was asked for.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Notes that a caller was told of the recovery.
    pub(super) fn tell(&mut self) {
        self.told.clone_from(&self.tabs);
    }

    /// Tells whether a call on a tab was meant for the page that is lost. `is_older` is one that
    /// came before the recovery ended.
    pub(super) fn refuses(&mut self, tab: TabId, is_older: bool) -> bool {
        self.tabs.contains(&tab) && (self.told.insert(tab) || is_older)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved() -> Moved {
        let mut moved = Moved::default();
        let tab = |tab, url: &str| (TabId(tab), url.to_owned());
        moved.lost([tab(1, "/b"), tab(2, "/c")].into_iter());
        // A second try knows only what the first one began to fill.
        moved.lost([tab(1, "about:blank")].into_iter());
        moved.came_back([(TabId(1), "/a"), (TabId(2), "/c")].into_iter());
        moved
    }

    #[test]
    fn a_call_for_the_later_page_is_refused_until_its_caller_has_heard() {
        let mut moved = moved();
        assert!(!moved.refuses(TabId(2), true), "it is where it was");
        assert!(moved.refuses(TabId(1), false));
        assert!(!moved.refuses(TabId(1), false), "its caller was told");
        assert!(moved.refuses(TabId(1), true), "it waited since before");
    }

    #[test]
    fn whoever_was_told_of_the_recovery_goes_on() {
        let mut moved = moved();
        moved.tell();
        assert!(!moved.refuses(TabId(1), false));
        assert!(moved.refuses(TabId(1), true));
        moved.lost([(TabId(1), "/a".to_owned())].into_iter());
        moved.came_back([(TabId(1), "/a")].into_iter());
        assert!(!moved.refuses(TabId(1), true), "nothing was lost this time");
    }
}
