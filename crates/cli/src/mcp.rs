//! `browserd mcp`: MCP on stdio, over whatever daemon there is.

use crate::environment::Environment;
use crate::failure::Failure;

/// Serves MCP until stdin ends.
pub fn main(_environment: &Environment) -> Result<(), Failure> {
    Err(Failure::new(
        base::Code::NotAvailable,
        "MCP is still to come.",
    ))
}
