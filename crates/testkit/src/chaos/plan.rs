//! What is done to browserd and when: a schedule that follows from its seed alone.
//!
//! The numbers come from `SplitMix64`, written out here, so that a seed means the same
//! schedule with every version of every dependency.

use std::fmt;
use std::time::Duration;

pub use super::fault::Fault;

/// An hour, in milliseconds.
const HOUR: u64 = 3_600_000;

/// A stream of numbers that follows from its seed.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Returns the stream of `seed`, apart from those of the same seed with another `salt`.
    #[must_use]
    pub const fn new(seed: u64, salt: u64) -> Self {
        Self(seed ^ salt.wrapping_mul(0xA076_1D64_78BD_642F))
    }

    /// Returns the next number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }
}

/// What is open in the victim's session at the moment of the fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moment {
    /// Whatever the work just does.
    Work,
    /// A dialog.
    Dialog,
    /// A window that the page has opened.
    PopUp,
    /// A request that its server doesn't answer.
    Paused,
    /// A navigation whose server takes its time.
    Navigating,
}

/// One fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hit {
    /// What is done.
    pub fault: Fault,
    /// The session it is done to, where it is about one.
    pub victim: usize,
    /// What is open in that session.
    pub moment: Moment,
}

/// One step of a schedule: faults at the same moment, none of two to the same session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// How long the work goes on before.
    pub pause: Duration,
    /// What is done; the first may be about more than a session.
    pub hits: Vec<Hit>,
    /// How long what is stopped stays stopped.
    pub hold: Duration,
    /// How far off the wall clock is set, in milliseconds.
    pub clock: i64,
}

impl Step {
    /// Returns what is done to a session by itself.
    #[must_use]
    pub fn hit_of(&self, session: usize) -> Option<Hit> {
        let of = |hit: &&Hit| hit.fault.has_victim() && hit.victim == session;
        self.hits.iter().find(of).copied()
    }

    /// Returns what is done to more than a session.
    #[must_use]
    pub fn to_all(&self) -> Option<Fault> {
        let first = self.hits.first().map(|hit| hit.fault);
        first.filter(|fault| !fault.has_victim())
    }
}

impl fmt::Display for Hit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.fault.word())?;
        if self.fault.has_victim() {
            write!(f, " on session {}", self.victim)?;
        }
        match self.moment {
            Moment::Work => Ok(()),
            moment => write!(f, " ({moment:?} open in session {})", self.victim),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "after {} ms: ", self.pause.as_millis())?;
        for (n, hit) in self.hits.iter().enumerate() {
            let before = if n == 0 { "" } else { ", " };
            write!(f, "{before}{hit}")?;
        }
        Ok(())
    }
}

/// An endless schedule.
#[derive(Clone, Debug)]
pub struct Plan {
    dice: Dice,
    faults: Vec<Fault>,
    sessions: usize,
    n: usize,
    frozen: usize,
}

impl Plan {
    /// Returns the schedule of `seed` over `faults` for a number of sessions.
    #[must_use]
    pub fn new(seed: u64, faults: &[Fault], sessions: usize) -> Self {
        let faults = faults.iter().copied().filter(|fault| 0 < fault.weight());
        Self {
            dice: Dice::new(seed, 1),
            faults: faults.collect(),
            sessions,
            n: 0,
            frozen: 0,
        }
    }

    fn fault(&mut self) -> Fault {
        // Each once first, so that a short run has seen what a long one has.
        if let Some(fault) = self.faults.get(self.n) {
            return *fault;
        }
        self.of(|_| true).unwrap_or(Fault::KillBrowser)
    }

    /// Draws one of the faults that `may` be.
    fn of(&mut self, may: impl Fn(Fault) -> bool) -> Option<Fault> {
        let some = || self.faults.iter().filter(|fault| may(**fault));
        let total: u64 = some().map(|fault| fault.weight()).sum();
        if total == 0 {
            return None;
        }
        let mut at = self.dice.below(total);
        for fault in self.faults.iter().filter(|fault| may(**fault)) {
            if at < fault.weight() {
                return Some(*fault);
            }
            at -= fault.weight();
        }
        None
    }

    fn moment(&mut self) -> Moment {
        match self.dice.below(10) {
            0 => Moment::Dialog,
            1 => Moment::PopUp,
            2 => Moment::Paused,
            3 => Moment::Navigating,
            _ => Moment::Work,
        }
    }

    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(1);
        usize::try_from(self.dice.below(end)).unwrap_or(0)
    }
}

impl Iterator for Plan {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        let mut fault = self.fault();
        if fault == Fault::FreezeBrowser {
            // Each takes half a minute: one in a hundred steps is what a run can spend.
            if self.n < self.frozen {
                fault = Fault::KillBrowser;
            } else {
                self.frozen = self.n + 100;
            }
        }
        self.n += 1;
        let mut step = Step {
            pause: Duration::from_millis(300 + self.dice.below(1300)),
            hold: Duration::from_millis(500 + self.dice.below(2000)),
            clock: i64::try_from(self.dice.below(6 * HOUR)).unwrap_or(0) - 3 * HOUR.cast_signed(),
            hits: vec![Hit {
                fault,
                victim: self.below(self.sessions),
                moment: self.moment(),
            }],
        };
        // With many sessions several have their own at once, up to every second one.
        for _ in 0..self.below(self.sessions / 2 + 1) {
            let alone = |fault: Fault| fault.has_victim() && fault.goes_with_others();
            let Some(fault) = self.of(alone) else { break };
            let hit = Hit {
                fault,
                victim: self.below(self.sessions),
                moment: self.moment(),
            };
            if step.hits.iter().all(|other| other.victim != hit.victim) {
                step.hits.push(hit);
            }
        }
        Some(step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_schedule() {
        let of = |seed| -> Vec<Step> { Plan::new(seed, Fault::ALL, 8).take(300).collect() };
        assert_eq!(of(7), of(7));
        assert_ne!(of(7), of(8));
        let steps = of(7);
        for fault in Fault::ALL.iter().filter(|fault| 0 < fault.weight()) {
            let has = |step: &Step| step.hits.iter().any(|hit| hit.fault == *fault);
            assert!(steps.iter().any(has), "{fault:?}");
        }
        for step in &steps {
            let mut victims: Vec<_> = step.hits.iter().map(|hit| hit.victim).collect();
            victims.sort_unstable();
            victims.dedup();
            assert!(victims.len() == step.hits.len() && victims.iter().all(|victim| *victim < 8));
            assert!(step.hits[1..].iter().all(|hit| hit.fault.has_victim()));
        }
        let faults: usize = steps.iter().map(|step| step.hits.len()).sum();
        assert!(
            2 * steps.len() < faults,
            "{faults} in {} steps",
            steps.len()
        );
        let alone = Plan::new(7, Fault::ALL, 1).take(300);
        assert!(alone.map(|step| step.hits.len()).all(|hits| hits == 1));
    }

    #[test]
    fn every_fault_has_its_word() {
        for fault in Fault::ALL {
            assert_eq!(Fault::of(fault.word()), Some(*fault));
        }
    }
}
