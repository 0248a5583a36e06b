//! Whether two pictures of an origin's databases are of the same content.
//!
//! What was written is read back in Chromium's order and words. A picture that comes from
//! elsewhere may number its objects and order its fields otherwise and be the same.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::{Database, ObjectStore};

/// How deep a value is compared; one that is nested deeper is compared as it is written.
const DEEPEST: usize = 500;

/// Tells whether all that `wanted` says is `there`, and nothing else is.
pub(super) fn is_same(there: &[Database], wanted: &[Database]) -> bool {
    there == wanted
        || by_name(there, |database| &database.name) == by_name(wanted, |database| &database.name)
            && pairs(there, wanted, |database| &database.name).all(|(there, wanted)| {
                there.version == wanted.version && is_same_in(&there.stores, &wanted.stores)
            })
}

fn is_same_in(there: &[ObjectStore], wanted: &[ObjectStore]) -> bool {
    let name = |store: &ObjectStore| canonical(&store.name);
    let names = |stores: &[ObjectStore]| {
        let mut names: Vec<_> = stores.iter().map(name).collect();
        names.sort_unstable();
        names
    };
    names(there) == names(wanted)
        && wanted.iter().all(|wanted| {
            let like = there.iter().find(|there| name(there) == name(wanted));
            like.is_some_and(|there| {
                canonical(&there.key_path) == canonical(&wanted.key_path)
                    && there.auto_increment == wanted.auto_increment
                    // What isn't said may be anything.
                    && (wanted.next_key.is_none() || there.next_key == wanted.next_key)
                    && indexes(there) == indexes(wanted)
                    && records(there) == records(wanted)
            })
        })
}

fn by_name<T>(all: &[T], name: impl Fn(&T) -> &String) -> Vec<String> {
    let mut names: Vec<_> = all.iter().map(|one| canonical(name(one))).collect();
    names.sort_unstable();
    names
}

fn pairs<'a, T>(
    there: &'a [T],
    wanted: &'a [T],
    name: impl Fn(&T) -> &String + Copy + 'a,
) -> impl Iterator<Item = (&'a T, &'a T)> {
    wanted.iter().filter_map(move |wanted| {
        let of = canonical(name(wanted));
        let like = there.iter().find(|there| canonical(name(there)) == of)?;
        Some((like, wanted))
    })
}

fn indexes(store: &ObjectStore) -> Vec<(String, String, bool, bool)> {
    let all = store.indexes.iter();
    let mut all: Vec<_> = all
        .map(|index| {
            let (name, path) = (canonical(&index.name), canonical(&index.key_path));
            (name, path, index.unique, index.multi_entry)
        })
        .collect();
    all.sort_unstable();
    all
}

fn records(store: &ObjectStore) -> Vec<String> {
    let mut all: Vec<_> = store.records.iter().map(|text| canonical(text)).collect();
    all.sort_unstable();
    all
}

/// Returns a tagged text in the one form that all texts of the same value have.
fn canonical(text: &str) -> String {
    let Ok(record) = serde_json::from_str::<Value>(text) else {
        return text.to_owned();
    };
    let mut out = String::new();
    for part in [Some(&record), record.get("k")].into_iter().flatten() {
        let nothing = vec![];
        let objects = part.get("o").and_then(Value::as_array);
        let mut walk = Walk {
            objects: objects.unwrap_or(&nothing),
            seen: HashMap::new(),
            out: &mut out,
        };
        if walk
            .value(part.get("v").unwrap_or(&Value::Null), 0)
            .is_none()
        {
            return text.to_owned();
        }
        out.push('|');
    }
    out
}

struct Walk<'a> {
    objects: &'a [Value],
    /// When each object was met first.
    seen: HashMap<u64, usize>,
    out: &'a mut String,
}

impl Walk<'_> {
    fn value(&mut self, value: &Value, depth: usize) -> Option<()> {
        if DEEPEST < depth {
            return None;
        }
        match value {
            Value::Array(tagged) if tagged.first().is_some_and(|tag| tag == "r") => {
                self.object(tagged.get(1)?.as_u64()?, depth)
            }
            Value::Array(items) => {
                self.out.push('[');
                for item in items {
                    self.value(item, depth + 1)?;
                    self.out.push(',');
                }
                self.out.push(']');
                Some(())
            }
            Value::Number(number) => write!(self.out, "{:?}", number.as_f64()?).ok(),
            other => write!(self.out, "{other}").ok(),
        }
    }

    fn object(&mut self, at: u64, depth: usize) -> Option<()> {
        if let Some(first) = self.seen.get(&at) {
            return write!(self.out, "#{first}").ok();
        }
        self.seen.insert(at, self.seen.len());
        let body = self.objects.get(usize::try_from(at).ok()?)?;
        self.out.push('(');
        let mut fields = body.as_array()?.clone();
        if fields.first().is_some_and(|tag| tag == "O")
            && let Some(Value::Array(entries)) = fields.get_mut(1)
        {
            entries.sort_by_cached_key(|entry| entry[0].to_string());
        }
        for field in &fields {
            self.value(field, depth + 1)?;
            self.out.push(',');
        }
        self.out.push(')');
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_fields_and_the_numbers_of_objects_make_no_difference() {
        let same = [
            r#"{"v":["r",0],"o":[["O",[["a",["r",1]],["b",1],["c",["r",0]]]],["D",5]],"k":{"v":1}}"#,
            r#"{"k":{"v":1.0},"v":["r",1],"o":[["D",5.0],["O",[["c",["r",1]],["b",1],["a",["r",0]]]]]}"#,
        ];
        assert_eq!(canonical(same[0]), canonical(same[1]));
        for other in [
            r#"{"v":["r",0],"o":[["O",[["a",["r",1]],["b",2],["c",["r",0]]]],["D",5]],"k":{"v":1}}"#,
            r#"{"v":["r",0],"o":[["O",[["a",["r",1]],["b",1],["c",["r",1]]]],["D",5]],"k":{"v":1}}"#,
            r#"{"v":["r",0],"o":[["O",[["a",["r",1]],["b",1],["c",["r",0]]]],["D",6]],"k":{"v":1}}"#,
            r#"{"v":["r",0],"o":[["O",[["a",["r",1]],["b",1],["c",["r",0]]]],["D",5]],"k":{"v":"1"}}"#,
        ] {
            assert_ne!(canonical(same[0]), canonical(other));
        }
        // The order of a Map and of a list is part of them.
        assert_ne!(
            canonical(r#"{"v":["r",0],"o":[["M",[[1,2],[3,4]]]]}"#),
            canonical(r#"{"v":["r",0],"o":[["M",[[3,4],[1,2]]]]}"#)
        );
    }
}
