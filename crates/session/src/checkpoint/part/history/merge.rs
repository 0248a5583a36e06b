//! Puts what is seen of a tab's history with what was known of it.
//!
//! Pure: what a document tells of the entries around it is laid beside the browser's list,
//! and what was read of other entries when they were shown stays with them.

use page::HistorySeen;
use serde_json::Value;

use super::{EntryPart, HistoryPart, MOST_ENTRIES, MOST_STATE, MOST_STATES, MOST_URL, NULL};

/// What document an entry is of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    /// The one that is shown.
    Shown,
    /// One that was known by this number.
    Known(u32),
    /// One nobody knows, at this place.
    New(usize),
}

/// Returns the history as it is known now.
pub(super) fn merge(known: &HistoryPart, seen: &HistorySeen) -> HistoryPart {
    let (own, mut whole) = own(seen);
    let first = seen.entries.len().saturating_sub(MOST_ENTRIES);
    whole &= first == 0;
    let mut entries: Vec<EntryPart> = vec![];
    let (mut before, mut states) = (None, 0);
    for (at, entry) in seen.entries.iter().enumerate().skip(first) {
        let url = entry.url.expose();
        // A number alone may be another browser's.
        let same = |old: &&EntryPart| old.id == entry.id && old.url == *url;
        let old = known.entries.iter().find(same);
        let of = match (own[at], old) {
            (Some(true), _) => Of::Shown,
            (_, Some(old)) => Of::Known(old.document),
            (_, None) => Of::New(at),
        };
        let document = match (entries.last(), before) {
            (Some(last), Some(before)) => last.document + u32::from(before != of),
            _ => 0,
        };
        before = Some(of);
        let is_shown = at == seen.current;
        let state = if is_shown && seen.is_told {
            let state = seen.state.as_ref().map(|state| state.expose().clone());
            state.filter(|state| is_kept(state))
        } else {
            old.and_then(|old| old.state.clone())
                .or_else(|| entry.stateless.then(|| NULL.to_owned()))
        };
        let state = state.filter(|state| states + state.len() <= MOST_STATES);
        states += state.as_ref().map_or(0, String::len);
        let told = seen.posted.filter(|_| of == Of::Shown);
        let posted = told
            .or_else(|| old.and_then(|old| old.posted))
            .or((!entry.submitted).then_some(false));
        let fits = url.len() <= MOST_URL;
        // One that nobody has seen may be a place of a document beside it.
        let unseen = own[at].is_none() && !entry.stateless;
        let unsure = unseen && old.is_none_or(|old| old.unsure);
        whole &= fits && !unsure;
        entries.push(EntryPart {
            id: entry.id,
            url: if fits { url.clone() } else { String::new() },
            document,
            state,
            posted,
            unsure,
        });
    }
    HistoryPart {
        entries,
        current: seen.current.saturating_sub(first),
        whole,
    }
}

/// Returns which entries are places of the shown document, as far as it sees them, and
/// whether the two lists agree.
fn own(seen: &HistorySeen) -> (Vec<Option<bool>>, bool) {
    let mut own = vec![None; seen.entries.len()];
    let mut whole = true;
    if let Some(shown) = own.get_mut(seen.current).filter(|_| seen.is_told) {
        *shown = Some(true);
    }
    let Some(near) = seen.near_current else {
        return (own, whole);
    };
    let url = |at: usize| seen.entries.get(at).map(|entry| entry.url.expose());
    let matches = |at: usize, near: usize| {
        let told = seen.near.get(near)?;
        (told.url.is_empty() || url(at) == Some(&told.url)).then_some(told.own)
    };
    for step in [Step::Back, Step::On] {
        let (mut at, mut near) = (seen.current, near);
        while let Some(next) = step.from(at).filter(|next| *next < own.len()) {
            let told = step.from(near).and_then(|near| matches(next, near));
            if let Some(told) = told {
                own[next] = Some(told);
                near = step.from(near).unwrap_or(near);
            } else if own[at] == Some(true) && url(next) == url(at) {
                // A frame went somewhere: the document sees no entry of its own in that.
                (own[next], whole) = (Some(true), false);
            } else {
                break;
            }
            at = next;
        }
    }
    (own, whole)
}

#[derive(Clone, Copy)]
enum Step {
    Back,
    On,
}

impl Step {
    fn from(self, at: usize) -> Option<usize> {
        match self {
            Self::Back => at.checked_sub(1),
            Self::On => at.checked_add(1),
        }
    }
}

/// Tells whether a state is of a size and of kinds that can be put back.
fn is_kept(state: &str) -> bool {
    state.len() <= MOST_STATE && serde_json::from_str(state).is_ok_and(|state| is_known(&state))
}

/// Tells whether all of a deeply serialized value is in its text.
fn is_known(told: &Value) -> bool {
    let value = told.get("value");
    let each = |value: &Value| value.as_array().is_some_and(|all| all.iter().all(is_known));
    let pairs = |value: &Value| {
        value.as_array().is_some_and(|all| {
            all.iter().all(|pair| {
                let (key, of) = (pair.get(0), pair.get(1));
                key.is_some_and(|key| key.is_string() || is_known(key)) && of.is_some_and(is_known)
            })
        })
    };
    let Some(kind) = told.get("type").and_then(Value::as_str) else {
        return false;
    };
    match (kind, value) {
        ("undefined" | "null", _) => true,
        ("string" | "number" | "boolean" | "bigint" | "date" | "regexp", value) => value.is_some(),
        ("array" | "set", Some(value)) => each(value),
        ("object" | "map", Some(value)) => pairs(value),
        // The same object again.
        ("array" | "set" | "object" | "map", None) => {
            told.get("weakLocalObjectReference").is_some()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use page::{EntrySeen, NearSeen};

    use super::*;

    /// `shown` is the current entry; `near` has the places its document sees, `own` with `+`.
    fn seen(urls: &[&str], shown: usize, near: &[&str], near_current: usize) -> HistorySeen {
        let entry = |(at, url): (usize, &&str)| EntrySeen {
            id: 10 + i64::try_from(at).unwrap(),
            url: (*url).to_owned().into(),
            submitted: false,
            stateless: false,
        };
        let near = near.iter().map(|text| NearSeen {
            url: text.trim_start_matches('+').to_owned(),
            own: text.starts_with('+'),
        });
        HistorySeen {
            entries: urls.iter().enumerate().map(entry).collect(),
            current: shown,
            near: near.collect(),
            near_current: Some(near_current),
            is_told: true,
            state: Some(state(shown).into()),
            posted: Some(false),
        }
    }

    fn state(number: usize) -> String {
        format!(r#"{{"type":"number","value":{number}}}"#)
    }

    fn check(part: &HistoryPart, documents: &[u32], states: &[Option<usize>]) {
        let found: Vec<_> = part.entries.iter().map(|entry| entry.document).collect();
        assert_eq!(found, documents);
        let found: Vec<_> = part
            .entries
            .iter()
            .map(|entry| entry.state.clone())
            .collect();
        let states: Vec<_> = states.iter().map(|number| number.map(state)).collect();
        assert_eq!(found, states);
    }

    #[test]
    fn what_only_the_browser_tells_is_kept_and_is_unsure_until_a_document_tells_its_part() {
        let listed = |urls: &[&str]| HistorySeen {
            near: vec![],
            near_current: None,
            state: None,
            posted: None,
            is_told: false,
            ..seen(urls, urls.len() - 1, &[], 0)
        };
        let part = merge(&HistoryPart::default(), &seen(&["a"], 0, &["+a"], 0));
        let part = merge(&part, &listed(&["a", "a2", "b"]));
        check(&part, &[0, 1, 2], &[Some(0), None, None]);
        assert!(!part.whole && part.entries[1].unsure && !part.entries[0].unsure);
        let part = merge(&part, &listed(&["a"]));
        check(&part, &[0], &[Some(0)]);
        assert!(part.whole, "what was known of it is");
        let part = merge(&part, &listed(&["a", "a2"]));
        let part = merge(&part, &seen(&["a", "a2"], 1, &["+a", "+a2"], 1));
        check(&part, &[0, 0], &[Some(0), Some(1)]);
        assert!(part.whole);
    }

    #[test]
    fn what_was_read_of_an_entry_stays_with_it_when_the_tab_goes_on() {
        let part = HistoryPart::default();
        let part = merge(&part, &seen(&["a"], 0, &["+a"], 0));
        let part = merge(&part, &seen(&["a", "a2"], 1, &["+a", "+a2"], 1));
        let part = merge(&part, &seen(&["a", "a2", "b"], 2, &["a", "a2", "+b"], 2));
        check(&part, &[0, 0, 1], &[Some(0), Some(1), Some(2)]);
        // Another origin's document sees itself only.
        let part = merge(&part, &seen(&["a", "a2", "b", "c"], 3, &["+c"], 0));
        check(&part, &[0, 0, 1, 2], &[Some(0), Some(1), Some(2), Some(3)]);
        assert!(part.whole);
    }

    #[test]
    fn an_entry_that_was_never_shown_to_us_is_a_document_of_its_own_without_a_state() {
        let part = merge(
            &HistoryPart::default(),
            &seen(&["a", "b", "c", "c2"], 3, &["+c", "+c2"], 1),
        );
        check(&part, &[0, 1, 2, 2], &[None, None, None, Some(3)]);
        assert!(!part.whole, "it is not known that it was one");
    }

    #[test]
    fn a_number_that_means_another_page_now_is_not_believed() {
        let part = merge(&HistoryPart::default(), &seen(&["a"], 0, &["+a"], 0));
        let part = merge(&part, &seen(&["other", "b"], 1, &["+b"], 0));
        check(&part, &[0, 1], &[None, Some(1)]);
    }

    #[test]
    fn an_entry_of_a_frame_is_a_place_of_its_page_and_is_told_as_missing() {
        let part = merge(
            &HistoryPart::default(),
            &seen(&["a", "b", "b", "b2"], 3, &["+b", "+b2"], 1),
        );
        check(&part, &[0, 1, 1, 1], &[None, None, None, Some(3)]);
        assert!(!part.whole);
    }

    #[test]
    fn states_that_can_not_be_put_back_are_not_kept() {
        for told in [
            r#"{"type":"object","value":[["f",{"type":"platformobject"}]]}"#,
            r#"{"type":"array","value":[{"type":"typedarray"}]}"#,
            r#"{"type":"map","value":[[{"type":"error"},{"type":"null"}]]}"#,
            r#"{"type":"object"}"#,
        ] {
            assert!(!is_kept(told), "{told}");
        }
        let cyclic = r#"{"type":"object","value":[["self",{"type":"object","weakLocalObjectReference":1}]],"weakLocalObjectReference":1}"#;
        assert!(is_kept(cyclic));
        let long = format!(
            r#"{{"type":"string","value":"{}"}}"#,
            "x".repeat(MOST_STATE)
        );
        assert!(!is_kept(&long));
    }

    #[test]
    fn a_form_that_may_have_been_posted_is_not_taken_for_one_that_was_not() {
        let mut form = seen(&["a", "b"], 1, &["+b"], 0);
        form.entries[0].submitted = true;
        form.posted = None;
        let part = merge(&HistoryPart::default(), &form);
        assert_eq!(part.entries[0].posted, None);
        assert_eq!(part.entries[1].posted, Some(false));
        assert!(part.has_post());
    }
}
