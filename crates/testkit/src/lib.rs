//! Tests only: scripted CDP peer, raw Chromium, fake programs, test site, lifecycle harness.
//!
//! Never shipped. It starts and signals processes itself, reads clocks and the environment,
//! and panics when a test must fail: the walls hold for the product, this is what watches it.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this crate is a test's own code"
)]

pub mod chaos;
pub mod clock;
pub mod disk;
pub mod fake;
pub mod harness;
pub mod link;
pub mod peer;
pub mod process;
pub mod raw;
pub mod site;
pub mod somebody;
