//! What can be done to browserd.

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

            pub(super) const fn weight(self) -> u64 {
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

    /// Tells whether it may be done together with others: a browser that is frozen is found
    /// out half a minute later, and a call that vanishes shall find its session at work.
    #[must_use]
    pub const fn goes_with_others(self) -> bool {
        !matches!(
            self,
            Self::FreezeBrowser | Self::VanishingClient | Self::KillDaemonAndBrowser
        )
    }

    /// Tells whether the daemon ends by it, and another one is needed.
    #[must_use]
    pub const fn ends_the_daemon(self) -> bool {
        matches!(
            self,
            Self::KillDaemon
                | Self::KillDaemonAndBrowser
                | Self::TermDaemon
                | Self::StopDaemon
                | Self::RaceDaemons
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
