//! Locators: how a caller names an element.

use crate::Error;

/// Names an element of the page.
///
/// All but [`Locator::Ref`] are looked up anew at each try, through open shadow roots and
/// frames. Elements that are visible come before others; where a text or name is given, those
/// that have it whole come before those that contain it. Of what is left there must be one:
/// several are told as [`crate::Attempt::Several`], unless [`Locator::Nth`] says which.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Locator {
    /// A number from a snapshot: exactly that element, or [`Error::RefStale`].
    Ref(u64),
    /// A CSS selector.
    Css(String),
    /// An XPath expression that selects elements.
    XPath(String),
    /// The smallest element that shows this text.
    Text(String),
    /// An element of this accessible role and, if given, name.
    Role {
        /// The role, as snapshots print it.
        role: String,
        /// The whole name or, failing that, a part of it; case does not matter.
        name: Option<String>,
    },
    /// The control with this label.
    Label(String),
    /// The field with this placeholder.
    Placeholder(String),
    /// The element with this `data-testid` (or `data-test-id`, `data-test`).
    TestId(String),
    /// One of several matches: 0 is the first, -1 the last.
    Nth(Box<Locator>, i32),
}

impl Locator {
    /// Reads a ref as people write it: `@e3` or `e3`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for anything else.
    pub fn parse_ref(text: &str) -> Result<Self, Error> {
        let digits = text
            .strip_prefix('@')
            .unwrap_or(text)
            .strip_prefix('e')
            .unwrap_or_default();
        let plain = !digits.is_empty()
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0');
        plain
            .then(|| digits.parse().ok())
            .flatten()
            .map(Locator::Ref)
            .ok_or_else(|| Error::InvalidArgument {
                argument: "ref",
                reason: "not a ref of the form @e3".to_owned(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ref_is_read_with_and_without_its_sign() {
        assert!(matches!(Locator::parse_ref("@e3"), Ok(Locator::Ref(3))));
        assert!(matches!(Locator::parse_ref("e3"), Ok(Locator::Ref(3))));
        for wrong in [
            "",
            "@",
            "e",
            "3",
            "@e0",
            "@e03",
            "@e+3",
            "ee3",
            "@e99999999999999999999",
        ] {
            assert!(Locator::parse_ref(wrong).is_err(), "{wrong}");
        }
    }
}
