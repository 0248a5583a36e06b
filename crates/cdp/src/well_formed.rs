//! Halves of surrogate pairs: a page's text may have them, and JSON's `\ud83d` may say one, but no
//! text of ours can hold it.

use std::borrow::Cow;

/// Returns `json` with U+FFFD in the place of each half of a surrogate pair that stands alone.
#[must_use]
pub fn well_formed(json: &str) -> Cow<'_, str> {
    let bytes = json.as_bytes();
    let mut out = String::new();
    // Up to where `json` is in `out`.
    let mut kept = 0;
    let mut at = 0;
    while let Some(found) = bytes[at..].iter().position(|byte| *byte == b'\\') {
        at += found;
        match unit(&bytes[at..]) {
            Some(0xd800..=0xdbff) if matches!(unit(&bytes[at + 6..]), Some(0xdc00..=0xdfff)) => {
                at += 12
            }
            Some(0xd800..=0xdfff) => {
                out.push_str(&json[kept..at]);
                out.push('\u{fffd}');
                at += 6;
                kept = at;
            }
            // Whatever is escaped here begins no escape itself.
            _ => at = (at + 2).min(bytes.len()),
        }
    }
    if kept == 0 {
        return Cow::Borrowed(json);
    }
    out.push_str(&json[kept..]);
    Cow::Owned(out)
}

/// Reads the `\uXXXX` that `bytes` begins with.
fn unit(bytes: &[u8]) -> Option<u32> {
    let digits = bytes.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |unit, digit| {
        Some(unit * 16 + char::from(*digit).to_digit(16)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_of_pairs_are_replaced_and_nothing_else() {
        for (json, told) in [
            (r#""plain""#, r#""plain""#),
            (r#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
            (r#""a\ud83d b\udc00c""#, "\"a\u{fffd} b\u{fffd}c\""),
            (r#""\ud83d\ud83d\ude00""#, "\"\u{fffd}\\ud83d\\ude00\""),
            (r#""\\ud83d \\\ud83d""#, "\"\\\\ud83d \\\\\u{fffd}\""),
            (r#""\ud83"#, r#""\ud83"#),
            ("\"\\ud83d", "\"\u{fffd}"),
            ("\\", "\\"),
        ] {
            assert_eq!(well_formed(json), told);
        }
    }
}
