//! Dispatch and the front doors: HTTP, MCP.
