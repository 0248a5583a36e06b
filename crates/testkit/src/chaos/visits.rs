//! The pages a tab was led to, and which of them may stand in its history after a fault.

/// How many entries of a history are looked at.
const LOOKED_AT: usize = 12;

/// The pages a tab was led to, the newest last.
#[derive(Clone, Debug, Default)]
pub(super) struct Visits(Vec<(String, bool)>);

impl Visits {
    /// Notes that the tab is being led to a page.
    pub fn sent(&mut self, url: &str) {
        self.0.push((url.to_owned(), false));
    }

    /// Notes that it got there.
    pub fn acked(&mut self) {
        if let Some(last) = self.0.last_mut() {
            last.1 = true;
        }
    }

    /// Judges the entries up to the current one, oldest first, and goes on from them. Each has
    /// to be a page that the tab was led to, in that order, and none it got to may be left out
    /// between them.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn judge(&mut self, found: &[String]) -> Result<(), String> {
        let found = &found[found.len().saturating_sub(LOOKED_AT)..];
        let verdict = self.compare(found);
        self.0 = found.iter().map(|url| (url.clone(), true)).collect();
        verdict
    }

    fn compare(&self, found: &[String]) -> Result<(), String> {
        let mut left = self.0.as_slice();
        for (n, url) in found.iter().rev().enumerate() {
            // What was visited before this model began isn't known to it.
            if left.is_empty() {
                return Ok(());
            }
            let Some(at) = left.iter().rposition(|(visited, _)| visited == url) else {
                return Err(format!("history: {url} is not one of {left:?}"));
            };
            let between = &left[at + 1..];
            // Before the newest entry that was found, all is history; after it, it is young.
            if let Some((missing, _)) = between.iter().find(|(_, acked)| *acked)
                && 0 < n
            {
                return Err(format!("history: {missing} is missing after {url}"));
            }
            left = &left[..at];
        }
        // Fewer than are looked at: then these are all there are.
        match left.iter().rev().find(|(_, acked)| *acked) {
            Some((missing, _)) if found.len() < LOOKED_AT => Err(format!(
                "history: {missing} is missing before the oldest of {} entries",
                found.len()
            )),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(found: &[&str]) -> bool {
        let mut visits = Visits::default();
        for (url, acked) in [("a", true), ("b", false), ("c", true), ("d", true)] {
            visits.sent(url);
            if acked {
                visits.acked();
            }
        }
        let found: Vec<String> = found.iter().map(|url| (*url).to_owned()).collect();
        visits.judge(&found).is_ok()
    }

    #[test]
    fn a_history_has_what_was_visited_in_that_order() {
        assert!(judged(&["a", "b", "c", "d"]) && judged(&["a", "c", "d"]));
        assert!(judged(&["0", "a", "c"]), "older ones and young losses");
        assert!(!judged(&["a", "d"]) && !judged(&["d"]), "c is missing");
        assert!(!judged(&["c", "a", "d"]) && !judged(&["x", "d"]));
    }
}
