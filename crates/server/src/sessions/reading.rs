//! Parts of a long text: from an offset on, or the lines that have a text.
//!
//! Offsets are bytes of UTF-8, so that each part costs what it is long and not what stands before
//! it. A search takes one pass: letters are compared without case where both cases are
//! of the same length, which keeps every byte in its place.

/// What is shown of a line on each side of what was found in it, in bytes.
const BESIDE: usize = 200;

/// A part of a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Part {
    pub text: String,
    /// Where it begins.
    pub begin: usize,
    /// Where the next one begins; `None` at the end.
    pub next: Option<usize>,
}

/// What a search came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Found {
    pub part: Part,
    /// How many lines have the text.
    pub matches: u64,
}

/// Returns about `limit` bytes from `offset` on: whole characters, at least one, and whole lines
/// if one ends in the last quarter. One part's `next` is where the next one begins.
pub(super) fn slice(text: &str, offset: usize, limit: usize) -> Part {
    let begin = text.floor_char_boundary(offset);
    let rest = &text[begin..];
    let end = begin + head(rest, limit).len();
    Part {
        text: text[begin..end].to_owned(),
        begin,
        next: Some(end).filter(|end| *end < text.len()),
    }
}

/// Returns the beginning of a text, cut as [`slice`] cuts.
pub(crate) fn head(text: &str, limit: usize) -> &str {
    if text.len() <= limit {
        return text;
    }
    let mut end = text.floor_char_boundary(limit);
    if end == 0 {
        // Else nobody would ever get past it.
        end = text.ceil_char_boundary(1);
    }
    let line = text[..end].rfind('\n').map(|at| at + 1);
    &text[..line.filter(|at| end - end / 4 <= *at).unwrap_or(end)]
}

/// Returns the lines from `offset` on that have `wanted` in them, in any case, each with its
/// number, and with the lines around it. Long lines are cut around what was found. What doesn't
/// go into `limit` bytes is left for `next`; one match always goes in, at worst by itself.
pub(super) fn search(
    text: &str,
    wanted: &str,
    offset: usize,
    before: usize,
    after: usize,
    limit: usize,
) -> Found {
    let begin = text.floor_char_boundary(offset);
    let places = lines_with(text, wanted, begin);
    let lines: Vec<usize> = line_starts(text);
    let mut out = String::new();
    let mut next = None;
    // The first line that isn't shown yet.
    let mut free = 0;
    for (count, place) in places.iter().enumerate() {
        let line = lines.partition_point(|start| start <= place) - 1;
        let first = line.saturating_sub(before).max(free);
        let last = (line + after).min(lines.len() - 1);
        let (first, last) = match count {
            0 if limit < size_of(text, &lines, first, last) => (line, line),
            _ => (first, last),
        };
        let mut shown = String::new();
        if free < first || count == 0 {
            shown.push_str(&format!("[offset {}]\n", lines[first]));
        }
        for number in first..=last {
            // A line that others of the matches stand in is shown as one of them.
            let own = places.partition_point(|at| *at < lines[number]);
            let hit = places
                .get(own)
                .filter(|at| lines.get(number + 1).is_none_or(|end| *at < end));
            let mark = if hit.is_some() { ':' } else { '-' };
            let of_line = line_at(text, &lines, number);
            let around = hit.map(|at| (at - lines[number], wanted.len()));
            let words = excerpt(of_line, around);
            shown.push_str(&format!("{}{mark} {words}\n", number + 1));
        }
        if 0 < count && limit < out.len() + shown.len() {
            next = Some(*place);
            break;
        }
        out.push_str(&shown);
        free = free.max(last + 1);
    }
    Found {
        matches: places.len() as u64,
        part: Part {
            text: out,
            begin,
            next,
        },
    }
}

/// Returns where `wanted` is found first in each line that has it, from `begin` on.
fn lines_with(text: &str, wanted: &str, begin: usize) -> Vec<usize> {
    let (folded, wanted) = (folded(&text[begin..]), folded(wanted));
    let mut places = vec![];
    let mut at = 0;
    while let Some(found) = folded.get(at..).and_then(|rest| rest.find(&wanted)) {
        let place = at + found;
        places.push(begin + place);
        // On to the next line: one line is one match.
        match folded[place..].find('\n') {
            Some(end) => at = place + end + 1,
            None => break,
        }
    }
    places
}

/// Returns a text in small letters, each byte in its place.
fn folded(text: &str) -> String {
    let fold = |letter: char| {
        let mut small = letter.to_lowercase();
        match (small.next(), small.next()) {
            (Some(one), None) if one.len_utf8() == letter.len_utf8() => one,
            _ => letter,
        }
    };
    text.chars().map(fold).collect()
}

fn line_starts(text: &str) -> Vec<usize> {
    let after = text.match_indices('\n').map(|(at, _)| at + 1);
    std::iter::once(0).chain(after).collect()
}

/// Returns the most that lines take when they are shown.
fn size_of(text: &str, starts: &[usize], first: usize, last: usize) -> usize {
    let shown = |number| line_at(text, starts, number).len().min(3 * BESIDE) + 12;
    (first..=last).map(shown).sum()
}

fn line_at<'a>(text: &'a str, starts: &[usize], number: usize) -> &'a str {
    let end = starts.get(number + 1).map_or(text.len(), |next| next - 1);
    text[starts[number]..end].trim_end_matches('\r')
}

/// Returns a line, or of a long one what is around the place; its beginning without one.
fn excerpt(line: &str, around: Option<(usize, usize)>) -> String {
    let (at, length) = around.unwrap_or((0, 0));
    let begin = line.floor_char_boundary(at.saturating_sub(BESIDE).min(line.len()));
    let end = line.ceil_char_boundary((at + length + BESIDE).min(line.len()));
    let cut = |is_cut: bool| if is_cut { "…" } else { "" };
    format!(
        "{}{}{}",
        cut(0 < begin),
        &line[begin..end],
        cut(end < line.len())
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(text: &str, wanted: &str, before: usize, after: usize) -> (String, u64) {
        let found = search(text, wanted, 0, before, after, 10_000);
        assert_eq!(found.part.next, None);
        (found.part.text, found.matches)
    }

    #[test]
    fn a_part_ends_with_a_line_if_one_ends_late_in_it() {
        let check = |text: &str, limit, expect: &str| {
            assert_eq!(head(text, limit), expect, "{text:?} {limit}");
        };
        check("one\ntwo", 100, "one\ntwo");
        check("one\ntwo\nthree", 9, "one\ntwo\n");
        check("one\ntwo three four", 10, "one\ntwo th");
        check("ab🦊cd", 4, "ab");
        check("🦊cd", 2, "🦊");
        check("", 1, "");
    }

    proptest! {
        #[test]
        fn the_parts_one_after_another_are_the_whole(text in "(\\PC|\n|🦊){0,300}", limit in 1usize..50) {
            let mut whole = String::new();
            let mut next = Some(0);
            while let Some(offset) = next {
                let part = slice(&text, offset, limit);
                prop_assert_eq!(part.begin, offset);
                prop_assert!(part.text.len() <= limit.max(4) && (!part.text.is_empty() || text.is_empty()));
                whole.push_str(&part.text);
                next = part.next;
            }
            prop_assert_eq!(whole, text);
        }

        #[test]
        fn what_is_searched_for_is_found_where_it_stands(text in "([a-cÄä]|\n|İ){0,60}", wanted in "[a-cÄ]{1,2}") {
            let small = |text: &str| text.replace('Ä', "ä");
            let expect = text.split('\n').filter(|line| small(line).contains(&small(&wanted))).count();
            // Over pages of one match each, every match is met once.
            let (mut seen, mut offset) = (0, 0);
            loop {
                let found = search(&text, &wanted, offset, 1, 1, 1);
                if found.matches == 0 {
                    break;
                }
                prop_assert_eq!(found.matches as usize, expect - seen);
                seen += 1;
                match found.part.next {
                    Some(next) => offset = next,
                    None => break,
                }
            }
            prop_assert_eq!(seen, expect);
        }
    }

    #[test]
    fn lines_are_found_in_any_case_with_their_numbers_and_neighbours() {
        let page = "Tea\nGreen tea 4 €\nCoffee\nMÜSLI\nJam\nBlack TEA";
        assert_eq!(
            found(page, "tEa", 0, 0),
            (
                "[offset 0]\n1: Tea\n2: Green tea 4 €\n[offset 38]\n6: Black TEA\n".to_owned(),
                3
            )
        );
        assert_eq!(
            found(page, "müsli", 1, 1).0,
            "[offset 20]\n3- Coffee\n4: MÜSLI\n5- Jam\n"
        );
        assert_eq!(
            found(page, "Coffee", 9, 9).0.lines().count(),
            7,
            "there are no more lines than there are"
        );
        assert_eq!(found(page, "soda", 3, 3), (String::new(), 0));
        // What stands on two lines is found where it begins.
        assert_eq!(
            found(page, "coffee\nmüsli", 0, 0).0,
            "[offset 20]\n3: Coffee\n"
        );
    }

    #[test]
    fn a_long_line_is_shown_around_what_was_found() {
        let line = format!("{}needle{}", "ä".repeat(5000), "ö".repeat(5000));
        let (shown, matches) = found(&line, "needle", 0, 0);
        assert_eq!(matches, 1);
        assert!(shown.len() < 500, "{}", shown.len());
        let expect = format!("1: …{}needle{}…\n", "ä".repeat(100), "ö".repeat(100));
        assert_eq!(shown, format!("[offset 0]\n{expect}"));
    }

    #[test]
    fn a_search_goes_on_where_the_last_one_ended() {
        let page: String = (0..100).map(|n| format!("line {n}\n")).collect();
        let first = search(&page, "line", 0, 0, 0, 60);
        assert_eq!(first.matches, 100);
        let next = first.part.next.unwrap();
        assert!(first.part.text.len() <= 60);
        let rest = search(&page, "line", next, 0, 0, 100_000);
        assert_eq!((rest.part.begin, rest.part.next), (next, None));
        let shown = first.part.text.lines().count() - 1;
        assert_eq!(rest.matches as usize, 100 - shown);
        assert!(
            rest.part
                .text
                .contains(&format!("{}: line {shown}\n", shown + 1))
        );
    }
}
