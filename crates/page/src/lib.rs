//! One page: snapshots with refs, actions by real input, waits, navigation, dialogs.
//!
//! ```text
//!   calls ──▶ Page ──▶ cdp::Session ──▶ renderer
//!              ▲                          │
//!           Picture ◀── pump ◀── events ◀─┘──▶ facts (to the owner)
//! ```
//!
//! What is known of the page without asking is its [`PageState`], kept by one task (the
//! pump) from the session's events. Everything that reads or measures the DOM runs in an
//! isolated world that the page's own scripts cannot reach; everything that changes the page
//! goes by `Input.*`, as a person's hand would. This crate knows no session and no storage.

mod action;
mod apart;
mod attach;
mod content;
mod dialog;
mod effect;
mod entries;
mod error;
mod evaluate;
mod fact;
mod form;
mod frames;
mod hold_up;
mod image_size;
mod key;
mod locator;
mod navigate;
mod options;
mod page;
mod pdf;
mod picture;
mod pump;
mod record;
mod screenshot;
mod scroll;
mod settings;
mod several;
mod snapshot;
mod target;
mod url_rules;
mod wait;
mod world;

pub use bytes::Bytes;

pub use action::{Action, Button, Choice, Interacted, Modifiers, Place};
pub use apart::OpenStorage;
pub use content::{Content, ContentFormat, ContentOptions};
pub use dialog::{Dialog, DialogKind, DialogPolicy};
pub use effect::Gate;
pub use entries::{EntrySeen, HistorySeen, NearSeen};
pub use error::{Attempt, Error};
pub use evaluate::{ConsoleLine, Evaluate, Evaluated, Exception};
pub use fact::{Fact, StorageChange, StorageOp};
pub use form::FormRestored;
pub use locator::Locator;
pub use navigate::{Navigate, Navigated};
pub use options::{PageOptions, RefBlocks};
pub use page::Page;
pub use pdf::Pdf;
pub use picture::{Frame, PageState};
pub use record::{ConsoleEntry, NetworkEntry, RecordedBody, Records, without_secrets};
pub use screenshot::{Image, ImageFormat, Screenshot};
pub use settings::{
    CredentialsFor, Emulation, Geolocation, HeadersTo, InitScript, RequestAction, RequestRule,
    Settings, Viewport, url_matches,
};
pub use snapshot::{Since, Snapshot, SnapshotOptions};
pub use wait::{ElementState, LoadState, Wait, Waited};
pub use world::WORLD;
