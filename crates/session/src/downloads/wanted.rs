//! Which download a wait means, and how that one stands.

use super::Published;
use super::row::{Download, DownloadState};

/// A download that somebody waits for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum WantedDownload {
    /// The one of this number.
    Number(u32),
    /// The one that the last action began, or one that is under way.
    Any,
    /// Such a one whose name has this in it, or matches it if it has a `*`.
    Named(String),
}

/// How it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Chosen {
    /// It is whole.
    Done(u32),
    /// It ended otherwise.
    Failed(Box<Download>),
    /// There is none of that number.
    NoSuch(u32),
    /// It is to be waited for; how it stands now.
    Later(String),
}

impl WantedDownload {
    pub(crate) fn parse(text: &str) -> Self {
        match text.trim() {
            "" | "*" | "any" | "true" => Self::Any,
            text => match Download::parse_id(text).filter(|_| text.starts_with('d')) {
                Some(number) => Self::Number(number),
                None => Self::Named(text.to_lowercase()),
            },
        }
    }

    /// Tells which download is meant, as far as that can be told, and how it stands.
    ///
    /// What the last action began comes first, in the order it began. Else it is one that is
    /// under way, or whose end nobody was told. None is meant twice.
    pub(crate) fn choose(&self, published: &Published) -> Chosen {
        let all = &published.all;
        let found = match self {
            Self::Number(number) => match all.iter().find(|it| it.number == *number) {
                Some(found) => Some(found),
                None => return Chosen::NoSuch(*number),
            },
            Self::Any | Self::Named(_) => {
                let meant = |it: &&Download| !it.awaited && self.names(&it.name);
                let newer = |it: &&Download| published.since < it.number;
                let news = |it: &&Download| it.is_under_way() || it.told != Some(it.state);
                let mut new = all.iter().filter(meant).filter(newer);
                let mut old = all.iter().filter(meant).filter(news);
                new.next().or_else(|| old.next())
            }
        };
        match (found, all.last()) {
            (Some(found), _) => match found.state {
                DownloadState::Completed => Chosen::Done(found.number),
                DownloadState::InProgress => Chosen::Later(shown(found)),
                DownloadState::Canceled | DownloadState::Interrupted => {
                    Chosen::Failed(Box::new(found.clone()))
                }
            },
            (None, Some(last)) => Chosen::Later(format!(
                "none has begun since; the newest is {}",
                shown(last)
            )),
            (None, None) => Chosen::Later("none has begun".to_owned()),
        }
    }

    fn names(&self, name: &str) -> bool {
        match self {
            Self::Named(pattern) => matches(pattern, &name.to_lowercase()),
            Self::Any | Self::Number(_) => true,
        }
    }
}

fn shown(download: &Download) -> String {
    let Download {
        bytes, total_bytes, ..
    } = download;
    let so_far = match total_bytes {
        Some(total) if download.is_under_way() => format!("{bytes} of {total} bytes"),
        _ => format!("{bytes} bytes"),
    };
    format!("{}, {}, {so_far}", download.id(), download.state.as_str())
}

/// Tells whether a text has a part, or matches a pattern in which `*` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    if !pattern.contains('*') {
        return text.contains(pattern);
    }
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(number: u32, name: &str, state: DownloadState) -> Download {
        Download {
            number,
            name: name.to_owned(),
            state,
            ..Download::default()
        }
    }

    #[test]
    fn a_text_names_a_download() {
        let check = |text: &str, expect| assert_eq!(WantedDownload::parse(text), expect);
        check("d3", WantedDownload::Number(3));
        check("*", WantedDownload::Any);
        check("true", WantedDownload::Any);
        check("A*.PDF", WantedDownload::Named("a*.pdf".to_owned()));
        check("3", WantedDownload::Named("3".to_owned()));
    }

    #[test]
    fn what_the_last_action_began_is_meant_first_and_none_twice() {
        use DownloadState::{Completed, InProgress, Interrupted};
        let mut published = Published {
            all: vec![of(1, "old.txt", InProgress), of(2, "a.txt", Completed)],
            since: 1,
        };
        let any = WantedDownload::Any;
        assert_eq!(any.choose(&published), Chosen::Done(2));
        published.all[1].awaited = true;
        assert!(matches!(any.choose(&published), Chosen::Later(_)));
        published.all[0].state = Completed;
        assert_eq!(any.choose(&published), Chosen::Done(1));
        // It is no news any more.
        published.all[0].told = Some(Completed);
        assert!(matches!(any.choose(&published), Chosen::Later(_)));
        let named = WantedDownload::parse("b*.txt");
        published.all.push(of(3, "c.txt", Completed));
        assert!(matches!(named.choose(&published), Chosen::Later(_)));
        published.all.push(of(4, "bb.txt", Interrupted));
        assert!(matches!(named.choose(&published), Chosen::Failed(it) if it.number == 4));
        let number = WantedDownload::Number(9);
        assert_eq!(number.choose(&published), Chosen::NoSuch(9));
    }

    #[test]
    fn a_name_is_matched_by_a_part_or_a_pattern() {
        for pattern in ["port", "*.pdf", "re*.pdf", "report.pdf", "*", "r*o*t*"] {
            assert!(matches(pattern, "report.pdf"), "{pattern}");
        }
        for pattern in ["x", "*.txt", "port*", "r*x*", "re*d"] {
            assert!(!matches(pattern, "report.pdf"), "{pattern}");
        }
    }
}
