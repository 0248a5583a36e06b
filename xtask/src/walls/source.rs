//! The project's own Rust files, line by line, with comments and literals blanked out.
//!
//! A small scanner, not a parser: it knows comments, strings, character literals and the
//! braces of `#[cfg(test)]` items. That is enough to tell code from words about code, and
//! product from tests.

use std::fs;
use std::path::{Path, PathBuf};

/// One line of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line<'a> {
    /// The line as it is written.
    pub raw: &'a str,
    /// The line with comments and the insides of literals left out.
    pub code: String,
    /// Whether it belongs to an item under `#[cfg(test)]`.
    pub in_test: bool,
}

/// Where the scanner stands at the end of a line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Code,
    /// A block comment, this deep.
    Comment(u32),
    Text,
    /// A raw string, closed by a quote and this many `#`.
    RawText(usize),
}

/// Returns the workspace's folder.
#[must_use]
pub fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_owned()
}

/// Returns every Rust file of the workspace, in order.
///
/// # Errors
/// If a folder can't be read.
pub fn files(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = ["crates", "xtask", "examples"]
        .iter()
        .map(|name| root.join(name))
        .collect();
    while let Some(folder) = folders.pop() {
        if !folder.is_dir() || folder.ends_with("target") || folder.ends_with("node_modules") {
            continue;
        }
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Returns the lines of a file.
#[must_use]
pub fn lines(text: &str) -> Vec<Line<'_>> {
    let mut inside = Inside::Code;
    let mut lines: Vec<Line<'_>> = text
        .lines()
        .map(|raw| {
            let (code, next) = strip(raw, inside);
            inside = next;
            Line {
                raw,
                code,
                in_test: false,
            }
        })
        .collect();
    mark_tests(&mut lines);
    lines
}

/// Leaves out what isn't code. A literal keeps its quotes, so that the code still reads.
fn strip(raw: &str, mut inside: Inside) -> (String, Inside) {
    let letters: Vec<char> = raw.chars().collect();
    let mut code = String::new();
    let mut at = 0;
    while let Some(&letter) = letters.get(at) {
        let next = letters.get(at + 1).copied();
        match (inside, letter, next) {
            (Inside::Comment(deep), '*', Some('/')) => {
                inside = if deep == 1 {
                    Inside::Code
                } else {
                    Inside::Comment(deep - 1)
                };
                at += 1;
            }
            (Inside::Comment(deep), '/', Some('*')) => {
                inside = Inside::Comment(deep + 1);
                at += 1;
            }
            (Inside::Text, '\\', _) => at += 1,
            (Inside::Text, '"', _) => {
                code.push('"');
                inside = Inside::Code;
            }
            (Inside::RawText(hashes), '"', _) if closes(&letters, at, hashes) => {
                code.push('"');
                inside = Inside::Code;
                at += hashes;
            }
            (Inside::Comment(_) | Inside::Text | Inside::RawText(_), _, _) => {}
            (Inside::Code, '/', Some('/')) => break,
            (Inside::Code, '/', Some('*')) => {
                inside = Inside::Comment(1);
                at += 1;
            }
            (Inside::Code, '"', _) => {
                inside = opened(&code);
                code.push('"');
            }
            (Inside::Code, '\'', _) => {
                code.push('\'');
                at = after_quote(&letters, at).unwrap_or(at);
            }
            (Inside::Code, _, _) => code.push(letter),
        }
        at += 1;
    }
    (code, inside)
}

/// Returns what a quote after `code` opens: `r#"` is a raw string, `"` a plain one.
fn opened(code: &str) -> Inside {
    let bare = code.trim_end_matches('#');
    let raw = bare.ends_with('r')
        && !bare
            .trim_end_matches(['r', 'b'])
            .ends_with(|c: char| c.is_alphanumeric() || c == '_');
    if raw {
        Inside::RawText(code.len() - bare.len())
    } else {
        Inside::Text
    }
}

fn closes(letters: &[char], at: usize, hashes: usize) -> bool {
    (1..=hashes).all(|step| letters.get(at + step) == Some(&'#'))
}

/// Returns where the character literal that starts at `at` ends; `None` for a lifetime.
fn after_quote(letters: &[char], at: usize) -> Option<usize> {
    if letters.get(at + 1) == Some(&'\\') {
        let close = letters
            .iter()
            .skip(at + 3)
            .position(|&letter| letter == '\'')?;
        return Some(at + 3 + close);
    }
    (letters.get(at + 2) == Some(&'\'')).then_some(at + 2)
}

/// Marks the item after each `#[cfg(test)]`: to its closing brace, or to its semicolon.
fn mark_tests(lines: &mut [Line<'_>]) {
    let mut at = 0;
    while at < lines.len() {
        if !lines[at].code.contains("#[cfg(test)]") {
            at += 1;
            continue;
        }
        let mut depth = 0_i32;
        let mut opened = false;
        while let Some(line) = lines.get_mut(at) {
            line.in_test = true;
            at += 1;
            for letter in line.code.chars() {
                match letter {
                    '{' => (depth, opened) = (depth + 1, true),
                    '}' => depth -= 1,
                    _ => {}
                }
            }
            let ended = if opened {
                depth <= 0
            } else {
                line.code.trim_end().ends_with(';')
            };
            if ended {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_of(text: &str) -> Vec<String> {
        lines(text)
            .into_iter()
            .map(|line| line.code.trim().to_owned())
            .collect()
    }

    #[test]
    fn comments_and_literals_are_left_out() {
        assert_eq!(code_of("a(); // unsafe"), ["a();"]);
        assert_eq!(
            code_of("a(\"unsafe \\\" b\", 'x', '\\'', \"\");"),
            ["a(\"\", ', ', \"\");"]
        );
        assert_eq!(code_of("a(r#\"un\"safe\"#, b);"), ["a(r#\"\", b);"]);
        assert_eq!(code_of("a /* /* x */ unsafe\n still */ b"), ["a", "b"]);
        assert_eq!(
            code_of("fn a<'a>(b: &'a str) {}"),
            ["fn a<'a>(b: &'a str) {}"]
        );
        assert_eq!(code_of("\"one\ntwo\" three"), ["\"", "\" three"]);
    }

    #[test]
    fn what_stands_under_cfg_test_is_marked() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n  fn b() {}\n}\nfn c() {}\n#[cfg(test)]\nmod x;\nfn d() {}";
        let marked: Vec<bool> = lines(text).iter().map(|line| line.in_test).collect();
        assert_eq!(
            marked,
            [false, true, true, true, true, false, true, true, false]
        );
    }
}
