//! Facts: what a page tells its owner without being asked.

use base::Private;

use crate::Dialog;

/// Something that happened on a page.
#[derive(Clone, Debug)]
pub enum Fact {
    /// The main frame shows another document.
    Navigated {
        /// Its URL.
        url: Private<String>,
    },
    /// The main frame's URL changed within the same document.
    NavigatedWithin {
        /// The new URL.
        url: Private<String>,
    },
    /// The title is seen to be another.
    TitleChanged {
        /// The new title.
        title: Private<String>,
    },
    /// Something was typed or chosen in the main frame's document.
    Typed {
        /// What the fields hold, as JSON of what [`crate::Page::read_form`] reads.
        form: Private<String>,
    },
    /// A dialog opened. Under [`crate::DialogPolicy::Ask`] it waits for its answer.
    DialogOpened(Dialog),
    /// The dialog was answered, here or by another client.
    DialogClosed,
    /// The renderer crashed.
    Crashed,
    /// The target or its CDP session is gone.
    Gone,
    /// localStorage or sessionStorage of a frame of this page changed.
    StorageChanged(StorageChange),
    /// Databases of an origin changed, of those that are tracked in this page's session.
    IndexedDbChanged {
        /// The storage key of the origin.
        storage_key: Private<String>,
    },
    /// A frame came or shows another document: what it stores has to be read.
    FramesChanged,
    /// A cookie was set, by a response or by a script.
    CookieActivity,
    /// Facts were lost, because the page was too noisy or the owner too slow. The owner
    /// should look at [`crate::Page::state`] and re-read the storage it follows.
    Lagged,
    /// The page did something that may have changed its stored state. At most two a second.
    Activity,
}

/// One change of a web storage area, as `DOMStorage` tells it.
#[derive(Clone, Debug)]
pub struct StorageChange {
    /// The storage key of the area: an origin, partitioned by its top-level site.
    pub storage_key: Private<String>,
    /// Whether the area is localStorage; otherwise it is the tab's sessionStorage.
    pub is_local: bool,
    /// What changed.
    pub op: StorageOp,
}

/// A change of one item, or of all.
#[derive(Clone, Debug)]
pub enum StorageOp {
    /// An item was added or got another value.
    Set {
        /// The item's key.
        key: Private<String>,
        /// Its new value.
        value: Private<String>,
    },
    /// An item was removed.
    Removed {
        /// The item's key.
        key: Private<String>,
    },
    /// Every item was removed.
    Cleared,
}
