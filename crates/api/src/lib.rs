//! The operation list, wire types and error codes that every front door is made from.
//!
//! ```text
//!   operation/*.rs   one file per operation: input, output, effect, summary, examples
//!        │
//!   OPERATIONS ──▶ HTTP routes, OpenAPI 3.1 (openapi), MCP tools (tool), the client's calls
//!        │
//!   Invoke           what a front needs: an operation's name and arguments in, an answer out
//! ```
//!
//! Nothing here knows how an operation is done. Names and shapes are promises: they are
//! added to and never renamed within `/v1`.

pub mod arguments;
mod caller;
mod error;
mod invoke;
pub mod openapi;
pub mod operation;
mod pages;
mod passphrase;
mod retry;
mod schema;
pub mod tool;
pub mod wire;

pub use caller::{Caller, Door};
pub use error::{ApiError, Problem};
pub use invoke::{CALL_ID_HEADER, DEADLINE_HEADER, IDEMPOTENCY_HEADER, Invoke};
pub use operation::*;
pub use pages::error_page;
pub use passphrase::Passphrase;
pub use retry::{Retry, http_status, retry};
pub use wire::*;
