//! What only the source shows: words that stand where they may not, and files too long.
//!
//! Tests are left out by their place (`tests/`, `tests.rs`) or by `#[cfg(test)]`.

use std::fs;
use std::path::Path;

use super::source::{self, Line};
use super::{Violation, Weight};

/// Words of code and the crates that may write them.
const WORDS: [(&str, &[&str], &[&str]); 3] = [
    (
        "invariant 3: only chrome and cli start or signal processes",
        &[
            "process::Command",
            "tokio::process",
            "kill_process",
            "kill_process_group",
            "pidfd_send_signal",
            "CommandExt",
        ],
        &["chrome", "cli"],
    ),
    (
        "invariant 1: only api, client, server and cli name HTTP and MCP",
        &["axum", "hyper", "hyper_util", "rmcp", "tower_http"],
        &["api", "client", "server", "cli"],
    ),
    ("sql-walls", &["sqlx"], &["store"]),
];

/// Lints that nothing outside tests may switch off.
const NEVER_ALLOWED: [&str; 9] = [
    "unwrap_used",
    "expect_used",
    "clippy::panic",
    "clippy::todo",
    "unimplemented",
    "dbg_macro",
    "let_underscore_must_use",
    "await_holding_lock",
    "clippy::all",
];

/// Lints that may be switched off with a reason, where they must.
const ALLOWED_WITH_REASON: [&str; 3] = ["disallowed_methods", "unsafe_code", "print_std"];

/// Crates that are never shipped.
const NOT_SHIPPED: [&str; 2] = ["testkit", "xtask"];

const LONG: usize = 600;
const TOO_LONG: usize = 800;

/// A file as the rules see it.
struct File<'a> {
    /// Its path inside the workspace.
    path: &'a str,
    /// Its crate's folder.
    own: &'a str,
    lines: Vec<Line<'a>>,
}

/// Returns every violation in the workspace's files.
///
/// # Errors
/// If a file can't be read.
pub fn check(root: &Path) -> anyhow::Result<Vec<Violation>> {
    let mut violations = Vec::new();
    for path in source::files(root)? {
        let text = fs::read_to_string(&path)?;
        let inside = path.strip_prefix(root).unwrap_or(&path).to_string_lossy();
        violations.extend(check_file(&inside, &text));
    }
    Ok(violations)
}

fn check_file(path: &str, text: &str) -> Vec<Violation> {
    let mut parts = path.split('/');
    let own = match parts.next() {
        Some("crates") => parts.next().unwrap_or_default(),
        Some(first) => first,
        None => "",
    };
    let is_test = path
        .split('/')
        .any(|part| ["tests", "tests.rs", "benches", "examples"].contains(&part));
    let file = File {
        path,
        own,
        lines: source::lines(text),
    };
    let mut violations = Vec::new();
    check_head_and_length(&file, is_test, &mut violations);
    check_unsafe(&file, &mut violations);
    if !is_test && !NOT_SHIPPED.contains(&own) {
        check_words(&file, &mut violations);
        check_allowances(&file, &mut violations);
    }
    violations
}

fn check_head_and_length(file: &File<'_>, is_test: bool, violations: &mut Vec<Violation>) {
    let head: Vec<&str> = file
        .lines
        .iter()
        .map(|line| line.raw)
        .take_while(|raw| raw.starts_with("//!"))
        .collect();
    if head.is_empty() {
        let what = "the file has no head comment".to_owned();
        let weight = if is_test {
            Weight::Warning
        } else {
            Weight::Error
        };
        violations.push(at(file, 0, "head comment", what, weight));
    }
    let head = head.join(" ").to_lowercase();
    let excused = head.contains("one file") || head.contains("generated");
    let length = file.lines.len();
    if LONG < length && !excused {
        let weight = if TOO_LONG < length {
            Weight::Error
        } else {
            Weight::Warning
        };
        let what = format!("{length} lines; over {TOO_LONG} the head says why it is one file");
        violations.push(at(file, 0, "file length", what, weight));
    }
}

/// `unsafe` stands in `chrome::spawn` only, each time with its `// SAFETY:`.
fn check_unsafe(file: &File<'_>, violations: &mut Vec<Violation>) {
    let home = file.path.starts_with("crates/chrome/src/spawn");
    for (number, line) in file.lines.iter().enumerate() {
        if !has_word(&line.code, "unsafe") {
            continue;
        }
        let before = file.lines.iter().take(number + 1).rev().take(6);
        let explained = before
            .map(|line| line.raw)
            .any(|raw| raw.contains("SAFETY:"));
        let what = match (home, explained) {
            (true, true) => continue,
            (true, false) => "`unsafe` without a SAFETY comment",
            (false, _) => "`unsafe` outside chrome::spawn",
        };
        violations.push(at(file, number, "unsafe", what.to_owned(), Weight::Error));
    }
}

fn check_words(file: &File<'_>, violations: &mut Vec<Violation>) {
    let product = file
        .lines
        .iter()
        .enumerate()
        .filter(|(_, line)| !line.in_test);
    for (number, line) in product {
        for (rule, words, owners) in WORDS {
            let word = words.iter().find(|word| has_word(&line.code, word));
            if let Some(word) = word.filter(|_| !owners.contains(&file.own)) {
                violations.push(at(
                    file,
                    number,
                    rule,
                    format!("names `{word}`"),
                    Weight::Error,
                ));
            }
        }
    }
}

fn check_allowances(file: &File<'_>, violations: &mut Vec<Violation>) {
    let mut number = 0;
    while let Some(line) = file.lines.get(number) {
        let opens = line.code.trim_start().starts_with('#')
            && (has_word(&line.code, "allow") || has_word(&line.code, "expect"));
        if line.in_test || !opens {
            number += 1;
            continue;
        }
        let end = file
            .lines
            .iter()
            .skip(number)
            .position(|line| line.code.contains(")]"));
        let length = end.map_or(1, |end| end + 1);
        let attribute: String = file
            .lines
            .iter()
            .skip(number)
            .take(length)
            .map(|line| line.code.as_str())
            .collect();
        if let Some(lint) = NEVER_ALLOWED.iter().find(|lint| attribute.contains(**lint)) {
            let what = format!("switches off `{lint}` outside tests");
            violations.push(at(file, number, "allowances", what, Weight::Error));
        }
        let lint = ALLOWED_WITH_REASON
            .iter()
            .find(|lint| attribute.contains(**lint));
        if let Some(lint) = lint.filter(|_| !attribute.contains("reason")) {
            let what = format!("switches off `{lint}` without a reason");
            violations.push(at(file, number, "allowances", what, Weight::Error));
        }
        number += length;
    }
}

/// Tells whether `word` stands in `code` as a word of its own, or as a path from its root.
fn has_word(code: &str, word: &str) -> bool {
    let part = |letter: char| letter.is_alphanumeric() || letter == '_';
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

fn at(
    file: &File<'_>,
    number: usize,
    rule: &'static str,
    what: String,
    weight: Weight,
) -> Violation {
    Violation {
        place: format!("{}:{}", file.path, number + 1),
        rule,
        what,
        weight,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns what is wrong with one made-up file.
    fn found(path: &str, text: &str) -> Vec<String> {
        let text = format!("//! Head.\n{text}");
        check_file(path, &text)
            .into_iter()
            .map(|one| one.to_string())
            .collect()
    }

    fn check(path: &str, text: &str, expect: &[&str]) {
        let found = found(path, text);
        assert_eq!(found.len(), expect.len(), "{path}: {text}: {found:?}");
        for (found, expect) in found.iter().zip(expect) {
            assert!(found.contains(expect), "{found}");
        }
    }

    #[test]
    fn only_chrome_and_cli_start_processes() {
        let text = "use std::process::Command;";
        check(
            "crates/page/src/a.rs",
            text,
            &["crates/page/src/a.rs:2: names `process::Command`"],
        );
        check(
            "crates/store/src/a.rs",
            "kill_process(pid)",
            &["invariant 3"],
        );
        check("crates/chrome/src/a.rs", text, &[]);
        check("crates/cli/src/a.rs", text, &[]);
        check("crates/testkit/src/a.rs", text, &[]);
        check("crates/page/tests/a.rs", text, &[]);
        check("crates/page/src/a.rs", "// std::process::Command", &[]);
        check(
            "crates/page/src/a.rs",
            "#[cfg(test)]\nmod tests {\n use std::process::Command;\n}",
            &[],
        );
    }

    #[test]
    fn only_the_doors_name_http() {
        check(
            "crates/session/src/a.rs",
            "use hyper::Uri;",
            &["invariant 1"],
        );
        check(
            "crates/page/src/a.rs",
            "fn f(x: axum::Json<u8>) {}",
            &["invariant 1"],
        );
        check("crates/server/src/a.rs", "use axum::Router;", &[]);
        check("crates/session/src/a.rs", "let hyperlink = 1;", &[]);
    }

    #[test]
    fn unsafe_stands_in_spawn_only_and_explained() {
        let explained = "// SAFETY: nothing else runs.\nunsafe { f() }";
        check("crates/chrome/src/spawn.rs", explained, &[]);
        check(
            "crates/chrome/src/spawn.rs",
            "unsafe { f() }",
            &["without a SAFETY"],
        );
        check(
            "crates/page/src/a.rs",
            explained,
            &["outside chrome::spawn"],
        );
        check(
            "crates/page/tests/a.rs",
            explained,
            &["outside chrome::spawn"],
        );
    }

    #[test]
    fn allowances_are_for_tests_or_have_a_reason() {
        let unwrap = "#![allow(clippy::unwrap_used)]";
        check(
            "crates/page/src/a.rs",
            unwrap,
            &["switches off `unwrap_used`"],
        );
        check("crates/page/tests/a.rs", unwrap, &[]);
        check(
            "crates/page/src/a.rs",
            "#[cfg(test)]\n#[allow(clippy::unwrap_used)]\nmod x {}",
            &[],
        );
        check(
            "crates/page/src/a.rs",
            "#[allow(clippy::disallowed_methods)]",
            &["without a reason"],
        );
        let reasoned = "#![allow(\n    clippy::disallowed_methods,\n    reason = \"x\"\n)]";
        check("crates/page/src/a.rs", reasoned, &[]);
    }

    #[test]
    fn long_files_are_listed_and_too_long_ones_refused() {
        let lines = |count: usize| "\n".repeat(count);
        check("crates/page/src/a.rs", &lines(599), &[]);
        check("crates/page/src/a.rs", &lines(600), &["warning"]);
        check("crates/page/src/a.rs", &lines(800), &["error"]);
        check(
            "crates/page/src/a.rs",
            &format!("//! It is one file as x.\n{}", lines(900)),
            &[],
        );
    }

    #[test]
    fn every_file_has_a_head() {
        assert_eq!(check_file("crates/page/src/a.rs", "mod a;\n").len(), 1);
    }
}
