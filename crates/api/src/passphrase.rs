//! A passphrase on its way: never in a log.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A passphrase. `Debug` shows nothing of it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Passphrase(pub String);

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<a passphrase>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_it() {
        assert_eq!(
            format!("{:?}", Passphrase("hunter2".into())),
            "<a passphrase>"
        );
    }
}
