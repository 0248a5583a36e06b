//! Tab ids: `t1`, `t2`, … counted per session and never given twice in it.

use std::fmt;
use std::str::FromStr;

/// A tab of a session, by the number the session gave it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TabId(pub u32);

/// A text that is not a tab id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a tab id of the form t1")]
pub struct InvalidTabId;

impl fmt::Display for TabId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t{}", self.0)
    }
}

impl FromStr for TabId {
    type Err = InvalidTabId;

    fn from_str(text: &str) -> Result<Self, InvalidTabId> {
        let digits = text.strip_prefix('t').ok_or(InvalidTabId)?;
        // `t01` and `t+1` would be second names of one tab.
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
        if !plain {
            return Err(InvalidTabId);
        }
        digits.parse().map(TabId).map_err(|_| InvalidTabId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_per_tab() {
        assert_eq!("t12".parse(), Ok(TabId(12)));
        for wrong in ["", "t", "t0", "t01", "t+1", "T1", "12", "t99999999999"] {
            assert_eq!(wrong.parse::<TabId>(), Err(InvalidTabId), "{wrong}");
        }
    }
}
