//! What was acknowledged, and what may be found after a fault.
//!
//! A [`Track`] is one thing that changes: the number a page has stored, a tab's URL. It knows
//! each value it was told to take, and since when that was acknowledged.
//!
//! ```text
//! values      v1      v2      v3      v4         v5
//!             │       │       │       │          └ sent, not answered: may be there or not
//!             │       │       │       └ acknowledged less than a second before the fault: young
//!             │       │       └ the floor: acknowledged earlier, or in a named checkpoint
//!             └───────┴ older than the floor: found after a fault, v3 is lost
//! ```

use std::fmt::Debug;
use std::time::{Duration, Instant};

/// How old a change of a page may be and still be lost with its browser.
pub const FRESH: Duration = Duration::from_secs(1);

/// What a fault may have cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum May {
    /// Nothing: the browser lived on.
    LoseNothing,
    /// What was acknowledged less than [`FRESH`] before this moment.
    LoseYoung(Instant),
}

/// One thing that changes.
#[derive(Clone, Debug)]
pub struct Track<T> {
    name: &'static str,
    values: Vec<Value<T>>,
}

#[derive(Clone, Debug)]
struct Value<T> {
    value: T,
    acked: Option<Instant>,
    firm: bool,
}

impl<T: PartialEq + Clone + Debug> Track<T> {
    /// Begins with a value that must be there whatever happens.
    pub fn new(name: &'static str, value: T) -> Self {
        let first = Value {
            value,
            acked: None,
            firm: true,
        };
        Self {
            name,
            values: vec![first],
        }
    }

    /// Notes that it is being told to take a value.
    pub fn sent(&mut self, value: T) {
        self.values.push(Value {
            value,
            acked: None,
            firm: false,
        });
    }

    /// Notes that the value sent last was acknowledged.
    pub fn acked(&mut self, now: Instant) {
        if let Some(last) = self.values.last_mut() {
            last.acked = Some(now);
        }
    }

    /// Notes that nothing of the value sent last was begun.
    pub fn withdrawn(&mut self) {
        if 1 < self.values.len() {
            self.values.pop();
        }
    }

    /// Returns the value it has, if nothing sent after it was left unanswered.
    pub fn settled(&self) -> Option<&T> {
        let last = self.values.last()?;
        (last.firm || last.acked.is_some()).then_some(&last.value)
    }

    /// Tells whether a value that was acknowledged lies between two others, or the second one
    /// is the older.
    pub fn between(&self, older: &T, newer: &T) -> bool {
        let at = |wanted: &T| self.values.iter().rposition(|value| value.value == *wanted);
        let (Some(from), Some(to)) = (at(older), at(newer)) else {
            // One of them is judged wrong by itself.
            return false;
        };
        to < from
            || self.values[..to]
                .iter()
                .skip(from + 1)
                .any(|value| value.acked.is_some())
    }

    /// Notes that what is acknowledged now is in a checkpoint that was asked for.
    pub fn firm(&mut self) {
        if let Some(last) = self.values.iter_mut().rfind(|value| value.acked.is_some()) {
            last.firm = true;
        }
    }

    /// Judges what was found, goes on from there, and returns how many young changes were lost.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn judge(&mut self, found: &T, may: May) -> Result<u64, String> {
        let floor = self.values.iter().rposition(|value| {
            value.firm
                || match (value.acked, may) {
                    (Some(acked), May::LoseYoung(fault)) => acked + FRESH <= fault,
                    (Some(_), May::LoseNothing) => true,
                    (None, _) => false,
                }
        });
        let floor = floor.unwrap_or(0);
        let at = self.values.iter().rposition(|value| value.value == *found);
        let verdict = match at {
            Some(at) if floor <= at => {
                let lost = self
                    .values
                    .iter()
                    .skip(at + 1)
                    .filter(|value| value.acked.is_some());
                Ok(u64::try_from(lost.count()).unwrap_or(u64::MAX))
            }
            Some(at) => {
                let value = &self.values[floor];
                let age = match (value.acked, may) {
                    (Some(acked), May::LoseYoung(fault)) => format!(
                        "acknowledged {:?} before the fault",
                        fault.saturating_duration_since(acked)
                    ),
                    _ => "which nothing may cost".to_owned(),
                };
                Err(format!(
                    "{}: {found:?} came back, {} changes older than {:?}, {age}",
                    self.name,
                    floor - at,
                    value.value
                ))
            }
            None => {
                let known: Vec<&T> = self.values.iter().map(|value| &value.value).collect();
                Err(format!("{}: {found:?} is none of {known:?}", self.name))
            }
        };
        self.values = vec![Value {
            value: found.clone(),
            acked: None,
            firm: true,
        }];
        verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn track(now: Instant) -> Track<u64> {
        let mut track = Track::new("number", 0);
        for (value, age) in [(1, 5000), (2, 1500), (3, 500)] {
            track.sent(value);
            track.acked(now - Duration::from_millis(age));
        }
        track.sent(4);
        track
    }

    #[test]
    fn what_is_a_second_old_must_be_there_and_what_is_younger_may() {
        let now = Instant::now() + Duration::from_secs(60);
        let after = |found| track(now).judge(&found, May::LoseYoung(now));
        assert_eq!((after(4), after(3), after(2)), (Ok(0), Ok(0), Ok(1)));
        assert!(after(1).is_err() && after(0).is_err() && after(9).is_err());
        let same = |found| track(now).judge(&found, May::LoseNothing);
        assert_eq!((same(4), same(3)), (Ok(0), Ok(0)));
        assert!(same(2).is_err());
    }

    #[test]
    fn a_named_checkpoint_makes_firm_and_a_withdrawn_value_never_was() {
        let now = Instant::now() + Duration::from_secs(60);
        let mut made_firm = track(now);
        made_firm.firm();
        assert!(made_firm.judge(&2, May::LoseYoung(now)).is_err());
        let mut withdrawn = track(now);
        withdrawn.withdrawn();
        assert!(withdrawn.judge(&4, May::LoseNothing).is_err());
    }
}
