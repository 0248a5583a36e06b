//! A connection against a peer that does what browsers do at their worst.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests fail by panics, spawn, start servers and read the clock themselves"
)]

extern crate browserd_cdp as cdp;

mod ends;
mod events;
mod ids;
mod pressure;
mod replies;
mod support;
mod web_socket;
