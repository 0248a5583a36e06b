//! The lines of a snapshot: put together from frames, marked, and written within a bound.

/// A line, with its indentation.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Line {
    pub text: String,
    /// It names an element that no snapshot of its document has shown before.
    pub fresh: bool,
}

impl Line {
    pub const fn plain(text: String) -> Self {
        Self { text, fresh: false }
    }

    pub fn depth(&self) -> usize {
        (self.text.len() - self.text.trim_start_matches(' ').len()) / 2
    }

    pub fn bare(&self) -> &str {
        self.text.trim_start_matches(' ')
    }

    /// Returns the number of the element that the line is about, if it has one.
    pub fn number(&self) -> Option<u64> {
        let bare = self.bare();
        let digits = bare[..self.heading_end()].rsplit_once(" @e")?.1;
        // A name ends with a quotation mark, so what ends with digits is the ref.
        digits.parse().ok()
    }

    /// Returns the line without its states.
    pub fn heading(&self) -> &str {
        &self.bare()[..self.heading_end()]
    }

    /// Returns where role, name and ref end. All of a page's own words stand in quotation marks,
    /// with theirs escaped.
    fn heading_end(&self) -> usize {
        let bare = self.bare();
        let role = bare.find(' ').unwrap_or(bare.len());
        let mut rest = &bare[role..];
        if let Some(quoted) = rest.strip_prefix(" \"") {
            rest = after_quoted(quoted).unwrap_or_default();
        }
        if let Some(digits) = rest.strip_prefix(" @e") {
            rest = digits.trim_start_matches(|c: char| c.is_ascii_digit());
        }
        bare.len() - rest.len()
    }

    /// Returns the line as it is shown.
    pub fn shown(&self) -> String {
        if !self.fresh {
            return self.text.clone();
        }
        match self.text.strip_suffix(']') {
            // A name ends with a quotation mark, so a bracket at the end closes the states.
            Some(states) => format!("{states}, new]"),
            None => format!("{} [new]", self.text),
        }
    }

    pub fn with_state(mut self, state: &str) -> Self {
        self.text = match self.text.strip_suffix(']') {
            Some(states) => format!("{states}, {state}]"),
            None => format!("{} [{state}]", self.text),
        };
        self
    }
}

/// Returns what follows a quoted text whose first mark was read.
fn after_quoted(text: &str) -> Option<&str> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(&text[at + 1..]),
            _ => {}
        }
    }
    None
}

/// Writes lines, whole ones only, and tells whether all of them found room.
pub(super) fn write<'a>(lines: impl Iterator<Item = &'a Line>, max_bytes: usize) -> (String, bool) {
    let mut out = String::new();
    for line in lines {
        let line = line.shown();
        let gap = usize::from(!out.is_empty());
        if max_bytes < out.len() + gap + line.len() {
            return (out, false);
        }
        if gap == 1 {
            out.push('\n');
        }
        out.push_str(&line);
    }
    (out, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        Line {
            text: text.to_owned(),
            fresh: false,
        }
    }

    #[test]
    fn the_number_of_a_line_is_ours_and_never_the_pages() {
        for (text, number) in [
            ("button \"A\" @e12", Some(12)),
            ("  link @e3 [focused]", Some(3)),
            ("text \"see @e9\"", None),
            (r#"button "a \" @e1" @e7 [value="x @e8"]"#, Some(7)),
            (r#"textbox @e4 [value="a \"b\" @e5"]"#, Some(4)),
            ("list", None),
        ] {
            assert_eq!(line(text).number(), number, "{text}");
        }
    }

    #[test]
    fn a_heading_has_no_states() {
        for (text, heading) in [
            ("  button \"a [b]\" @e1 [focused]", "button \"a [b]\" @e1"),
            ("list [busy]", "list"),
            ("textbox @e4 [value=\"x [y]\"]", "textbox @e4"),
            ("main", "main"),
        ] {
            assert_eq!(line(text).heading(), heading);
        }
    }

    #[test]
    fn a_new_element_is_marked_among_its_states() {
        let mut new = line("button \"A\" @e1");
        new.fresh = true;
        assert_eq!(new.shown(), "button \"A\" @e1 [new]");
        new.text.push_str(" [focused]");
        assert_eq!(new.shown(), "button \"A\" @e1 [focused, new]");
    }

    #[test]
    fn whole_lines_are_written_within_the_bound() {
        let lines = [line("main"), line("  button @e1")];
        assert_eq!(write(lines.iter(), 16), ("main".to_owned(), false));
        assert_eq!(
            write(lines.iter(), 17),
            ("main\n  button @e1".to_owned(), true)
        );
    }
}
