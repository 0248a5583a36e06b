//! Documents that share a stub.
//!
//! A document of its own costs a navigation, 30 to 50 ms in Chromium 156 whatever switches it
//! is given; 50 entries would take longer than all the rest of a recovery. So the documents
//! around the shown one are made by one stub where they have an origin in common, and with
//! `pushState` each of their entries costs next to nothing.
//!
//! For the browser such entries are places of one document: who goes from one to another gets a
//! `popstate` and keeps the page. [`guard`] is what makes two documents of them: a script that
//! runs before those of the page, hides that step from them and loads the page again, at the
//! entry that was gone to. It needs no daemon to do so.

use std::collections::BTreeMap;

use base::Ctx;
use cdp::protocol::page as wire;
use page::{Page, WORLD};

use super::{EntryPart, HistoryPart};
use crate::Error;

const GUARD: &str = include_str!("guard.js");

/// Returns the entries of each stub, in order. Where stubs aren't `shared`, and for the document
/// that is shown, those are the entries of one document.
pub(super) fn stubs(part: &HistoryPart, shared: bool) -> Vec<&[EntryPart]> {
    let shown = part.shown().map(|entry| entry.document);
    let joins = |one: &EntryPart, other: &EntryPart| {
        one.document == other.document
            || shared
                && Some(one.document) != shown
                && Some(other.document) != shown
                && super::rebuild::stub_at(&one.url, 0)
                    .is_some_and(|at| super::rebuild::stub_at(&other.url, 0) == Some(at))
    };
    part.entries
        .chunk_by(|one, other| joins(one, other))
        .collect()
}

/// Which document each entry of a shared stub is of, by the key the Navigation API has for it.
#[derive(Default)]
pub(super) struct Places(BTreeMap<String, u32>);

impl Places {
    /// Notes the entries of a stub, if several documents share it.
    pub fn note(&mut self, entries: &[EntryPart], keys: Vec<String>) {
        let first = entries.first().map(|entry| entry.document);
        if entries.last().map(|entry| entry.document) != first {
            let documents = entries.iter().map(|entry| entry.document);
            self.0.extend(keys.into_iter().zip(documents));
        }
    }

    /// Has every document of the tab guarded from now on.
    ///
    /// # Cancel safety
    /// As `Page.addScriptToEvaluateOnNewDocument`: it is done or it isn't.
    pub async fn guard(&self, ctx: &Ctx, page: &Page) -> Result<(), Error> {
        if self.0.is_empty() {
            return Ok(());
        }
        let places = serde_json::to_string(&self.0)
            .map_err(|err| super::rebuild::unlike(&err.to_string()))?;
        let script = wire::AddScriptToEvaluateOnNewDocument {
            source: format!("({GUARD})({places});"),
            world_name: Some(WORLD.to_owned()),
            ..Default::default()
        };
        page.session().call(ctx, &script).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(entries: &[(&str, u32)], current: usize) -> HistoryPart {
        let entry = |(url, document): &(&str, u32)| EntryPart {
            url: (*url).to_owned(),
            document: *document,
            ..EntryPart::default()
        };
        HistoryPart {
            entries: entries.iter().map(entry).collect(),
            current,
            whole: true,
        }
    }

    fn lengths(part: &HistoryPart, shared: bool) -> Vec<usize> {
        let stubs = stubs(part, shared);
        stubs.iter().map(|entries| entries.len()).collect()
    }

    #[test]
    fn documents_of_an_origin_share_a_stub_but_for_the_one_that_is_shown() {
        let part = part(
            &[
                ("about:blank", 0),
                ("http://a.test/1", 1),
                ("http://a.test/2", 2),
                ("http://a.test/2#x", 2),
                ("http://a.test:81/", 3),
                ("http://ada@a.test/", 4),
                ("http://a.test/5", 5),
                ("http://a.test/shown", 6),
                ("http://a.test/shown#x", 6),
                ("http://a.test/7", 7),
                ("http://a.test/8", 8),
            ],
            8,
        );
        assert_eq!(lengths(&part, true), [1, 3, 1, 1, 1, 2, 2]);
        assert_eq!(lengths(&part, false), [1, 1, 2, 1, 1, 1, 2, 1, 1]);
    }

    #[test]
    fn only_entries_of_several_documents_are_guarded() {
        let part = part(&[("http://a.test/1", 1), ("http://a.test/1#x", 1)], 0);
        let mut places = Places::default();
        places.note(&part.entries, vec!["k1".to_owned(), "k2".to_owned()]);
        assert!(places.0.is_empty());
        let mut entries = part.entries;
        entries[1].document = 2;
        places.note(&entries, vec!["k1".to_owned(), "k2".to_owned()]);
        assert_eq!(places.0["k2"], 2);
    }
}
