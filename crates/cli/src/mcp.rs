//! `browserd mcp`.
