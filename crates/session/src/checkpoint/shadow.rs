//! What the pages' web storage holds, kept in step by events.
//!
//! Storage of an origin that is no longer open can't be read back (Chromium 156: "Frame not
//! found"), so a picture of it is kept while it is open: one `getDOMStorageItems` per storage
//! key, then the `DOMStorage` events, which carry the values. The reply and the events come
//! by different ways, so the events that arrive while a read is under way are kept and
//! applied again over its reply: each sets, removes or clears absolutely, so applying one
//! twice does no harm, and the last of them is the truth.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use base::{Instant, TabId};

use super::manifest::Items;
use super::part::indexed_db::Known;

/// The most storage keys a session's shadow holds; more are counted as not kept.
const MOST_KEYS: usize = 2_000;
/// The most removed items that are remembered for [`Shadow::service_lost`].
const MOST_REMOVED: usize = 20_000;
/// How long before its end is noticed a storage service's removals may have been told.
const GRACE: Duration = Duration::from_millis(500);

/// One storage area: localStorage of a key, or one tab's sessionStorage of a key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Area {
    /// Chromium's storage key.
    pub storage_key: String,
    /// The tab, for sessionStorage.
    pub tab: Option<TabId>,
}

/// One change of an area, as an event tells it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// An item was added or replaced.
    Set(String, String),
    /// An item was removed.
    Remove(String),
    /// All items were removed.
    Clear,
}

/// The picture of a session's web storage.
#[derive(Default)]
pub struct Shadow {
    areas: BTreeMap<Area, Items>,
    /// IndexedDB: which origins have it, and which of them changed.
    pub(crate) indexed_db: Known,
    /// Areas whose read is under way, with the changes seen since it began.
    reading: BTreeMap<Area, Vec<Change>>,
    /// Areas that must be read (again) as soon as a page can.
    unread: BTreeSet<Area>,
    /// A tab's storage of sites it has left: what a page wrote while it was left isn't told.
    doubtful: BTreeSet<Area>,
    /// localStorage items removed lately, with when and what they were.
    removed: VecDeque<(Instant, Area, String, String)>,
    /// When an item of localStorage was last set.
    set_at: Option<Instant>,
    /// The storage service died: what is told of localStorage is not what a page did.
    frozen: bool,
    /// Something was set about the time the service died: what of it is left, nobody knows.
    torn: bool,
    /// Whether something had no room.
    overfull: bool,
    /// How often it was changed: two looks with the same number saw the same picture.
    changes: u64,
}

impl Shadow {
    /// Takes over a checkpoint's picture.
    pub fn load(&mut self, area: Area, items: Items) {
        self.changes += 1;
        self.areas.insert(area, items);
    }

    /// Notes that an area is open in a page; tells whether it has to be read.
    pub fn opened(&mut self, area: &Area) -> bool {
        if MOST_KEYS <= self.areas.len() && !self.areas.contains_key(area) {
            if !std::mem::replace(&mut self.overfull, true) {
                tracing::warn!(limit = MOST_KEYS, "more storage keys than are kept");
            }
            return false;
        }
        !self.areas.contains_key(area) || self.unread.contains(area)
    }

    /// Notes that a page that shows an area is held by a dialog: what it wrote right before to
    /// localStorage is told by no event until that is closed (Chromium 156).
    pub fn held(&mut self, area: Area) {
        if area.tab.is_none() && !self.frozen {
            self.unread.insert(area);
        }
    }

    /// Tells whether an area must be read (again).
    pub fn is_unread(&self, area: &Area) -> bool {
        self.unread.contains(area)
    }

    /// Notes that a read of an area begins.
    pub fn read_begins(&mut self, area: &Area) {
        self.unread.remove(area);
        self.reading.insert(area.clone(), vec![]);
    }

    /// Takes the reply of a read; tells whether it changed anything.
    pub fn read_ended(&mut self, area: &Area, reply: Option<Items>) -> bool {
        let since = self.reading.remove(area).unwrap_or_default();
        let Some(mut items) = reply else {
            self.unread.insert(area.clone());
            return false;
        };
        for change in since {
            change.apply(&mut items);
        }
        self.doubtful.remove(area);
        let changed = self.areas.get(area) != Some(&items);
        self.changes += u64::from(changed);
        self.areas.insert(area.clone(), items);
        changed
    }

    /// Takes an event that came at `now`.
    pub fn changed(&mut self, area: &Area, change: Change, now: Instant) {
        if area.tab.is_none() {
            if self.frozen {
                self.torn |= self.is_news(area, &change);
                return;
            }
            match &change {
                // What we give back is no news.
                Change::Set(..) if !self.is_news(area, &change) => {}
                Change::Set(..) => self.set_at = Some(now),
                change => self.remember(area, change, now),
            }
        }
        if let Some(since) = self.reading.get_mut(area) {
            since.push(change.clone());
        }
        if let Some(items) = self.areas.get_mut(area) {
            change.apply(items);
        }
        self.changes += 1;
    }

    /// Tells whether an item was set to what it was not when the service died: by a page, or to
    /// what the service had on disk of it.
    fn is_news(&self, area: &Area, change: &Change) -> bool {
        match change {
            Change::Set(key, value) => {
                let items = self.areas.get(area);
                items.and_then(|items| items.get(key)) != Some(value)
            }
            Change::Remove(_) | Change::Clear => false,
        }
    }

    fn remember(&mut self, area: &Area, change: &Change, now: Instant) {
        self.removed
            .retain(|(at, ..)| now.saturating_duration_since(*at) <= GRACE);
        let Some(items) = self.areas.get(area) else {
            return;
        };
        let gone = items.iter().filter(|(key, _)| match change {
            Change::Remove(removed) => removed == *key,
            Change::Clear => true,
            Change::Set(..) => false,
        });
        for (key, value) in gone {
            if self.removed.len() < MOST_REMOVED {
                self.removed
                    .push_back((now, area.clone(), key.clone(), value.clone()));
            }
        }
    }

    /// Notes that a tab went on to another site: what the page that was left wrote to its
    /// sessionStorage at that moment can't be had.
    pub fn left(&mut self, area: Area) {
        if self.areas.get(&area).is_some_and(|items| !items.is_empty()) {
            self.doubtful.insert(area);
        }
    }

    /// Returns the storage keys that a tab has left so.
    pub fn doubtful_of(&self, tab: TabId) -> Vec<String> {
        let doubtful = self.doubtful.iter().filter(|area| area.tab == Some(tab));
        doubtful.map(|area| area.storage_key.clone()).collect()
    }

    /// Notes that the storage service died: takes back what its end removed, and believes
    /// nothing that is told of localStorage until [`Shadow::service_back`].
    pub fn service_lost(&mut self, now: Instant) {
        let lately = |at: Instant| now.saturating_duration_since(at) <= GRACE;
        self.torn |= self.set_at.is_some_and(lately);
        self.frozen = true;
        self.changes += 1;
        for (at, area, key, value) in std::mem::take(&mut self.removed) {
            if now.saturating_duration_since(at) <= GRACE {
                self.areas
                    .entry(area)
                    .or_default()
                    .entry(key)
                    .or_insert(value);
            }
        }
    }

    /// Tells whether localStorage was written about the time its service died.
    ///
    /// What a page set then may be lost with the service, or stand where the service's older
    /// state has to go, and no event tells which: only all of an earlier moment is consistent.
    pub const fn is_torn(&self) -> bool {
        self.torn
    }

    /// Notes that the live browser holds what the shadow holds again, or is given up.
    pub fn service_back(&mut self) {
        (self.frozen, self.torn) = (false, false);
    }

    /// Forgets the sessionStorage of a tab that is gone.
    pub fn forget_tab(&mut self, tab: TabId) {
        self.areas.retain(|area, _| area.tab != Some(tab));
        self.unread.retain(|area| area.tab != Some(tab));
        self.doubtful.retain(|area| area.tab != Some(tab));
        self.reading.retain(|area, _| area.tab != Some(tab));
    }

    /// Returns a number that is another one after each change of an area that is read.
    pub const fn changes(&self) -> u64 {
        self.changes
    }

    /// Returns every area and its items, in order.
    pub fn areas(&self) -> impl Iterator<Item = (&Area, &Items)> {
        self.areas.iter()
    }

    /// Returns what is known of one area.
    #[cfg(test)]
    pub fn items(&self, area: &Area) -> Option<&Items> {
        self.areas.get(area)
    }
}

impl Change {
    fn apply(&self, items: &mut Items) {
        match self {
            Self::Set(key, value) => {
                items.insert(key.clone(), value.clone());
            }
            Self::Remove(key) => {
                items.remove(key);
            }
            Self::Clear => items.clear(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn area() -> Area {
        Area {
            storage_key: "https://a.test/".into(),
            tab: None,
        }
    }

    fn any_change() -> impl Strategy<Value = Change> {
        prop_oneof![
            4 => ("[a-c]", "[0-9]").prop_map(|(key, value)| Change::Set(key, value)),
            2 => "[a-c]".prop_map(Change::Remove),
            1 => Just(Change::Clear),
        ]
    }

    proptest! {
        // The page writes all changes in order; the read sees the state after `seen` of them,
        // while its reply comes after `heard` events.
        #[test]
        fn a_read_beside_events_ends_in_the_truth(
            changes in prop::collection::vec(any_change(), 0..20),
            seen in 0usize..20,
            heard in 0usize..20,
        ) {
            let seen = seen.min(changes.len());
            let heard = heard.min(changes.len());
            let mut page = Items::new();
            let mut reply = Items::new();
            for (n, change) in changes.iter().enumerate() {
                if n == seen { reply = page.clone(); }
                change.apply(&mut page);
            }
            if seen == changes.len() { reply = page.clone(); }

            let now = base::Clock::system().instant();
            let mut shadow = Shadow::default();
            shadow.read_begins(&area());
            for change in &changes[..heard] { shadow.changed(&area(), change.clone(), now); }
            // Events after the read's moment that come after the reply are applied live.
            if heard <= seen {
                for change in &changes[heard..seen] { shadow.changed(&area(), change.clone(), now); }
                shadow.read_ended(&area(), Some(reply));
                for change in &changes[seen..] { shadow.changed(&area(), change.clone(), now); }
            } else {
                shadow.read_ended(&area(), Some(reply));
                for change in &changes[heard..] { shadow.changed(&area(), change.clone(), now); }
            }
            prop_assert_eq!(shadow.items(&area()), Some(&page));
        }
    }

    #[test]
    fn what_a_dying_storage_service_removes_is_taken_back() {
        let now = base::Clock::system().instant();
        let before = now - GRACE * 3;
        let mut shadow = Shadow::default();
        shadow.load(
            area(),
            Items::from([("a".into(), "1".into()), ("b".into(), "2".into())]),
        );
        shadow.changed(&area(), Change::Remove("a".into()), before);
        shadow.changed(&area(), Change::Remove("b".into()), now);
        shadow.service_lost(now);
        shadow.changed(&area(), Change::Clear, now);
        assert_eq!(
            shadow.items(&area()),
            Some(&Items::from([("b".into(), "2".into())]))
        );
        shadow.service_back();
        shadow.changed(&area(), Change::Clear, now);
        assert_eq!(shadow.items(&area()), Some(&Items::new()));
    }

    #[test]
    fn what_is_set_about_the_time_a_storage_service_dies_is_torn() {
        let now = base::Clock::system().instant();
        let set = |value: &str| Change::Set("a".into(), value.into());
        let shadow = |set_at: Instant| {
            let mut shadow = Shadow::default();
            shadow.load(area(), Items::new());
            shadow.changed(&area(), set("1"), set_at);
            shadow.service_lost(now);
            shadow
        };
        assert!(shadow(now).is_torn(), "it may be lost with the service");
        let mut shadow = shadow(now - GRACE * 3);
        assert!(!shadow.is_torn());
        shadow.changed(&area(), Change::Clear, now);
        shadow.changed(&area(), set("1"), now);
        assert!(!shadow.is_torn(), "that is what it is given back");
        shadow.changed(&area(), set("0"), now);
        assert!(shadow.is_torn(), "a page did that, or the disk");
        let kept = Items::from([("a".into(), "1".into())]);
        assert_eq!(shadow.items(&area()), Some(&kept), "nothing is believed");
        shadow.service_back();
        assert!(!shadow.is_torn());
    }

    #[test]
    fn a_failed_read_stays_to_be_done() {
        let mut shadow = Shadow::default();
        shadow.read_begins(&area());
        shadow.read_ended(&area(), None);
        assert!(shadow.opened(&area()));
    }
}
