//! What changed between two snapshots, in lines a model reads at a glance.
//!
//! ```text
//!   in dialog "Cart" @e7          where the next lines are, once for those that are together
//!   + button "Pay" @e41           it is there now
//!   - list "Offers"               it was there, with all that was in it and is nowhere now
//!   ~ textbox "Name" @e3 [value="ada"]    the same element, now so
//! ```
//!
//! An indented line is inside of the line above it that it is indented under.

use std::collections::{HashMap, HashSet};

use similar::{Algorithm, DiffOp};

use super::lines::Line;

/// Tells what came, went and changed from `old` to `new`; `None` if that would be no shorter
/// than the new lines themselves. Comparing ends roughly at `until`.
pub(super) fn diff(old: &[Line], new: &[Line], until: std::time::Instant) -> Option<Vec<String>> {
    if is_another_page(old, new) {
        return None;
    }
    let texts =
        |lines: &[Line]| -> Vec<String> { lines.iter().map(|line| line.text.clone()).collect() };
    let (before, after) = (texts(old), texts(new));
    let ops =
        similar::capture_diff_slices_deadline(Algorithm::Patience, &before, &after, Some(until));
    let by_number = |lines: &[Line]| -> HashMap<u64, usize> {
        let numbered = lines.iter().enumerate();
        numbered
            .filter_map(|(at, line)| Some((line.number()?, at)))
            .collect()
    };
    let (was, is) = (by_number(old), by_number(new));
    let (around_old, around_new) = (parents(old), parents(new));
    let mut out = Out::default();
    for op in ops {
        let (gone, come) = match op {
            DiffOp::Equal { .. } => continue,
            DiffOp::Delete {
                old_index, old_len, ..
            } => (old_index..old_index + old_len, 0..0),
            DiffOp::Insert {
                new_index, new_len, ..
            } => (0..0, new_index..new_index + new_len),
            DiffOp::Replace {
                old_index,
                old_len,
                new_index,
                new_len,
            } => (
                old_index..old_index + old_len,
                new_index..new_index + new_len,
            ),
        };
        for at in gone {
            let line = &old[at];
            // Told where it is now, or not worth telling: only its place in the lines moved.
            if line.number().is_some_and(|number| is.contains_key(&number)) {
                continue;
            }
            out.gone(old, at, around_old[at]);
        }
        for at in come {
            let before = new[at].number().and_then(|number| was.get(&number));
            let changed = before.is_some_and(|&before| old[before].bare() != new[at].bare());
            out.come(if changed { '~' } else { '+' }, new, at, around_new[at]);
        }
    }
    let bytes: usize = out.lines.iter().map(|line| line.len() + 1).sum();
    let whole: usize = new.iter().map(|line| line.text.len() + 1).sum();
    (bytes < whole || new.is_empty()).then_some(out.lines)
}

/// Tells whether less than a quarter of the lines is in both.
fn is_another_page(old: &[Line], new: &[Line]) -> bool {
    let before: HashSet<&str> = old.iter().map(|line| line.text.as_str()).collect();
    let kept = new
        .iter()
        .filter(|line| before.contains(line.text.as_str()))
        .count();
    kept * 4 < old.len().max(new.len()) && 8 < old.len().max(new.len())
}

/// Returns for each line the one that it is inside of.
fn parents(lines: &[Line]) -> Vec<Option<usize>> {
    let mut open: Vec<(usize, usize)> = Vec::new();
    let each = lines.iter().enumerate().map(|(at, line)| {
        let depth = line.depth();
        while open.last().is_some_and(|(_, above)| depth <= *above) {
            open.pop();
        }
        let above = open.last().map(|(at, _)| *at);
        open.push((at, depth));
        above
    });
    each.collect()
}

#[derive(Default)]
struct Out {
    lines: Vec<String>,
    /// Where the last line is that stands for itself.
    place: Option<String>,
    /// Lines that are told to be gone.
    gone: HashSet<usize>,
    /// Lines that are told to be there, with how far they are indented.
    come: HashMap<usize, usize>,
}

impl Out {
    fn gone(&mut self, old: &[Line], at: usize, above: Option<usize>) {
        let inside = above.is_some_and(|above| self.gone.contains(&above));
        self.gone.insert(at);
        // What it was in says it all.
        if !inside {
            self.at(above.map(|above| old[above].heading()));
            self.lines.push(format!("- {}", old[at].heading()));
        }
    }

    fn come(&mut self, sign: char, new: &[Line], at: usize, above: Option<usize>) {
        let inside = above.and_then(|above| self.come.get(&above));
        let indent = inside.map_or(0, |indent| indent + 1);
        self.come.insert(at, indent);
        if indent == 0 {
            self.at(above.map(|above| new[above].heading()));
        }
        let text = new[at].bare();
        self.lines
            .push(format!("{sign} {}{text}", "  ".repeat(indent)));
    }

    /// Notes what the lines that follow are in, and says it once.
    fn at(&mut self, place: Option<&str>) {
        if self.place.as_deref() != place {
            self.place = place.map(str::to_owned);
            self.lines
                .push(format!("in {}", place.unwrap_or("the page")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<Line> {
        let line = |text: &str| Line {
            text: text.to_owned(),
            fresh: false,
        };
        text.lines().map(line).collect()
    }

    fn check(old: &str, new: &str, expect: &str) {
        let until = std::time::Instant::from(base::Clock::system().instant())
            + std::time::Duration::from_secs(10);
        let out = diff(&lines(old), &lines(new), until);
        assert_eq!(out.expect("a diff").join("\n"), expect);
    }

    const PAGE: &str = "main\n  list \"Cart\"\n    link \"a\" @e1\n    link \"b\" @e2\n  textbox \"Name\" @e3\n  button \"Go\" @e4\n  text \"x\"\n  text \"y\"\n  text \"z\"";

    #[test]
    fn nothing_is_told_of_what_is_the_same() {
        check(PAGE, PAGE, "");
    }

    #[test]
    fn what_came_went_and_changed_is_told_with_its_place() {
        let new = PAGE
            .replace("    link \"b\" @e2\n", "    link \"c\" @e9\n")
            .replace("textbox \"Name\" @e3", "textbox \"Name\" @e3 [focused]");
        check(
            PAGE,
            &new,
            "in list \"Cart\"\n- link \"b\" @e2\n+ link \"c\" @e9\nin main\n~ textbox \"Name\" @e3 [focused]",
        );
    }

    #[test]
    fn what_came_whole_keeps_its_shape() {
        let new = format!("{PAGE}\n  dialog \"D\" @e7\n    button \"Pay\" @e8");
        check(
            PAGE,
            &new,
            "in main\n+ dialog \"D\" @e7\n+   button \"Pay\" @e8",
        );
    }

    #[test]
    fn another_page_has_no_diff() {
        let other: String = (0..20)
            .map(|n| format!("link \"n{n}\" @e{}\n", n + 50))
            .collect();
        let until = std::time::Instant::from(base::Clock::system().instant());
        assert_eq!(diff(&lines(PAGE), &lines(&other), until), None);
    }
}
