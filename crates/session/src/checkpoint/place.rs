//! Where storage of a key can be reached: which documents must be in which.
//!
//! Chromium keys storage by the origin of a frame and by the site of the page it is in, so what
//! a frame of another site stores is reached only from such a frame in a page of that site.

/// The documents, from the outermost to the one whose storage it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    /// The page's origin.
    pub page: String,
    /// The origins of the frames, each in the one before; none for a page's own storage.
    pub frames: Vec<String>,
}

/// A site that is nobody's, to stand between a page and a frame of its own site.
const BETWEEN: &str = "browserd-restores.invalid";

/// Returns where storage of a key can be reached; `None` if in no document that can be made.
///
/// ```text
/// https://a.test/                     a page of a.test
/// https://a.test/^0https://top.test   a frame of a.test in a page of top.test
/// https://a.test/^31                  the same in a page of its own site, with another between
/// ```
///
/// Those of frames without credentials (`^1`) and of pages without an origin (`^4`) live no
/// longer than their document.
pub(crate) fn place_of(storage_key: &str) -> Option<Place> {
    let (origin, partition) = match storage_key.split_once('^') {
        Some((origin, partition)) => (origin, Some(partition)),
        None => (storage_key, None),
    };
    let origin = web_origin(origin.strip_suffix('/').unwrap_or(origin))?;
    let Some(partition) = partition else {
        return Some(Place {
            page: origin.to_owned(),
            frames: vec![],
        });
    };
    if partition == "31" {
        let (scheme, _) = origin.split_once("://")?;
        return Some(Place {
            page: origin.to_owned(),
            frames: vec![format!("{scheme}://{BETWEEN}"), origin.to_owned()],
        });
    }
    let site = web_origin(partition.strip_prefix('0')?)?;
    Some(Place {
        page: site.to_owned(),
        frames: vec![origin.to_owned()],
    })
}

fn web_origin(origin: &str) -> Option<&str> {
    let (_, host) = origin
        .split_once("://")
        .filter(|(scheme, _)| matches!(*scheme, "http" | "https"))?;
    (!host.is_empty() && !host.contains(['/', '^'])).then_some(origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(storage_key: &str, expect: Option<(&str, &[&str])>) {
        let expect = expect.map(|(page, frames)| Place {
            page: page.to_owned(),
            frames: frames.iter().map(|frame| (*frame).to_owned()).collect(),
        });
        assert_eq!(place_of(storage_key), expect, "{storage_key}");
    }

    #[test]
    fn a_storage_key_says_which_documents_lead_to_it() {
        check("https://a.test/", Some(("https://a.test", &[])));
        check("http://127.0.0.1:80/", Some(("http://127.0.0.1:80", &[])));
        check(
            "https://a.test:8/^0https://top.test",
            Some(("https://top.test", &["https://a.test:8"])),
        );
        check(
            "http://a.test/^31",
            Some((
                "http://a.test",
                &["http://browserd-restores.invalid", "http://a.test"],
            )),
        );
        check("https://a.test/^11^22", None);
        check("https://a.test/^41^52^6https://x.test", None);
        check("https://a.test/^0null", None);
        check("https://a.test/^", None);
        check("chrome://newtab/", None);
        check("", None);
    }
}
