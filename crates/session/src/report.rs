//! The report of the last recovery, as it is kept in the session's row.

use std::time::Duration;

use base::Part;
use serde::{Deserialize, Serialize};

use crate::cause::Cause;
use crate::summary::Recovered;

#[derive(Serialize, Deserialize)]
struct Stored {
    generation: u64,
    cause: String,
    checkpoint_age_ms: u64,
    restored: Vec<String>,
    lost: Vec<String>,
}

pub(crate) fn encode(recovered: &Recovered) -> Option<Vec<u8>> {
    let words = |parts: &[Part]| parts.iter().map(ToString::to_string).collect();
    let stored = Stored {
        generation: recovered.generation,
        cause: recovered.cause.to_string(),
        checkpoint_age_ms: u64::try_from(recovered.checkpoint_age.as_millis()).unwrap_or(u64::MAX),
        restored: words(&recovered.restored),
        lost: words(&recovered.lost),
    };
    serde_json::to_vec(&stored).ok()
}

/// Reads a report; one of a later version may have words this one leaves out.
pub(crate) fn decode(bytes: &[u8]) -> Option<Recovered> {
    let stored: Stored = serde_json::from_slice(bytes).ok()?;
    let parts = |words: &[String]| words.iter().filter_map(|word| word.parse().ok()).collect();
    Some(Recovered {
        generation: stored.generation,
        cause: stored.cause.parse().unwrap_or(Cause::Restored),
        checkpoint_age: Duration::from_millis(stored.checkpoint_age_ms),
        restored: parts(&stored.restored),
        lost: parts(&stored.lost),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_reads_back() {
        let recovered = Recovered {
            generation: 3,
            cause: Cause::Killed,
            checkpoint_age: Duration::from_millis(420),
            restored: vec![Part::Cookies],
            lost: vec![Part::JsHeap, Part::Timers],
        };
        assert_eq!(decode(&encode(&recovered).unwrap()), Some(recovered));
    }
}
