//! Which URLs can be opened.

use url::Url;

use crate::Error;

/// The longest URL that is taken: Chromium's own bound.
const MAX_URL: usize = 2 * 1024 * 1024;

/// Returns the URL as it will be opened.
///
/// Whether a session may open it is its policy's affair; here only what can't work or isn't a
/// place is refused: `javascript:` runs code and opens nothing.
pub(crate) fn checked(text: &str) -> Result<String, Error> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::BadUrl {
            reason: "it is empty",
        });
    }
    if text.len() > MAX_URL {
        return Err(Error::BadUrl {
            reason: "it is longer than 2 MiB",
        });
    }
    let url = Url::parse(text).map_err(|err| match err {
        url::ParseError::RelativeUrlWithoutBase => Error::BadUrl {
            reason: "it has no scheme, such as https://",
        },
        url::ParseError::InvalidPort => Error::BadUrl {
            reason: "its port is not a port",
        },
        _ => Error::BadUrl {
            reason: "it can't be read as a URL",
        },
    })?;
    match url.scheme() {
        "http" | "https" | "data" | "blob" | "file" => Ok(url.into()),
        "about" if matches!(url.path(), "blank" | "srcdoc") => Ok(url.into()),
        "javascript" => Err(Error::BadUrl {
            reason: "javascript: runs code; use evaluate",
        }),
        _ => Err(Error::BadUrl {
            reason: "only http, https, data, blob, file and about:blank",
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_can_be_opened() {
        for url in [
            "http://a",
            "https://a.example/b?c#d",
            "about:blank",
            "data:text/html,x",
            " http://a ",
        ] {
            assert!(checked(url).is_ok(), "{url}");
        }
    }

    #[test]
    fn what_is_no_place_is_refused_with_a_reason() {
        for url in [
            "",
            " ",
            "example.com",
            "/path",
            "javascript:1",
            "JavaScript:1",
            " javascript:1",
            "chrome://version",
            "about:config",
            "http://",
            "http://a:99999",
            "view-source:http://a",
            "devtools://devtools",
            "java\nscript:1",
        ] {
            assert!(matches!(checked(url), Err(Error::BadUrl { .. })), "{url}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_url_or_an_error(text in "\\PC{0,60}") {
            if let Ok(url) = checked(&text) {
                proptest::prop_assert!(!url.starts_with("javascript:"));
            }
        }
    }
}
