//! MCP over any [`api::Invoke`]: tools/list from the operation list, tools/call by name.
//!
//! Serves clients of 2025-11-25 (which `initialize`) and of 2026-07-28 (which do not). A
//! browser session is an argument of a tool and never tied to the MCP connection: whoever
//! hangs up ends nothing but its own calls.

mod answer;
mod serve;
mod small;
mod tools;

pub use small::LARGEST_ANSWER;

pub use serve::{Error, serve, serve_stdio};
