//! Rust client of the HTTP API, over the unix socket or TCP.
