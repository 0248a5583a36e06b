//! Dispatch, the one funnel every call goes through, and the front doors before it.
//!
//! ```text
//!   http (unix socket, TCP)      mcp (over any Invoke)
//!              └────────┬────────────┘
//!                   dispatch     admit → arguments → limits → run → log → error
//!                       │
//!                    operate     what performs operations: the daemon's sessions
//! ```
//!
//! A door finds out who calls and how long they will wait, and says the answer in its own
//! words; everything else is dispatch's. No door knows what an operation does.

mod audit;
mod dispatch;
pub mod http;
pub mod mcp;
mod operate;
mod sessions;

pub use dispatch::{Daemon, Dispatch, Settings};
pub use operate::Operate;
pub use sessions::OnSessions;
