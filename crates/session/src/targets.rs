//! Which of the browser's targets is which tab.
//!
//! The browser announces a page (`Target.attachedToTarget`) before or after it answers the
//! `createTarget` that made it. A pop-up has an opener (Chromium 156 says so for `noopener`
//! links, too); a page without one is ours, and whoever makes it claims it. Until no creation
//! is under way, a page without an opener that nobody has claimed is kept back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base::TabId;

/// A page the browser has attached us to, and that waits to be let go.
#[derive(Clone, Debug)]
pub(crate) struct Attached {
    /// The flat session.
    pub session: String,
    /// The target.
    pub target: String,
    /// Whether another page opened it.
    pub has_opener: bool,
    /// Its URL at that moment; empty for most pop-ups.
    pub url: String,
}

/// What an attached page turned out to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Meaning {
    /// The tab that was restored or opened into it.
    Tab(TabId),
    /// A tab that nobody has given a number yet.
    New,
}

#[derive(Default)]
struct Inner {
    creating: usize,
    attached: Vec<Attached>,
    claims: HashMap<String, TabId>,
}

/// The pages of one browser that aren't tabs yet.
#[derive(Clone, Default)]
pub(crate) struct Targets(Arc<Mutex<Inner>>);

/// Says that a target is being made, until it is dropped.
pub(crate) struct Creating(Targets);

impl Targets {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that a target is about to be made.
    pub(crate) fn creating(&self) -> Creating {
        self.lock().creating += 1;
        Creating(self.clone())
    }

    /// Says which tab a target that was made is.
    pub(crate) fn claim(&self, target: &str, tab: TabId) {
        self.lock().claims.insert(target.to_owned(), tab);
    }

    /// Takes an announced page in.
    pub(crate) fn attached(&self, page: Attached) {
        self.lock().attached.push(page);
    }

    /// Forgets an announced page whose session is gone.
    pub(crate) fn detached(&self, session: &str) {
        self.lock().attached.retain(|page| page.session != session);
    }

    /// Returns the targets that are announced or claimed and not tabs yet.
    pub(crate) fn known(&self) -> Vec<String> {
        let inner = self.lock();
        let attached = inner.attached.iter().map(|page| page.target.clone());
        attached.chain(inner.claims.keys().cloned()).collect()
    }

    /// Returns the pages whose meaning is known now.
    pub(crate) fn settle(&self) -> Vec<(Attached, Meaning)> {
        let mut inner = self.lock();
        let waiting = std::mem::take(&mut inner.attached);
        let mut settled = vec![];
        for page in waiting {
            if let Some(tab) = inner.claims.remove(&page.target) {
                settled.push((page, Meaning::Tab(tab)));
            } else if page.has_opener || inner.creating == 0 {
                settled.push((page, Meaning::New));
            } else {
                inner.attached.push(page);
            }
        }
        settled
    }
}

impl Drop for Creating {
    fn drop(&mut self) {
        self.0.lock().creating -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(target: &str, has_opener: bool) -> Attached {
        Attached {
            session: format!("S{target}"),
            target: target.to_owned(),
            has_opener,
            url: String::new(),
        }
    }

    fn check(targets: &Targets, expect: &[(&str, Meaning)]) {
        let settled = targets.settle();
        let settled: Vec<_> = settled
            .iter()
            .map(|(page, meaning)| (page.target.as_str(), *meaning))
            .collect();
        assert_eq!(settled, expect);
    }

    #[test]
    fn a_page_is_kept_back_until_its_maker_has_claimed_it() {
        let targets = Targets::default();
        let creating = targets.creating();
        targets.attached(page("A", false));
        targets.attached(page("P", true));
        check(&targets, &[("P", Meaning::New)]);
        targets.claim("A", TabId(4));
        drop(creating);
        check(&targets, &[("A", Meaning::Tab(TabId(4)))]);
    }

    #[test]
    fn a_claim_may_come_before_the_page() {
        let targets = Targets::default();
        targets.claim("A", TabId(1));
        targets.attached(page("A", false));
        check(&targets, &[("A", Meaning::Tab(TabId(1)))]);
    }

    #[test]
    fn what_nobody_makes_is_a_new_tab() {
        let targets = Targets::default();
        targets.attached(page("A", false));
        check(&targets, &[("A", Meaning::New)]);
    }
}
