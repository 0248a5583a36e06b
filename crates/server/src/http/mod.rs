//! HTTP: `/v1`, on the unix socket of the home for the local user and on TCP with a token.
//!
//! ```text
//!   listen   accepts, checks the peer, bounds the connections, ends them at shutdown
//!   guard    Host, Origin and token, for TCP only
//!   routes   the operation list as paths
//!   call     one request: arguments in, deadline, cancel; answer or problem out
//!   file     a downloaded file as it is
//! ```

mod call;
mod file;
mod guard;
mod listen;
mod problem;
mod routes;

pub use guard::Access;
pub use listen::{serve_tcp, serve_unix};
