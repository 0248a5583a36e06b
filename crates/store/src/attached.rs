//! The browser a session is attached to: one that somebody else started.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a browser that browserd did not start answers, and which one it is.
///
/// Whoever knows the id can drive the browser, so it stays out of logs.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attached {
    /// The address of its debugging port.
    pub address: String,
    /// Its id, which changes with every start of it.
    pub browser: String,
    /// The targets that were opened in it for the session.
    pub opened: Vec<String>,
}

impl fmt::Debug for Attached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attached")
            .field("address", &self.address)
            .field("opened", &self.opened.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_that_opens_the_browser_stays_out_of_what_is_logged() {
        let attached = Attached {
            address: "127.0.0.1:9222".into(),
            browser: "9fae-hunter2".into(),
            opened: vec![],
        };
        let logged = format!("{attached:?}");
        assert!(logged.contains("127.0.0.1:9222"), "{logged}");
        assert!(!logged.contains("hunter2"), "{logged}");
    }
}
