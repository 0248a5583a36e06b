//! What is done to browserd and when: a schedule that follows from its seed alone.
//!
//! The numbers come from `SplitMix64`, written out here, so that a seed means the same
//! schedule with every version of every dependency.

use std::fmt;
use std::time::Duration;

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

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $weight:literal;)*) => {
        /// A fault.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Fault {
            $($(#[$doc])* $name,)*
        }

        impl Fault {
            /// Every fault.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Returns the word it goes by in `--faults` and in the table.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            const fn weight(self) -> u64 {
                match self { $(Self::$name => $weight,)* }
            }
        }
    };
}

faults! {
    /// SIGKILL to a browser's main process.
    KillBrowser = "kill-browser", 16;
    /// SIGKILL to every browser's main process at once.
    KillAllBrowsers = "kill-all-browsers", 2;
    /// SIGKILL to every renderer of one browser.
    KillRenderer = "kill-renderer", 8;
    /// SIGKILL to a browser's storage service.
    KillStorage = "kill-storage-service", 6;
    /// SIGKILL to a network service, where one is a process of its own.
    KillNetwork = "kill-network-service", 5;
    /// SIGKILL to a keeper.
    KillKeeper = "kill-keeper", 7;
    /// SIGKILL to the daemon; another one is started.
    KillDaemon = "kill-daemon", 10;
    /// SIGKILL to the daemon and to one browser at the same moment.
    KillDaemonAndBrowser = "kill-daemon-and-browser", 5;
    /// SIGTERM to the daemon; another one is started.
    TermDaemon = "term-daemon", 5;
    /// `browserd stop`; another one is started.
    StopDaemon = "stop-daemon", 4;
    /// SIGKILL to the daemon; three are started at once.
    RaceDaemons = "race-three-daemons", 4;
    /// Another daemon is started beside the one that runs.
    SecondDaemon = "start-second-daemon", 3;
    /// SIGSTOP to a browser's main process, SIGCONT after a moment.
    PauseBrowser = "pause-browser", 4;
    /// The same to its renderers.
    PauseRenderer = "pause-renderer", 4;
    /// The same to its storage service.
    PauseStorage = "pause-storage-service", 3;
    /// The same to its keeper.
    PauseKeeper = "pause-keeper", 4;
    /// The same to the daemon.
    PauseDaemon = "pause-daemon", 4;
    /// SIGSTOP to a browser and never SIGCONT: it has to be found out and replaced.
    FreezeBrowser = "freeze-browser", 1;
    /// The sockets between daemon and keepers are cut.
    CutLinks = "cut-links", 5;
    /// The link to a browser that somebody else has started is cut.
    CutAttached = "cut-attached-link", 4;
    /// The home's disk is full for a moment.
    DiskFull = "disk-full", 3;
    /// Clients that send half a request, and that read an answer byte by byte.
    SlowClients = "slow-clients", 3;
    /// A client that vanishes while its call runs.
    VanishingClient = "vanishing-client", 4;
    /// The wall clock that browserd reads jumps by up to three hours, forward or back.
    ClockJump = "clock-jump", 3;
}

impl Fault {
    /// Returns the fault of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|fault| fault.word() == word)
    }

    /// Tells whether it is about one session's browser.
    #[must_use]
    pub const fn has_victim(self) -> bool {
        matches!(
            self,
            Self::KillBrowser
                | Self::KillRenderer
                | Self::KillStorage
                | Self::KillNetwork
                | Self::KillKeeper
                | Self::KillDaemonAndBrowser
                | Self::PauseBrowser
                | Self::PauseRenderer
                | Self::PauseStorage
                | Self::PauseKeeper
                | Self::FreezeBrowser
                | Self::VanishingClient
        )
    }

    /// Tells whether just one browser has to be replaced after it.
    #[must_use]
    pub const fn costs_one_browser(self) -> bool {
        matches!(
            self,
            Self::KillBrowser | Self::KillKeeper | Self::KillDaemonAndBrowser
        )
    }

    /// Tells whether a session may begin a new generation by it.
    #[must_use]
    pub const fn may_cost_the_page(self) -> bool {
        matches!(
            self,
            Self::KillBrowser
                | Self::KillAllBrowsers
                | Self::KillRenderer
                | Self::KillStorage
                | Self::KillNetwork
                | Self::KillKeeper
                | Self::KillDaemonAndBrowser
                | Self::FreezeBrowser
                // Chromium's own profile is on the full disk too.
                | Self::DiskFull
        )
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

/// One step of a schedule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// How long the work goes on before.
    pub pause: Duration,
    /// What is done.
    pub fault: Fault,
    /// The session it is done to, where it is about one.
    pub victim: usize,
    /// What is open in that session.
    pub moment: Moment,
    /// How long what is stopped stays stopped.
    pub hold: Duration,
    /// How far off the wall clock is set, in milliseconds.
    pub clock: i64,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "after {} ms: {}",
            self.pause.as_millis(),
            self.fault.word()
        )?;
        if self.fault.has_victim() {
            write!(f, " on session {}", self.victim)?;
        }
        match self.moment {
            Moment::Work => Ok(()),
            moment => write!(f, ", {moment:?} open in session {}", self.victim),
        }
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
        let total: u64 = self.faults.iter().map(|fault| fault.weight()).sum();
        let mut at = self.dice.below(total);
        for fault in &self.faults {
            if at < fault.weight() {
                return *fault;
            }
            at -= fault.weight();
        }
        Fault::KillBrowser
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
        let moment = match self.dice.below(10) {
            0 => Moment::Dialog,
            1 => Moment::PopUp,
            2 => Moment::Paused,
            3 => Moment::Navigating,
            _ => Moment::Work,
        };
        let victims = u64::try_from(self.sessions).unwrap_or(1);
        Some(Step {
            pause: Duration::from_millis(300 + self.dice.below(1300)),
            victim: usize::try_from(self.dice.below(victims)).unwrap_or(0),
            hold: Duration::from_millis(500 + self.dice.below(2000)),
            clock: i64::try_from(self.dice.below(6 * HOUR)).unwrap_or(0) - 3 * HOUR.cast_signed(),
            fault,
            moment,
        })
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
            assert!(steps.iter().any(|step| step.fault == *fault), "{fault:?}");
        }
        assert!(steps.iter().all(|step| step.victim < 8));
    }

    #[test]
    fn every_fault_has_its_word() {
        for fault in Fault::ALL {
            assert_eq!(Fault::of(fault.word()), Some(*fault));
        }
    }
}
