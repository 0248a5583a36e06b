//! How a call names an element.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ApiError;

/// An element, by a ref of a snapshot or by what it is. One of the ways is given.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// Ref from a snapshot, as @e3
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub r#ref: Option<String>,
    /// CSS selector
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    /// XPath
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xpath: Option<String>,
    /// ARIA role, with name
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Accessible name, with role
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Label of a form field
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Placeholder of a form field
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placeholder: Option<String>,
    /// data-testid of the element
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_id: Option<String>,
    /// Which of several matches: 0 is the first, -1 the last
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nth: Option<i32>,
}

impl Target {
    /// The ways to name an element that the core tools don't list.
    pub const UNLISTED: [&str; 3] = ["placeholder", "test_id", "nth"];

    /// Returns the target that a ref names.
    #[must_use]
    pub fn by_ref(text: impl Into<String>) -> Self {
        Self {
            r#ref: Some(text.into()),
            ..Self::default()
        }
    }

    /// Returns the number of the ref, if one is given.
    ///
    /// # Errors
    /// `invalid_argument` for a text that is not a ref.
    pub fn ref_number(&self) -> Result<Option<u64>, ApiError> {
        self.r#ref.as_deref().map(ref_number).transpose()
    }
}

fn ref_number(text: &str) -> Result<u64, ApiError> {
    let trimmed = text.trim();
    let digits = trimmed
        .strip_prefix('@')
        .unwrap_or(trimmed)
        .strip_prefix('e');
    let number = digits
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|digits| digits.parse().ok())
        .filter(|number| 0 < *number);
    number.ok_or_else(|| {
        ApiError::invalid(format!("`ref`: {text:?} is not a ref of the form @e3")).hint(
            "Take a snapshot; it shows a ref such as @e3 after each element that can be used.",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ref_is_read_with_and_without_its_at_sign() {
        for (text, expect) in [("@e3", Some(3)), ("e3", Some(3)), (" @e12 ", Some(12))] {
            assert_eq!(ref_number(text).ok(), expect, "{text:?}");
        }
        for text in [
            "",
            "3",
            "@3",
            "@e",
            "e0",
            "e-1",
            "@ex",
            "@@e3",
            "e99999999999999999999",
        ] {
            assert!(ref_number(text).is_err(), "{text:?}");
        }
    }
}
