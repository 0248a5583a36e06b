//! What a site calls a file, as a name that leads nowhere.

/// The longest name, in bytes: a file system takes 255, and a number has to fit in behind.
const LONGEST: usize = 200;
/// The longest part behind the last dot that counts as the kind of the file.
const LONGEST_KIND: usize = 16;
/// Names that some systems take for devices, whatever follows their first dot.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "com", "lpt"];

/// Returns a name of a file in one folder.
///
/// Without what leads to another folder, hides the file, can't be shown or shows another
/// order than it has.
pub(super) fn plain(suggested: &str) -> String {
    let last = suggested.rsplit(['/', '\\']).next().unwrap_or_default();
    let shown = last.chars().filter(|it| !is_hidden(*it));
    let name: String = shown
        .map(|it| if "<>:\"|?*".contains(it) { '_' } else { it })
        .collect();
    let name = name.trim_start_matches(['.', ' ', '~', '-']);
    let name = name.trim_end_matches(['.', ' ']);
    let (stem, kind) = split(name);
    let stem = cut(stem, LONGEST - kind.len());
    let stem = stem.trim_end_matches(['.', ' ']);
    match (stem.is_empty(), is_device(stem)) {
        (true, _) => format!("download{kind}"),
        (_, true) => format!("_{stem}{kind}"),
        _ => format!("{stem}{kind}"),
    }
}

/// Returns a name that is not taken, a number behind it if need be.
pub(super) fn free(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    if !is_taken(name) {
        return name.to_owned();
    }
    let (stem, kind) = split(name);
    // There are fewer files than numbers.
    let numbered = (2u32..).map(|number| format!("{stem} ({number}){kind}"));
    numbered
        .take_while(|it| it.len() <= 255)
        .find(|it| !is_taken(it))
        .unwrap_or_else(|| name.to_owned())
}

/// Tells whether two names may be one file on some systems.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// Splits a name into its stem and its kind, such as `.pdf`.
fn split(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(at) if 0 < at && name.len() - at <= LONGEST_KIND => name.split_at(at),
        _ => (name, ""),
    }
}

fn cut(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Tells whether a character shows nothing, or turns around what follows.
fn is_hidden(it: char) -> bool {
    it.is_control()
        || matches!(it,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

fn is_device(stem: &str) -> bool {
    let first = stem.split('.').next().unwrap_or_default().trim_end();
    let word = first.to_lowercase();
    let plain = word.trim_end_matches(|it: char| it.is_ascii_digit() || "¹²³".contains(it));
    let numbered = word.len() != plain.len();
    DEVICES.contains(&plain) && (numbered || !matches!(plain, "com" | "lpt"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_leads_nowhere() {
        let check = |name: &str, expect: &str| assert_eq!(plain(name), expect, "{name:?}");
        check("report.pdf", "report.pdf");
        check("../../etc/passwd", "passwd");
        check("..\\..\\x.exe", "x.exe");
        check("..", "download");
        check("", "download");
        check("...", "download");
        check(".ssh", "ssh");
        check("-rf", "rf");
        check("a\nb\0c", "abc");
        check("invoice\u{202e}fdp.exe", "invoicefdp.exe");
        check("CON", "_CON");
        check("con.txt", "_con.txt");
        check("com7.tar.gz", "_com7.tar.gz");
        check("common.txt", "common.txt");
        check("a:b?.txt", "a_b_.txt");
        check("x. .", "x");
        check("/", "download");
        check(".pdf", "pdf");
        check(" \u{200b}.pdf", "pdf");
    }

    #[test]
    fn a_long_name_keeps_its_kind() {
        let long = plain(&format!("{}.pdf", "é".repeat(300)));
        assert!(long.ends_with("é.pdf") && long.len() <= LONGEST, "{long}");
        let kindless = plain(&"x".repeat(900));
        assert_eq!(kindless.len(), LONGEST);
        assert_eq!(plain(&format!("a.{}", "k".repeat(900))).len(), LONGEST);
    }

    #[test]
    fn a_taken_name_gets_a_number() {
        let taken = ["a.txt", "A (2).TXT"];
        let is_taken = |name: &str| taken.iter().any(|it| is_same(it, name));
        assert_eq!(free("b.txt", is_taken), "b.txt");
        assert_eq!(free("a.txt", is_taken), "a (3).txt");
        assert_eq!(free("A.txt", is_taken), "A (3).txt");
    }

    proptest! {
        #[test]
        fn whatever_a_site_says_is_one_harmless_name(suggested in any::<String>()) {
            let name = plain(&suggested);
            prop_assert!(!name.is_empty() && name.len() <= LONGEST);
            prop_assert!(!name.starts_with('.') && !name.contains(['/', '\\', '\0']));
            let path = std::path::Path::new(&name);
            prop_assert_eq!(path.components().count(), 1);
            prop_assert!(matches!(path.components().next(), Some(std::path::Component::Normal(_))));
        }
    }
}
