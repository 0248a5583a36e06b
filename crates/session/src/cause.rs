//! Why a session is in its state, in words that stay.

use std::fmt;
use std::str::FromStr;

macro_rules! causes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What led to a session's state, or made a recovery necessary.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Cause { $($(#[$doc])* $name,)* }

        impl Cause {
            /// Every cause, in the order of the list.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Returns the cause's word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }

        impl FromStr for Cause {
            type Err = ();

            fn from_str(text: &str) -> Result<Self, ()> {
                match text { $($text => Ok(Self::$name),)* _ => Err(()) }
            }
        }
    };
}

causes! {
    /// A caller opened it.
    Opened = "opened",
    /// The link to its browser dropped.
    LinkLost = "link_lost",
    /// Its browser stopped answering.
    Unresponsive = "browser_unresponsive",
    /// Its browser ended by itself.
    Exited = "browser_exited",
    /// Its browser crashed.
    Crashed = "browser_crashed",
    /// Its browser was killed by a signal.
    Killed = "browser_killed",
    /// Its browser was killed because memory ran out.
    OutOfMemory = "out_of_memory",
    /// Its browser's keeper died, and the browser with it.
    KeeperGone = "keeper_gone",
    /// A page's renderer process crashed.
    RendererCrashed = "renderer_crashed",
    /// The browser it was attached to is not there any more.
    AttachedGone = "attached_browser_gone",
    /// It is linked again to the browser it is attached to.
    Relinked = "relinked",
    /// The daemon was restarted and the browser was still there.
    Adopted = "adopted",
    /// The daemon was restarted and the browser was not there any more.
    DaemonRestarted = "daemon_restarted",
    /// The daemon was stopped together with its browsers.
    ShutDown = "shut_down",
    /// Nobody used it, and its browser was given back.
    Parked = "parked",
    /// A caller asked for it back.
    Resumed = "resumed",
    /// A caller asked for a checkpoint to be restored.
    RestoreAsked = "restore_asked",
    /// A new browser holds the checkpoint's state.
    Restored = "restored",
    /// The browser could not be started.
    LaunchFailed = "launch_failed",
    /// Its browser or its pages died again and again.
    DiesAgain = "browser_dies_again",
    /// The new browser could not be filled.
    RestoreFailed = "restore_failed",
    /// It was made from a checkpoint of another session.
    Forked = "forked",
    /// It was made from a file.
    Imported = "imported",
    /// A login was being put in place, which was not ended.
    LoginNotPlaced = "login_not_placed",
    /// The browser lives, and a process of it that held its state died while no daemon was there.
    StateLost = "state_lost",
    /// Nothing to come back from.
    NoCheckpoint = "no_checkpoint",
    /// The newest checkpoint is too old.
    TooOld = "too_old",
    /// The host has slept, and the browser was asked for a sign of life.
    HostSlept = "host_slept",
    /// It held a browser for as long as it might.
    LifetimeOver = "lifetime_over",
    /// Its owner closed it.
    Closed = "closed",
    /// Its stored row or checkpoint can't be read.
    Corrupt = "corrupt",
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
