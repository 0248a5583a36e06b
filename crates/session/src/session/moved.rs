//! Pages that a recovery brought back as they were a moment before.
//!
//! What a page went on to in the last second may be in no checkpoint. A call that was sent for
//! the later page is not done on the earlier one: it is refused once its tab has come back.

use std::collections::{BTreeMap, BTreeSet};

use base::TabId;

/// The tabs that came back with another page than they were lost with.
#[derive(Default)]
pub(super) struct Moved {
    /// What was shown when the browser was lost, until it is back.
    lost: Option<Shown>,
    tabs: BTreeSet<TabId>,
    /// Those whose callers have heard of it.
    told: BTreeSet<TabId>,
    /// The generation that began with it.
    generation: u64,
}

/// What a session shows: each tab's URL, and the tab that is active.
pub(super) struct Shown {
    pub urls: BTreeMap<TabId, String>,
    /// `None` where nobody has looked: a session that begins, or was at rest.
    pub active: Option<TabId>,
}

impl Moved {
    /// Notes what was shown; of several tries at one recovery only the first knows.
    pub(super) fn lost(&mut self, shown: Shown) {
        self.lost.get_or_insert(shown);
    }

    /// Notes what was brought back, as `generation`.
    pub(super) fn came_back(&mut self, shown: &Shown, generation: u64) {
        self.tabs.clear();
        self.told.clear();
        self.generation = generation;
        let Some(lost) = self.lost.take() else {
            return;
        };
        let another = |tab: &TabId, url: &String| lost.urls.get(tab).is_some_and(|was| was != url);
        let moved = shown.urls.iter().filter(|(tab, url)| another(tab, url));
        self.tabs = moved.map(|(tab, _)| *tab).collect();
        // Whoever names no tab means the active one, and that is another.
        if lost.active.is_some() && lost.active != shown.active {
            self.tabs.extend(shown.active);
        }
    }

    /// Forgets all: what comes back is what was asked for.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Notes that a caller was told of the recovery.
    pub(super) fn tell(&mut self) {
        self.told.clone_from(&self.tabs);
    }

    /// Notes that a tab was sent somewhere: it is where its caller wants it.
    pub(super) fn sent(&mut self, tab: TabId) {
        self.tabs.remove(&tab);
    }

    /// Tells whether a call that came in `generation` was meant for a page that is lost.
    pub(super) fn refuses(&mut self, tab: TabId, generation: u64) -> bool {
        let is_older = generation < self.generation;
        self.tabs.contains(&tab) && (self.told.insert(tab) || is_older)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown<const N: usize>(active: u32, urls: [(u32, &str); N]) -> Shown {
        let url = |(tab, url): (u32, &str)| (TabId(tab), url.to_owned());
        Shown {
            urls: urls.into_iter().map(url).collect(),
            active: Some(TabId(active)),
        }
    }

    fn moved() -> Moved {
        let mut moved = Moved::default();
        moved.lost(shown(2, [(1, "/b"), (2, "/c")]));
        // A second try knows only what the first one began to fill.
        moved.lost(shown(1, [(1, "about:blank")]));
        moved.came_back(&shown(2, [(1, "/a"), (2, "/c")]), 5);
        moved
    }

    #[test]
    fn a_call_for_the_later_page_is_refused_until_its_caller_has_heard() {
        let mut moved = moved();
        assert!(!moved.refuses(TabId(2), 4), "it is where it was");
        assert!(moved.refuses(TabId(1), 5));
        assert!(!moved.refuses(TabId(1), 5), "its caller was told");
        assert!(moved.refuses(TabId(1), 4), "it waited since before");
        moved.sent(TabId(1));
        assert!(
            !moved.refuses(TabId(1), 4),
            "it was sent on before that one"
        );
    }

    #[test]
    fn whoever_was_told_of_the_recovery_goes_on() {
        let mut moved = moved();
        moved.tell();
        assert!(!moved.refuses(TabId(1), 5));
        assert!(
            !moved.refuses(TabId(1), 9),
            "a page that crashed later is another story"
        );
        assert!(moved.refuses(TabId(1), 4));
        moved.lost(shown(1, [(1, "/a")]));
        moved.came_back(&shown(1, [(1, "/a")]), 6);
        assert!(!moved.refuses(TabId(1), 5), "nothing was lost this time");
    }

    #[test]
    fn another_active_tab_is_another_page_to_whoever_names_none() {
        let mut moved = Moved::default();
        moved.lost(shown(2, [(1, "/a"), (2, "/c")]));
        moved.came_back(&shown(1, [(1, "/a")]), 5);
        assert!(moved.refuses(TabId(1), 4));
        let at_rest = Shown {
            active: None,
            ..shown(1, [(1, "/a")])
        };
        moved.lost(at_rest);
        moved.came_back(&shown(1, [(1, "/a")]), 6);
        assert!(!moved.refuses(TabId(1), 4), "nobody had looked");
    }
}
