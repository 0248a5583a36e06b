//! The Chrome DevTools Protocol: transports, one connection, flat sessions, lenient types.
//!
//! ```text
//! Session::call ──▶ in-flight table ──▶ outbox ──▶ Transport::outgoing ──▶ browser
//!       ▲                  │                                                  │
//!       └──── reply ───────┴──── reader task ◀── Transport::incoming ◀────────┘
//!                                    └──▶ one bounded event queue per subscriber
//! ```
//!
//! The reader never waits for anybody: a reply goes to its one waiter, an event into bounded
//! queues that lose their oldest and say so. What a message's body holds is decoded by who asked
//! for it, so that a body nobody understands is one caller's error and never the link's end.
//! Nothing here knows processes or what a browserd session is.

mod command;
mod connection;
mod discovery;
mod envelope;
mod error;
mod events;
mod in_flight;
mod outbox;
pub mod protocol;
mod reader;
mod session;
mod stats;
mod transport;
mod well_formed;

pub use command::{Command, Event};
pub use connection::{Connection, Late, Options, Prepared, Stray};
pub use discovery::{BROWSER_PATH, discover, is_browser_id};
pub use envelope::ProtocolError;
pub use error::{Ended, Error, LinkLost};
pub use events::{Events, Next, RawEvent};
pub use session::Session;
pub use stats::Stats;
pub use transport::{Peer, Transport};
pub use well_formed::well_formed;

/// The size of the largest message that is sent or taken.
pub const LARGEST_MESSAGE: usize = 256 * 1024 * 1024;
