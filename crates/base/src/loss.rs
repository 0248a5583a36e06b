//! The fixed words for the parts of a session's state (REQUIREMENTS A7).

use std::fmt;
use std::str::FromStr;

macro_rules! parts {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// A part of a session's state, as `restored[]` and `lost[]` name it.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Part { $($(#[$doc])* $name,)* }

        impl Part {
            /// Every part, in the order of the list.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Returns the part's word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }

        impl FromStr for Part {
            type Err = ();

            fn from_str(text: &str) -> Result<Self, ()> {
                match text { $($text => Ok(Self::$name),)* _ => Err(()) }
            }
        }
    };
}

parts! {
    /// Variables and functions of the page.
    JsHeap = "js_heap",
    /// Pending `setTimeout` and `setInterval`.
    Timers = "timers",
    /// Requests under way.
    PendingRequests = "pending_requests",
    /// Open WebSockets.
    Websockets = "websockets",
    /// Open `alert`, `confirm`, `prompt` and `beforeunload`.
    Dialogs = "dialogs",
    /// Downloads under way.
    Downloads = "downloads",
    /// Open file choosers.
    FileChoosers = "file_choosers",
    /// What was typed into password fields.
    PasswordFields = "password_fields",
    /// Service workers and their caches.
    ServiceWorkers = "service_workers",
    /// Blobs over the size bound.
    BlobsOverLimit = "blobs_over_limit",
    /// Cookies.
    Cookies = "cookies",
    /// localStorage.
    LocalStorage = "local_storage",
    /// sessionStorage.
    SessionStorage = "session_storage",
    /// IndexedDB.
    IndexedDb = "indexed_db",
    /// Back/forward history.
    History = "history",
    /// `history.state`.
    HistoryState = "history_state",
    /// The body of a page reached by POST.
    PostData = "post_data",
    /// Scroll positions.
    Scroll = "scroll",
    /// Zoom.
    Zoom = "zoom",
    /// Typed form values.
    FormValues = "form_values",
    /// The focused element.
    Focus = "focus",
    /// Viewport, device, locale, timezone, geolocation.
    Emulation = "emulation",
    /// Permissions.
    Permissions = "permissions",
    /// Init scripts.
    InitScripts = "init_scripts",
    /// Intercept rules.
    Routes = "routes",
    /// Tabs, their order and which is active.
    Tabs = "tabs",
    /// Origins of a named profile that the checkpoint doesn't know.
    ProfileUnverified = "profile_unverified",
    /// The newest checkpoint: it was damaged, and an older one was used.
    NewestCheckpoint = "newest_checkpoint",
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
