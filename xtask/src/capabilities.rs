//! `cargo xtask capabilities`: docs/capabilities.md is complete, and its tests exist.
//!
//! The table has five columns: `id | capability | status | where | tests`. Every id of
//! [`ROWS`] stands there exactly once. A test is named in backticks by its function's name,
//! or by the path of a file where it isn't Rust; it must exist and not be ignored, and a
//! `done` row names one at least.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

use crate::walls::source;

/// How many rows each chapter of the requirements has. Rows are never dropped.
const ROWS: [(char, u32); 10] = [
    ('A', 12),
    ('B', 7),
    ('C', 10),
    ('D', 4),
    ('E', 8),
    ('F', 11),
    ('G', 10),
    ('H', 3),
    ('I', 3),
    ('J', 3),
];

const STATUSES: [&str; 3] = ["done", "partly", "planned"];

/// A test as the tree has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Found {
    /// It runs.
    Runs,
    /// It is there, and marked `#[ignore]`.
    Ignored,
}

/// Prints how many rows have which status, and every fault of the table.
///
/// # Errors
/// If there is a fault.
pub fn run() -> anyhow::Result<()> {
    let root = source::root();
    let text = fs::read_to_string(root.join("docs/capabilities.md"))
        .context("docs/capabilities.md can't be read")?;
    let tests = tests_of(&root)?;
    let faults = check(&text, &|name| look_up(&root, &tests, name));
    for status in STATUSES {
        let count = rows(&text)
            .filter(|cells| cells.get(2) == Some(&status))
            .count();
        println!("{status:>8}: {count}");
    }
    for fault in &faults {
        println!("docs/capabilities.md: {fault}");
    }
    if !faults.is_empty() {
        bail!("docs/capabilities.md has {} faults", faults.len());
    }
    Ok(())
}

/// Returns every fault of the table.
fn check(text: &str, look_up: &dyn Fn(&str) -> Option<Found>) -> Vec<String> {
    let known: BTreeSet<String> = ids().collect();
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    let mut faults = Vec::new();
    for cells in rows(text) {
        let &[id, capability, status, place, named] = cells.as_slice() else {
            faults.push(format!(
                "a row has {} columns instead of 5: {cells:?}",
                cells.len()
            ));
            continue;
        };
        *seen.entry(id).or_default() += 1;
        if !known.contains(id) {
            faults.push(format!("{id} is not a row of the requirements"));
        }
        if !STATUSES.contains(&status) {
            faults.push(format!(
                "{id}: status `{status}` is none of {}",
                STATUSES.join(", ")
            ));
        }
        if capability.is_empty() {
            faults.push(format!("{id}: says no capability"));
        }
        let named: Vec<&str> = named.split('`').skip(1).step_by(2).collect();
        if status == "done" && (named.is_empty() || place.is_empty()) {
            faults.push(format!(
                "{id}: a done row says where it is and names a test"
            ));
        }
        for name in named {
            match look_up(name) {
                Some(Found::Runs) => {}
                Some(Found::Ignored) => faults.push(format!("{id}: test `{name}` is ignored")),
                None => faults.push(format!("{id}: there is no test `{name}`")),
            }
        }
    }
    for id in &known {
        match seen.get(id.as_str()) {
            Some(1) => {}
            Some(count) => faults.push(format!("{id} stands there {count} times")),
            None => faults.push(format!("{id} is missing")),
        }
    }
    faults
}

/// Returns the ids of the requirements' rows.
fn ids() -> impl Iterator<Item = String> {
    ROWS.iter()
        .flat_map(|&(chapter, count)| (1..=count).map(move |row| format!("{chapter}{row}")))
}

/// Returns the cells of each row of the tables whose first cell looks like an id.
fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines()
        .filter_map(|line| line.trim().strip_prefix('|')?.strip_suffix('|'))
        .map(|line| line.split('|').map(str::trim).collect::<Vec<_>>())
        .filter(|cells| cells.first().is_some_and(|id| looks_like_id(id)))
}

fn looks_like_id(cell: &str) -> bool {
    let mut letters = cell.chars();
    letters
        .next()
        .is_some_and(|first| first.is_ascii_uppercase())
        && !letters.as_str().is_empty()
        && letters.as_str().chars().all(|digit| digit.is_ascii_digit())
}

fn look_up(root: &Path, tests: &BTreeMap<String, Found>, name: &str) -> Option<Found> {
    if name.contains('/') {
        return root.join(name).is_file().then_some(Found::Runs);
    }
    let function = name.rsplit("::").next().unwrap_or(name);
    tests.get(function).copied()
}

/// Returns every test function of the tree. Of two with the same name, one that runs counts.
fn tests_of(root: &Path) -> anyhow::Result<BTreeMap<String, Found>> {
    let mut tests = BTreeMap::new();
    for path in source::files(root)? {
        let text = fs::read_to_string(&path)?;
        for (name, found) in tests_in(&text) {
            let known = tests.entry(name).or_insert(found);
            if found == Found::Runs {
                *known = found;
            }
        }
    }
    Ok(tests)
}

/// Returns the test functions of one file: those with an attribute that ends in `test`
/// or is a case of one.
fn tests_in(text: &str) -> Vec<(String, Found)> {
    let mut tests = Vec::new();
    let mut is_test = false;
    let mut found = Found::Runs;
    for line in source::lines(text) {
        let code = line.code.trim();
        if let Some(attribute) = code.strip_prefix("#[") {
            let attribute: String = attribute
                .chars()
                .take_while(|letter| letter.is_alphanumeric() || "_:".contains(*letter))
                .collect();
            is_test |= attribute.ends_with("test");
            if attribute == "ignore" {
                found = Found::Ignored;
            }
        }
        let name = code.split_once("fn ").map(|(_, rest)| {
            rest.chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect::<String>()
        });
        if let Some(name) = name {
            if is_test {
                tests.push((name, found));
            }
            (is_test, found) = (false, Found::Runs);
        }
    }
    tests
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(status: &str, tests: &str) -> String {
        ids()
            .map(|id| format!("| {id} | it does | {status} | here | {tests} |\n"))
            .collect()
    }

    fn faults(text: &str) -> Vec<String> {
        check(text, &|name| match name {
            "it_runs" => Some(Found::Runs),
            "it_sleeps" => Some(Found::Ignored),
            _ => None,
        })
    }

    #[test]
    fn the_projects_own_table_is_true() {
        run().expect("`cargo xtask capabilities` says what is wrong");
    }

    #[test]
    fn there_are_seventy_one_rows() {
        assert_eq!(ids().count(), 71);
    }

    #[test]
    fn a_complete_table_has_no_faults() {
        assert_eq!(faults(&table("done", "`it_runs`")), Vec::<String>::new());
        assert_eq!(faults(&table("planned", "")), Vec::<String>::new());
    }

    #[test]
    fn a_row_that_is_missing_doubled_or_invented_is_told() {
        let text =
            table("planned", "").replace("| C3 |", "| C4 |") + "| K1 | x | done | x | `it_runs` |";
        let faults = faults(&text);
        for fault in [
            "C3 is missing",
            "C4 stands there 2 times",
            "K1 is not a row",
        ] {
            assert!(
                faults.iter().any(|told| told.starts_with(fault)),
                "{fault}: {faults:?}"
            );
        }
    }

    #[test]
    fn a_done_row_names_a_test_that_exists_and_runs() {
        for (tests, fault) in [
            ("", "names a test"),
            ("`nowhere`", "there is no test"),
            ("`it_sleeps`", "is ignored"),
        ] {
            let faults = faults(&table("done", tests));
            assert_eq!(faults.len(), 71, "{faults:?}");
            assert!(faults[0].contains(fault), "{faults:?}");
        }
    }

    #[test]
    fn a_status_of_another_word_is_told() {
        assert!(faults(&table("soon", ""))[0].contains("status `soon`"));
    }

    #[test]
    fn tests_are_found_by_their_attribute() {
        let text = "
            #[test]
            fn one() {}
            fn helper() {}
            #[tokio::test(start_paused = true)]
            async fn two() {}
            #[test]
            #[ignore = \"slow\"]
            fn three() {}
            // #[test] fn four() {}
        ";
        let expect = [
            ("one", Found::Runs),
            ("two", Found::Runs),
            ("three", Found::Ignored),
        ];
        assert_eq!(
            tests_in(text),
            expect.map(|(name, found)| (name.to_owned(), found))
        );
    }
}
